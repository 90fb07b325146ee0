"""Ini-30 (Bonazzi et al., arXiv 2312.00425): a DVXplorer of 640 x 480 in glasses.

    silver.csv                 tab-separated, a row for each label: exp_name, x_coord, y_coord, t_start, t_end
    EXP_NAME/annotations.csv   timestamp, possible, center_x, center_y, axis_x, axis_y, angle
    EXP_NAME/events.aedat4

Times are microseconds, places pixels of the sensor, angles degrees. The axes are taken as half ones, as
OpenCV's ellipses have them: the authors do not say. The names are DATE_PERSON_NUMBER, most with _L or _R for
the eye, and some with a letter and a dash before the person: those are taken as the same person, as nobody
may stand in two splits.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.files import camera
from tinytracker.events.files.layout import Frames, Identity, Layout, RecordingRead, word
from tinytracker.events.labels import Labels, labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.files import make_folder, written_aside

NAME = "ini-30"
SIZE_PX = (640, 480)
SILVER_FILE, ANNOTATIONS_FILE, EVENTS_FILE = "silver.csv", "annotations.csv", "events.aedat4"
SILVER_COLUMNS = ("exp_name", "x_coord", "y_coord", "t_start", "t_end")
ANNOTATION_COLUMNS = ("timestamp", "possible", "center_x", "center_y", "axis_x", "axis_y", "angle")
NAMED = re.compile(r"\d{4}-\d{2}-\d{2}_(?:[a-z]-)?(?P<person>.+?)_\d+(?:_[LR])?")
NOT_POSSIBLE = "labels marked as not possible"
NO_PLACE = "labels without a place on the sensor"


def recognises(folder: Path) -> bool:
    return (folder / EVENTS_FILE).is_file()


def identify(folder: Path) -> Identity:
    name = folder.resolve().name
    found = NAMED.fullmatch(name)
    return Identity(name, found["person"] if found else name)


def sources(folder: Path) -> list[Path]:
    return [folder / EVENTS_FILE, folder / ANNOTATIONS_FILE]


def read(folder: Path) -> RecordingRead:
    stream = camera.read(folder / EVENTS_FILE)
    labels, left_out, notes = _labels(folder)
    who = identify(folder)
    recording = EventRecording(who.name, who.person, "dvxplorer", stream.events, labels, {"set": NAME})
    return RecordingRead(recording, {**stream.left_out, **left_out}, [*stream.notes, *notes])


def _labels(folder: Path) -> tuple[Labels, Counter[str], list[str]]:
    """The labels of annotations.csv; without one, those of silver.csv."""
    annotations, silver = folder / ANNOTATIONS_FILE, folder.parent / SILVER_FILE
    if annotations.is_file():
        rows = list(_rows(annotations, ",", ("timestamp", "center_x", "center_y")))
        names = {"t": "timestamp", "x": "center_x", "y": "center_y"}
        notes = []
    elif silver.is_file():
        rows = [row for row in _rows(silver, "\t", ("exp_name", "x_coord", "y_coord", "t_end"))]
        rows = [row for row in rows if row["exp_name"] == folder.name]
        names = {"t": "t_end", "x": "x_coord", "y": "y_coord"}
        notes = [f"it has no {ANNOTATIONS_FILE}; its labels are those of {SILVER_FILE}"]
    else:
        raise RecordingError(f"{annotations} is missing, and so is {silver}: there are no labels")
    left_out: Counter[str] = Counter()
    kept: list[tuple[float, ...]] = []
    for row in rows:
        if row.get("possible", "1").strip().lower() in ("0", "0.0", "false", "no"):
            left_out[NOT_POSSIBLE] += 1
            continue
        t_us, x_px, y_px = (_number(row, names[name]) for name in "txy")
        if not (t_us >= 0 and 0 <= x_px <= SIZE_PX[0] and 0 <= y_px <= SIZE_PX[1]):
            left_out[NO_PLACE] += 1
            continue
        kept.append((t_us, x_px, y_px, *(_number(row, name) for name in ("axis_x", "axis_y", "angle"))))
    return _made_of(np.array(kept, float).reshape(-1, 6)), left_out, notes


def _made_of(rows: np.ndarray) -> Labels:
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    t_us, x_px, y_px, across, down, angle = rows.T
    lies = down > across  # the second axis is the longer one
    return labels_of(
        t_us.astype(np.int64),
        x_px=x_px,
        y_px=y_px,
        major_px=2 * np.maximum(across, down),
        minor_px=2 * np.minimum(across, down),
        angle_deg=(angle + 90.0 * lies) % 180.0,
    )


def _rows(path: Path, delimiter: str, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    table = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        if missing := [name for name in needed if name not in (table.fieldnames or ())]:
            raise RecordingError(f"{path} has no column {', '.join(missing)}")
        yield from ({key: value or "" for key, value in row.items() if key} for row in table)
    except csv.Error as error:
        raise RecordingError(f"{path} is damaged: {error}") from error


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name, ""))
    except ValueError:
        return math.nan


def write(root: Path, recording: EventRecording, _frames: Frames = ()) -> Path:
    """Labels without a place, and those of closed eyes, are not written: Retina's loader takes every row for
    a label."""
    size = (recording.events.width_px, recording.events.height_px)
    if size != SIZE_PX:
        raise UsageError(
            f"{recording.name} is of {size[0]} x {size[1]} pixels; {NAME} is of 640 x 480: take a dvxplorer"
        )
    name = recording.name
    if identify(Path(name)).person != recording.person:
        name = f"2000-01-01_{word(recording.person)}_{zlib.crc32(name.encode())}"
    folder = root / name
    make_folder(folder)
    labels = recording.labels
    labels = labels[~(labels["closed"] | np.isnan(labels["x_px"]) | np.isnan(labels["y_px"]))]
    with written_aside(folder / ANNOTATIONS_FILE) as aside, aside.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(ANNOTATION_COLUMNS)
        for row in labels:
            axes = (row["major_px"] / 2, row["minor_px"] / 2, row["angle_deg"])
            table.writerow([int(row["t_us"]), 1, *map(_written, (row["x_px"], row["y_px"], *axes))])
    camera.write(folder / EVENTS_FILE, recording.events)
    return folder


def finish(root: Path) -> None:
    """silver.csv, from the annotations of all recordings."""
    with written_aside(root / SILVER_FILE) as aside, aside.open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(SILVER_COLUMNS)
        for annotations in sorted(root.glob(f"*/{ANNOTATIONS_FILE}")):
            before = ""
            for row in _rows(annotations, ",", ("timestamp", "center_x", "center_y")):
                place = (row["center_x"], row["center_y"])
                table.writerow(
                    [annotations.parent.name, *place, before or row["timestamp"], row["timestamp"]]
                )
                before = row["timestamp"]


def _written(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.3f}"


LAYOUT = Layout(NAME, recognises, identify, read, sources, write, finish)
