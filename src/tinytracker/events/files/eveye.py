"""EV-Eye (Zhao et al., NeurIPS 2023 Datasets and Benchmarks): two DAVIS346 of 346 x 260, one before each eye.

    userN/{left,right}/session_A_0_B/events/events.txt   a line `time x y polarity`
    userN/{left,right}/session_A_0_B/frames/INDEX_TIME.png, and timestamps.txt
    userN/{left,right}/session_A_0_B/user_N.csv          VGG Image Annotator's ellipses of some of the frames

Times are microseconds since 1970, places pixels of the sensor. An ellipse's rx and ry are half axes, its
theta is in radians. Sessions without a table have no labels.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.domain import Image
from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.files import text
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
from tinytracker.files import make_folder, write_bytes, write_text, written_aside
from tinytracker.images import encode_png

NAME = "eveye"
SIZE_PX = (346, 260)
EVENTS_FILE = Path("events") / "events.txt"
FRAME_US = 40_000
LONGEST_GAP_US = 100_000
COLUMNS = (
    *("filename", "file_size", "file_attributes", "region_count", "region_id"),
    *("region_shape_attributes", "region_attributes"),
)
FRAME = re.compile(r"\d+_(?P<t_us>\d+)\.png")
NO_ELLIPSE = "frames that nobody labelled"
NO_TIME = "labels of frames whose name says no time"


def recognises(folder: Path) -> bool:
    return (folder / EVENTS_FILE).is_file()


def identify(folder: Path) -> Identity:
    folder = folder.resolve()
    eye, person = folder.parent.name, folder.parent.parent.name
    return Identity(f"{person}_{eye}_{folder.name}", person)


def sources(folder: Path) -> list[Path]:
    return [folder / EVENTS_FILE, *_tables(folder)]


def read(folder: Path) -> RecordingRead:
    if not (tables := _tables(folder)):
        raise RecordingError(
            f"{folder} has no table of ellipses: there are no labels, as in each first session"
        )
    stream = text.read(folder / EVENTS_FILE, SIZE_PX)
    labels, left_out = _labels(tables[0])
    who = identify(folder)
    settings = {"set": NAME, "eye": folder.resolve().parent.name}
    recording = EventRecording(who.name, who.person, "davis346", stream.events, labels, settings)
    return RecordingRead(recording, {**stream.left_out, **left_out}, stream.notes)


def _tables(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.csv"))


def _labels(path: Path) -> tuple[Labels, Counter[str]]:
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig", errors="replace")))
        if missing := {"filename", "region_shape_attributes"} - set(table.fieldnames or ()):
            raise RecordingError(f"{path} has no column {', '.join(sorted(missing))}")
        rows = list(table)
    except (OSError, csv.Error) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    left_out: Counter[str] = Counter()
    kept = []
    for row in rows:
        ellipse = _ellipse(row["region_shape_attributes"] or "")
        frame = FRAME.search(row["filename"] or "")
        if ellipse is None:
            left_out[NO_ELLIPSE] += 1
        elif frame is None:
            left_out[NO_TIME] += 1
        else:
            kept.append((int(frame["t_us"]), *ellipse))
    kept.sort()
    t_us = np.array([row[0] for row in kept], np.int64)
    x_px, y_px, across, down, theta = np.array([row[1:] for row in kept], float).reshape(-1, 5).T
    lies = down > across
    labels = labels_of(
        t_us,
        x_px=x_px,
        y_px=y_px,
        major_px=2 * np.maximum(across, down),
        minor_px=2 * np.minimum(across, down),
        angle_deg=(np.degrees(theta) + 90.0 * lies) % 180.0,
    )
    return labels, left_out


def _ellipse(said: str) -> tuple[float, ...] | None:
    """cx, cy, rx, ry, theta of what the annotator wrote; None for no ellipse, or one without size."""
    try:
        shape: Any = json.loads(said)
        found = tuple(float(shape.get(key, 0.0)) for key in ("cx", "cy", "rx", "ry", "theta"))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    is_whole = shape.get("name") == "ellipse" and all(map(math.isfinite, found)) and min(found[2:4]) > 0
    return found if is_whole else None


def write(root: Path, recording: EventRecording, frames: Frames = ()) -> Path:
    """A table row for every frame, 25 a second; an ellipse in it while the eye is open and the label whole.

    frames: the pictures; without them the table names frames that are not there.
    """
    events = recording.events
    if (events.width_px, events.height_px) != SIZE_PX:
        raise UsageError(
            f"{recording.name} is of {events.width_px} x {events.height_px} pixels; EV-Eye is of 346 x 260: "
            f"take a davis346"
        )
    eye = recording.settings.get("eye") if recording.settings.get("eye") in ("left", "right") else "left"
    session = recording.name.removeprefix(f"{recording.person}_{eye}_")
    folder = root / recording.person / str(eye) / session
    for part in ("events", "frames"):
        make_folder(folder / part)
    pictures = list(frames)
    for index, (t_us, grey) in enumerate(pictures):
        picture: Image = np.repeat(grey[..., None], 3, axis=2)
        write_bytes(folder / "frames" / f"{index:06d}_{t_us}.png", encode_png(picture))
    labels = recording.labels
    times = [t_us for t_us, _ in pictures] or list(_frame_times(labels))
    write_text(folder / "frames" / "timestamps.txt", "".join(f"{t_us}\n" for t_us in times))
    with (
        written_aside(folder / f"{word(recording.person)}.csv") as aside,
        aside.open("w", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for index, label in enumerate(at_times(labels, np.array(times, np.int64), LONGEST_GAP_US)):
            shape = _shape(label)
            beside = (0, "{}", int(bool(shape)), 0, json.dumps(shape) if shape else "{}", "{}")
            table.writerow([f"{index:06d}_{times[index]}.png", *beside])
    text.write(folder / EVENTS_FILE, events)
    return folder


def _frame_times(labels: Labels) -> range:
    if not len(labels):
        return range(0)
    return range(int(labels["t_us"][0]), int(labels["t_us"][-1]) + 1, FRAME_US)


def _shape(label: np.void) -> dict[str, Any]:
    """A label as the annotator writes it; nothing for a closed eye, or without a whole ellipse."""
    numbers = [float(label[name]) for name in ("x_px", "y_px", "major_px", "minor_px", "angle_deg")]
    if label["closed"] or not all(map(math.isfinite, numbers)):
        return {}
    x_px, y_px, major_px, minor_px, angle_deg = numbers
    said = (x_px, y_px, major_px / 2, minor_px / 2, math.radians(angle_deg))
    rounded = (round(number, 3) for number in said)
    return {"name": "ellipse", **dict(zip(("cx", "cy", "rx", "ry", "theta"), rounded, strict=True))}


LAYOUT = Layout(NAME, recognises, identify, read, sources, write, nothing_to_finish)
