"""Every file of events, told apart by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.files import camera, hdf5, npz, text
from tinytracker.events.files.reading import StreamRead
from tinytracker.events.stream import Events

Reader = Callable[[Path], StreamRead]
Writer = Callable[[Path, Events], None]
FORMATS: dict[str, tuple[Reader, Writer]] = {
    **dict.fromkeys(camera.SUFFIXES, (camera.read, camera.write)),
    **dict.fromkeys(hdf5.SUFFIXES, (hdf5.read, hdf5.write)),
    **dict.fromkeys(npz.SUFFIXES, (npz.read, npz.write)),
    **dict.fromkeys(text.SUFFIXES, (text.read, text.write)),
}


def read_stream(path: Path) -> StreamRead:
    """The events of a file, whatever its kind: what can be read of it, and what is to be said of the rest.

    Raises RecordingError if nothing can be read, MissingExtraError if its kind wants a library that is not
    there.
    """
    if not path.is_file():
        raise RecordingError(f"{path} {'is no file' if path.exists() else 'does not exist'}")
    if (known := FORMATS.get(path.suffix.lower())) is None:
        raise RecordingError(f"{path} is no file of events; expected one of {', '.join(FORMATS)}")
    read, _ = known
    return read(path)


def write_stream(path: Path, events: Events) -> None:
    """Writes events as the suffix of `path` says, whole or not at all.

    Raises UsageError for another suffix, OutputError if it cannot be written.
    """
    if (known := FORMATS.get(path.suffix.lower())) is None:
        raise UsageError(f"{path}: events are written as one of {', '.join(FORMATS)}")
    _, write = known
    write(path, events)
