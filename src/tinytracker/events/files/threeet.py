"""3ET+ (Wang et al., Event-based eye tracking, AIS 2024 and 2025 challenges): a DVXplorer Mini of 640 x 480.

    [train/ or test/]NAME/NAME.h5   `events` of t, x, y, p (uint64; t in microseconds, p 0 or 1)
    [train/ or test/]NAME/label.txt a line `(x, y, close)` every 10 ms from the first event on, in pixels of
    the
                                    sensor; close is 1 while the eye is closed

NAME is PERSON_NUMBER, 13 people in all. The challenge's own split has the same people on both sides;
`prepare` splits by person instead. Its test recordings come without labels (label_zeros.txt).
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.files import hdf5
from tinytracker.events.files.layout import (
    Frames,
    Identity,
    Layout,
    RecordingRead,
    nothing_to_finish,
    word,
)
from tinytracker.events.labels import Labels, at_times, labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.files import make_folder, write_text

NAME = "3et"
SIZE_PX = (640, 480)
LABEL_FILE = "label.txt"
LABEL_US = 10_000
LONGEST_GAP_US = 100_000
NAMED = re.compile(r"(?P<person>[^_]+)_\d+")
LINE = re.compile(
    r"\s*\(?\s*(?P<x>[^,()\s]+)\s*,\s*(?P<y>[^,()\s]+)\s*(?:,\s*(?P<close>[^,()\s]+)\s*)?\)?\s*"
)
NO_LABEL = "lines of label.txt that are none"
NO_PLACE = "labels without a place on the sensor"


def recognises(folder: Path) -> bool:
    return _stream_of(folder).is_file()


def _stream_of(folder: Path) -> Path:
    return folder / f"{folder.resolve().name}.h5"


def identify(folder: Path) -> Identity:
    name = folder.resolve().name
    found = NAMED.fullmatch(name)
    return Identity(name, found["person"] if found else name)


def sources(folder: Path) -> list[Path]:
    return [_stream_of(folder), folder / LABEL_FILE]


def read(folder: Path) -> RecordingRead:
    path = folder / LABEL_FILE
    if not path.is_file():
        raise RecordingError(f"{path} is missing: there are no labels, as in the challenge's test recordings")
    stream = hdf5.read(_stream_of(folder), SIZE_PX)
    labels, left_out = _labels(path, int(stream.events.t_us[0]))
    who = identify(folder)
    recording = EventRecording(who.name, who.person, "dvxplorer", stream.events, labels, {"set": NAME})
    return RecordingRead(recording, {**stream.left_out, **left_out}, stream.notes)


def _labels(path: Path, first_us: int) -> tuple[Labels, Counter[str]]:
    """A line's number says when it is; so one that is no label leaves its time empty."""
    try:
        lines = path.read_text(errors="replace").rstrip().splitlines()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    left_out: Counter[str] = Counter()
    rows = []
    for number, line in enumerate(lines):
        found = LINE.fullmatch(line)
        try:
            if found is None:
                raise ValueError(line)
            x_px, y_px, close = (float(found[name] or 0) for name in ("x", "y", "close"))
        except ValueError:
            left_out[NO_LABEL] += 1
            continue
        closed = close > 0.5
        if not (closed or (0 <= x_px <= SIZE_PX[0] and 0 <= y_px <= SIZE_PX[1])):
            left_out[NO_PLACE] += 1
            continue
        rows.append((first_us + number * LABEL_US, x_px, y_px, closed))
    t_us, x, y, is_closed = np.array(rows, float).reshape(-1, 4).T
    return labels_of(t_us.astype(np.int64), x_px=x, y_px=y, closed=is_closed.astype(bool)), left_out


def write(root: Path, recording: EventRecording, _frames: Frames = ()) -> Path:
    """Labels are written on 3ET+'s own clock, between ours on a straight line; where there are none, and
    while the eye is closed, the last place with `close` 1."""
    events = recording.events
    if (events.width_px, events.height_px) != SIZE_PX:
        raise UsageError(
            f"{recording.name} is of {events.width_px} x {events.height_px} pixels; 3ET+ is of 640 x 480: "
            f"take a dvxplorer"
        )
    if not len(events):
        raise UsageError(f"{recording.name} has no events, from the first of which 3ET+ counts its labels")
    name = recording.name
    if identify(Path(name)).person != recording.person:
        name = f"{word(recording.person)}_{zlib.crc32(name.encode())}"
    folder = root / name
    make_folder(folder)
    times = np.arange(events.t_us[0], events.t_us[-1] + 1, LABEL_US)
    labels = at_times(recording.labels, times, LONGEST_GAP_US)
    lines, last = [], (0.0, 0.0)
    for label in labels:
        is_known = not (label["closed"] or np.isnan(label["x_px"]) or np.isnan(label["y_px"]))
        last = (float(label["x_px"]), float(label["y_px"])) if is_known else last
        lines.append(f"({last[0]:.3f}, {last[1]:.3f}, {int(not is_known)})\n")
    write_text(folder / LABEL_FILE, "".join(lines))
    hdf5.write(folder / f"{name}.h5", events)
    return folder


LAYOUT = Layout(NAME, recognises, identify, read, sources, write, nothing_to_finish)
