"""Areas of interest: where they are (as JSON), how long somebody looked at each, when first, how often."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import InputError, UsageError
from tinytracker.files import read_json, write_text
from tinytracker.session.rows import GazeRows

LONGEST_FRAME_S = 0.25
"""A frame stands for the time until the next one, but never for longer: then the camera or the face was
gone."""
MOST_AREAS = 100
LARGEST_PX = 1e6


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on the screen in pixels, x and y of its upper left corner."""

    name: str
    x_px: float
    y_px: float
    width_px: float
    height_px: float

    def __post_init__(self) -> None:
        if not (self.width_px > 0 and self.height_px > 0):
            raise UsageError(
                f"area {self.name!r} is {self.width_px:g} x {self.height_px:g} px; both must be above 0"
            )
        if not all(
            math.isfinite(value) and abs(value) <= LARGEST_PX
            for value in (self.x_px, self.y_px, self.width_px, self.height_px)
        ):
            raise UsageError(f"area {self.name!r} lies on no screen; expected pixels")


@dataclass(frozen=True, slots=True)
class AreaLooks:
    """dwell_s: time of the frames whose gaze lies inside. first_s: since the first row; None if it was never
    looked at.
    visits: how often the gaze came in from outside (or from nowhere). share: of all time with a gaze."""

    name: str
    dwell_s: float
    first_s: float | None
    visits: int
    share: float


def areas_of(entries: object, where: str = "areas") -> list[Area]:
    """Areas as JSON has them.

    >>> areas_of([{"name": "left", "x_px": 0, "y_px": 0, "width_px": 640, "height_px": 720}])[0].width_px
    640.0

    Raises UsageError, naming `where` it stands, for anything else.
    """
    if not isinstance(entries, list) or len(entries) > MOST_AREAS:
        raise UsageError(f"{where} must be a list of at most {MOST_AREAS} areas")
    try:
        return [
            Area(
                str(entry["name"])[:80],
                *(float(entry[key]) for key in ("x_px", "y_px", "width_px", "height_px")),
            )
            for entry in entries
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{where} must be a list of objects with name, x_px, y_px, width_px, height_px; "
            f"got {type(error).__name__}: {error}"
        ) from error


def read_areas(path: Path) -> list[Area]:
    """The areas in a JSON file; raises InputError if it holds none."""
    try:
        return areas_of(read_json(path), str(path))
    except UsageError as error:
        raise InputError(str(error)) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; expected areas of interest as JSON") from error


def write_areas(path: Path, areas: Sequence[Area]) -> None:
    """Writes areas as `read_areas` reads them."""
    write_text(path, json.dumps([asdict(area) for area in areas], indent=2) + "\n")


def area_looks(rows: GazeRows, areas: Sequence[Area]) -> list[AreaLooks]:
    """How each area was looked at."""
    times_s, x_px, y_px = rows.time_s, rows["screen_x_px"], rows["screen_y_px"]
    spans_s = frame_spans_s(times_s)
    seen_s = float(spans_s[np.isfinite(x_px)].sum())
    found = []
    for area in areas:
        inside = (x_px >= area.x_px) & (x_px < area.x_px + area.width_px)  # NaN is never inside
        inside &= (y_px >= area.y_px) & (y_px < area.y_px + area.height_px)
        dwell_s = float(spans_s[inside].sum())
        entered = inside & ~np.concatenate([[False], inside[:-1]])
        first_s = float(times_s[inside][0]) if inside.any() else None
        found.append(
            AreaLooks(area.name, dwell_s, first_s, int(entered.sum()), dwell_s / seen_s if seen_s else 0.0)
        )
    return found


def frame_spans_s(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """What time each frame (n,) stands for: until the next one; the last for as long as frames usually
    take."""
    if len(times_s) < 2:
        return np.zeros(len(times_s))
    steps = np.diff(times_s)
    return np.minimum(np.append(steps, np.median(steps)), LONGEST_FRAME_S)
