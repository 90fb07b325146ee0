"""Reading the labels of recordings in GazeCapture's original format.

What cannot be trusted is left out and named: a whole recording by RecordingError, single frames by a reason
that is counted. Labels are in cm already and never guessed; what else is missing (device, orientation, split)
is assumed, so that as many frames are kept as by the official script, and `Recording.assumed` says what.
Crops are those of the dataset's official preprocessing: boxes cut to whole numbers, the face box grown by
(-1, -1, +1, +1), the eye boxes, relative to it, moved by (0, -1, 0, 0), black outside the frame; only frames
with valid face, eyes and face grid.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args

from tinytracker.data.recording import EYE_SHIFT, FACE_GROWTH
from tinytracker.data.recording_files import RecordingFiles
from tinytracker.devices import Device, DeviceKind, device_named
from tinytracker.errors import RecordingError, UsageError
from tinytracker.files import parse_json
from tinytracker.geometry import points_to_camera_cm

BOX_FILES = {
    "face": "appleFace.json",
    "left_eye": "appleLeftEye.json",
    "right_eye": "appleRightEye.json",
    "grid": "faceGrid.json",
}
SPLITS = ("train", "val", "test")
UNKNOWN_DEVICE = "unknown"
ASSUMED_SPLIT: Literal["train"] = "train"  # it spoils no score
ASSUMED_ORIENTATION = 1
# The farthest screens of GazeCapture lie within 30 cm of the camera, ours within 40: beyond this a number is
# an error.
FARTHEST_GAZE_CM = 100.0
LARGEST_BOX_PX = 10_000
LARGEST_GRID = 100  # cells; faces may reach out of the frame, and of its 25 x 25 cells
# Labels are made from the dots' places on the screen; rounding aside, both must say the same.
LABEL_TOLERANCE_CM = 0.1
_PICTURE_NAME = re.compile(r"\d{5,9}\.jpg")

WholeBox = tuple[int, int, int, int]  # x, y, width, height in whole pixels of the frame


@dataclass(frozen=True, slots=True)
class FrameLabel:
    """One usable frame.

    index: its place in the lists. picture: its path inside the recording. face, left_eye, right_eye: what to
    cut, in whole pixels of the frame. gaze_*_cm: prediction space. grid: GazeCapture's face grid parameters.
    """

    index: int
    picture: str
    face: WholeBox
    left_eye: WholeBox
    right_eye: WholeBox
    grid: WholeBox
    gaze_x_cm: float
    gaze_y_cm: float
    orientation: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording's JSON files say.

    left_out counts the frames not in `frames` by reason. doubtful: how many of `frames` have a label more
    than LABEL_TOLERANCE_CM from where device, orientation and the dot's place in points put it. truth: lists
    with one entry per frame of the recording (not only of the usable ones), each all bool, all float or all
    str; see `truth.json`. person: who is seen: the recording's name, as GazeCapture has one recording of each
    person, unless info.json says otherwise. assumed: what the files do not say and was assumed, in words.
    """

    name: str
    device: str
    device_kind: str
    split: str
    frames: list[FrameLabel]
    left_out: Counter[str] = field(default_factory=Counter)
    doubtful: int = 0
    truth: dict[str, list[Any]] = field(default_factory=dict)
    person: str = ""
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.person:
            object.__setattr__(self, "person", self.name)


def read_recording(files: RecordingFiles) -> Recording:
    """Reads all labels of a recording; pictures are not touched.

    What the labels do not need may be missing or unusable: info.json, screen.json, a known device, a split.

    Raises RecordingError if another file is missing or broken, or if lists differ in length.
    """
    pictures = _json(files, "frames.json", list)
    boxes = {
        kind: _lists(files, file, ("X", "Y", "W", "H", "IsValid"), len(pictures))
        for kind, file in BOX_FILES.items()
    }
    dots = _lists(files, "dotInfo.json", ("XCam", "YCam"), len(pictures))
    assumed: list[str] = []
    screen = _screen(files, len(pictures), assumed)
    info = _info(files, assumed)
    split = _split(info, assumed)
    device, kind = _device(info, assumed)
    named = Counter(picture for picture in pictures if isinstance(picture, str))
    frames: list[FrameLabel] = []
    left_out: Counter[str] = Counter()
    for index, picture in enumerate(pictures):
        try:
            if isinstance(picture, str) and named[picture] > 1:
                raise _LeftOutError("a picture that several labels claim")
            frames.append(_frame(index, picture, boxes, dots, screen))
        except _LeftOutError as reason:
            left_out[str(reason)] += 1
    doubtful = _count_doubtful(frames, device, dots, screen)
    truth = _truth(files, len(pictures))
    person = _person(files.name, info)
    return Recording(
        files.name, device, kind, split, frames, left_out, doubtful, truth, person, tuple(assumed)
    )


def _screen(files: RecordingFiles, length: int, assumed: list[str]) -> dict[str, list[Any]]:
    """screen.json; where it cannot be used, one that says ASSUMED_ORIENTATION of every frame."""
    try:
        screen = _lists(files, "screen.json", ("Orientation",), length)
    except RecordingError:
        assumed.append(f"orientation {ASSUMED_ORIENTATION}, for want of a usable screen.json")
        return {"Orientation": [ASSUMED_ORIENTATION] * length}
    is_known = [type(value) in (int, float) and value in (1, 2, 3, 4) for value in screen["Orientation"]]
    if not all(is_known):
        assumed.append(
            f"orientation {ASSUMED_ORIENTATION} of frames for which screen.json has none of 1 to 4"
        )
    known = zip(screen["Orientation"], is_known, strict=True)
    return screen | {
        "Orientation": [int(value) if is_one else ASSUMED_ORIENTATION for value, is_one in known]
    }


def _info(files: RecordingFiles, assumed: list[str]) -> dict[str, Any]:
    try:
        info: dict[str, Any] = _json(files, "info.json", dict)
    except RecordingError:
        assumed.append("an unknown device, for want of a usable info.json")
        return {}
    return info


def _split(info: dict[str, Any], assumed: list[str]) -> str:
    if (split := info.get("Dataset")) in SPLITS:
        return str(split)
    assumed.append(f"the split {ASSUMED_SPLIT}, for want of a Dataset that is train, val or test")
    return ASSUMED_SPLIT


class _LeftOutError(Exception):
    """Why a frame is not used."""


def _frame(
    index: int, picture: Any, boxes: dict[str, Any], dots: dict[str, list[Any]], screen: dict[str, list[Any]]
) -> FrameLabel:
    for kind, name in (
        ("face", "face"),
        ("left_eye", "left eye"),
        ("right_eye", "right eye"),
        ("grid", "face grid"),
    ):
        if boxes[kind]["IsValid"][index] not in (0, 1):
            raise _LeftOutError("a value that is not a number, or out of its range")
        if boxes[kind]["IsValid"][index] != 1:
            raise _LeftOutError(f"no valid {name}")
    whole = {
        kind: tuple(int(_number(columns[key][index])) for key in "XYWH") for kind, columns in boxes.items()
    }
    face = _sum(whole["face"], FACE_GROWTH)
    corner = (*face[:2], 0, 0)
    left_eye, right_eye = (_sum(_sum(whole[eye], EYE_SHIFT), corner) for eye in ("left_eye", "right_eye"))
    for box in (face, left_eye, right_eye):
        if (
            not (0 < box[2] <= LARGEST_BOX_PX and 0 < box[3] <= LARGEST_BOX_PX)
            or max(map(abs, box[:2])) > LARGEST_BOX_PX
        ):
            raise _LeftOutError("a box of impossible size or place")
    if max(map(abs, whole["grid"])) > LARGEST_GRID or min(whole["grid"][2:]) < 0:
        raise _LeftOutError("a face grid of impossible size or place")
    gaze = float(_number(dots["XCam"][index])), float(_number(dots["YCam"][index]))
    if max(map(abs, gaze)) > FARTHEST_GAZE_CM:
        raise _LeftOutError("a gaze point too far from the camera")
    orientation = screen["Orientation"][index]
    if not isinstance(picture, str) or not _PICTURE_NAME.fullmatch(picture):
        raise _LeftOutError("a picture without a usable name")
    grid = (whole["grid"][0], whole["grid"][1], whole["grid"][2], whole["grid"][3])
    return FrameLabel(index, f"frames/{picture}", face, left_eye, right_eye, grid, *gaze, orientation)


def _count_doubtful(
    frames: list[FrameLabel], device: str, dots: dict[str, list[Any]], screen: dict[str, list[Any]]
) -> int:
    """How many labels contradict the dot's place on the screen; those whose dot, screen or device is not
    known do not."""
    count = 0
    for frame in frames:
        try:
            x_points, y_points = _number(dots["XPts"][frame.index]), _number(dots["YPts"][frame.index])
            size_points = int(_number(screen["W"][frame.index])), int(_number(screen["H"][frame.index]))
            x_cm, y_cm = points_to_camera_cm(
                x_points, y_points, _known_device(device), frame.orientation, size_points
            )
        except (KeyError, IndexError, TypeError, UsageError, _LeftOutError):
            continue
        count += math.hypot(x_cm - frame.gaze_x_cm, y_cm - frame.gaze_y_cm) > LABEL_TOLERANCE_CM
    return count


@cache
def _known_device(name: str) -> Device:
    return device_named(name)


def _sum(box: tuple[int, ...], other: tuple[int, ...]) -> WholeBox:
    x, y, width, height = (a + b for a, b in zip(box, other, strict=True))
    return x, y, width, height


def _number(value: Any) -> float:
    """A number that is finite and not absurd, or the frame is left out."""
    if (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
    ):  # NaN is not, either
        return value
    raise _LeftOutError("a value that is not a number, or out of its range")


def _json(files: RecordingFiles, file: str, kind: type) -> Any:
    try:
        content = parse_json(files.read(file), any_whole=True)  # one value costs its frame alone
    except FileNotFoundError as error:
        raise RecordingError(f"{files.name}: {file} is missing") from error
    except OSError as error:
        raise RecordingError(f"{files.name}: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordingError(f"{files.name}: {file} is not JSON: {error}") from error
    if not isinstance(content, kind):
        raise RecordingError(
            f"{files.name}: {file} holds a {type(content).__name__}; expected a {kind.__name__}"
        )
    return content


def _lists(files: RecordingFiles, file: str, keys: tuple[str, ...], length: int) -> dict[str, list[Any]]:
    """The lists of a file, each with one entry per frame."""
    content = _json(files, file, dict)
    for key in keys or tuple(content):
        values = content.get(key)
        if not isinstance(values, list):
            raise RecordingError(f"{files.name}: {file} has no list {key}")
        if len(values) != length:
            raise RecordingError(
                f"{files.name}: {file} has {len(values)} values of {key} for {length} frames"
            )
    return content


def _truth(files: RecordingFiles, length: int) -> dict[str, list[Any]]:
    """What a renderer knows exactly; GazeCapture's own recordings have none."""
    try:
        files.read("truth.json")
    except FileNotFoundError:
        return {}
    columns = _lists(files, "truth.json", (), length)
    return {key: _of_one_kind(files.name, key, values) for key, values in columns.items()}


def _of_one_kind(recording: str, key: str, values: list[Any]) -> list[Any]:
    """The values, if all are words, all true or false, or all numbers (then as floats)."""
    kinds = {type(value) for value in values}
    if kinds <= {str} or kinds <= {bool}:
        return values
    try:
        if kinds <= {int, float}:
            return [float(value) for value in values]
    except OverflowError:
        pass
    raise RecordingError(
        f"{recording}: truth.json has unusable values in {key}; expected only numbers, words or booleans"
    )


def _person(recording: str, info: dict[str, Any]) -> str:
    """Who is seen: `Person` of info.json (ours, for people with several recordings), or else the
    recording's name."""
    person = info.get("Person", recording)
    if not isinstance(person, str) or not person.strip():
        raise RecordingError(
            f"{recording}: info.json says Person {person!r}; expected a name, or no such key"
        )
    return person


def _device(info: dict[str, Any], assumed: list[str]) -> tuple[str, str]:
    """The name and kind of the device: of the table, or (a person's own screen) as info.json says.

    One that neither knows keeps its name; its kind follows from it, as Apple's do, or is taken for a phone.
    """
    name, kind = info.get("DeviceName"), info.get("DeviceKind")
    if isinstance(name, str) and isinstance(kind, str) and kind in get_args(DeviceKind):
        return name, kind
    try:
        device = device_named(str(name))
    except UsageError:
        known = name if isinstance(name, str) and name.strip() else UNKNOWN_DEVICE
        kind = "tablet" if "pad" in known.lower() else "phone"
        if info:
            assumed.append(f"a {kind}, of the unknown device {known!r}")
        return known, kind
    return device.name, device.kind
