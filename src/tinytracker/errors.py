"""The exception tree: every error a user can cause, and the exit code it ends a command with.

    TinytrackerError            1   anything below, unnamed
    ├── UsageError              2   options that contradict each other or name nothing known
    ├── InputError              3   a file or folder that cannot be used as what it was given for
    │   ├── ImageError              a picture that does not decode
    │   ├── VideoError              a video that does not decode, or changes its size on the way
    │   ├── RecordingError          a recording that is not in GazeCapture's format
    │   ├── DatasetError            a dataset folder that is incomplete or of another version
    │   ├── CheckpointError         a checkpoint that does not fit its network
    │   ├── ModelError              a model file outside this family, or without a needed card
    │   ├── CalibrationError        a profile that is none, or of another network
    │   └── SessionError            a folder that is no recorded session, or a broken one
    ├── MissingExtraError       4   an optional dependency that is not installed
    ├── DeviceError             5   a camera or board that does not answer
    ├── TargetError             6   a network that a target cannot run
    └── OutputError             7   a place that cannot be written

A message says what was expected, what came and what to do. The command line prints it on one line and exits
with `exit_code`; Ctrl-C exits with 130.
"""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


class TinytrackerError(Exception):
    """Base of every error that is the user's to mend; anything else that escapes is a bug of ours.

    >>> from tinytracker.zoo import find
    >>> try:
    ...     find("nobody.tflite")
    ... except TinytrackerError as error:
    ...     print(error.exit_code, str(error).partition(";")[0])
    3 nobody.tflite does not exist
    """

    exit_code = 1


class UsageError(TinytrackerError):
    exit_code = 2


class InputError(TinytrackerError):
    exit_code = 3


class ImageError(InputError):
    pass


class VideoError(InputError):
    pass


class RecordingError(InputError):
    pass


class DatasetError(InputError):
    pass


class CheckpointError(InputError):
    pass


class ModelError(InputError):
    pass


class CalibrationError(InputError):
    pass


class SessionError(InputError):
    pass


class MissingExtraError(TinytrackerError):
    """Raised where an optional dependency is imported late and is not there.

    `package` is the import that failed, `extra` the name in `pip install 'tinytracker[extra]'`.
    """

    exit_code = 4

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'tinytracker[{extra}]'")


class DeviceError(TinytrackerError):
    exit_code = 5


class TargetError(TinytrackerError):
    exit_code = 6


class OutputError(TinytrackerError):
    exit_code = 7
