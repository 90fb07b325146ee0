"""What was shown while a source was recorded: dots and moving dots from files, and what was seen of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tinytracker.calibration import pursuit
from tinytracker.calibration.dots import Dot
from tinytracker.devices import Device
from tinytracker.domain import GazeSample
from tinytracker.errors import InputError, UsageError
from tinytracker.files import refuse_missing
from tinytracker.geometry import points_to_camera_cm


@dataclass(frozen=True, slots=True)
class ShownDot:
    """A line of a dots file: from start_s to end_s of the source's time a dot was shown at x_px, y_px of the
    screen.

    use: "fit" or "check" (held out).
    """

    start_s: float
    end_s: float
    x_px: float
    y_px: float
    use: Literal["fit", "check"] = "fit"


def read_shown_dots(path: Path) -> list[ShownDot]:
    """A dots file: CSV with the columns start_s, end_s, x_px, y_px and, if some are held out, use (fit or
    check).

    Raises InputError naming the file, the line and the field.
    """
    refuse_missing(path, "a CSV file of dots")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected a CSV file of dots") from error
    dots = [_shown_dot(row, f"{path}, line {number}") for number, row in enumerate(rows, start=2)]
    if not dots:
        raise InputError(
            f"{path} names no dots; expected a line start_s,end_s,x_px,y_px and one line for each dot"
        )
    return dots


def _shown_dot(row: dict[str, str], where: str) -> ShownDot:
    start_s, end_s, x_px, y_px = _numbers_of(row, ("start_s", "end_s", "x_px", "y_px"), where)
    if end_s <= start_s:
        raise InputError(f"{where}: a dot must end after it starts")
    use = (row.get("use") or "fit").strip()
    if use == "fit":
        return ShownDot(start_s, end_s, x_px, y_px, use="fit")
    if use == "check":
        return ShownDot(start_s, end_s, x_px, y_px, use="check")
    raise InputError(f"{where}: use is {use!r}, expected fit or check")


def refuse_beyond(places_px: Iterable[tuple[float, float]], screen: Device, path: Path | None) -> None:
    """Raises InputError if something was shown (x_px, y_px) where the screen has no pixels: those of another
    scaling, or of another screen, would calibrate to the wrong place. path: the file that says so."""
    width, height = screen.width_points, screen.height_points
    for number, (x_px, y_px) in enumerate(places_px, start=1):
        if not (0 <= x_px <= width and 0 <= y_px <= height):
            raise InputError(
                f"{path}: place {number}, at {x_px:g}, {y_px:g}, is not on the screen of {width} x {height} "
                "px; expected pixels of that screen, from its upper left corner"
            )


def dots_of_samples(samples: Sequence[GazeSample], shown: Iterable[ShownDot], screen: Device) -> list[Dot]:
    """What was seen of each shown dot; times count from the first sample."""
    began_ns = samples[0].t_ns if samples else 0
    return [_dot_of(samples, dot, screen, began_ns) for dot in shown]


def _dot_of(samples: Sequence[GazeSample], shown: ShownDot, screen: Device, began_ns: int) -> Dot:
    start_ns, end_ns = (began_ns + round(seconds * 1e9) for seconds in (shown.start_s, shown.end_s))
    meanwhile = [sample for sample in samples if start_ns <= sample.t_ns < end_ns]
    x_cm, y_cm = points_to_camera_cm(shown.x_px, shown.y_px, screen)
    return Dot.of_samples(float(x_cm), float(y_cm), meanwhile, start_ns, (shown.x_px, shown.y_px))


def read_path(path: Path, screen: Device, began_ns: int) -> pursuit.Path:
    """A moving dot's path: CSV with the columns t_s, x_px and y_px, straight in between. began_ns: the time
    of the first frame, from which t_s counts.

    Raises InputError naming the file, the line and the field.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected a CSV file of a path") from error
    if len(rows) < 2:
        raise InputError(f"{path} has {len(rows)} places; expected t_s,x_px,y_px and a line for each")
    places = [
        _numbers_of(row, ("t_s", "x_px", "y_px"), f"{path}, line {number}")
        for number, row in enumerate(rows, 2)
    ]
    t_s, x_px, y_px = np.array(places).T
    refuse_beyond(zip(x_px, y_px, strict=True), screen, path)
    times_ns = began_ns + np.round(t_s * 1e9).astype(np.int64)
    try:
        return pursuit.Path(times_ns, *points_to_camera_cm(x_px, y_px, screen))
    except UsageError as error:
        raise InputError(f"{path}: {error}") from error


def _numbers_of(row: dict[str, str], names: Sequence[str], where: str) -> list[float]:
    if None in row:  # a decimal comma makes two numbers of one
        raise InputError(f"{where} has more values than the first line has names")
    numbers = []
    for name in names:
        try:
            numbers.append(float(row[name]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {name} is {row.get(name)!r}, expected a number") from error
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"{where}: every number must be finite")
    return numbers
