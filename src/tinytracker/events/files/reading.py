"""What came of reading a stream of events, and making good events of whatever numbers a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import RecordingError
from tinytracker.events.stream import Events

SENSORS_PX = ((128, 128), (240, 180), (304, 240), (346, 260), (640, 480), (1280, 720), (1280, 800))
LONGEST_US = 24 * 3600 * 1_000_000
OUTSIDE = "events outside of the sensor"
IMPOSSIBLE = "events of an impossible time"


@dataclass(frozen=True, slots=True, eq=False)
class StreamRead:
    """Events out of a file. left_out: how many of what were left out, by reason. notes: what else is to be
    said of them: where the file is damaged, what had to be assumed."""

    events: Events
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def made_good(
    columns: Mapping[str, NDArray[Any]],
    size_px: tuple[int, int] | None,
    path: Path,
    notes: list[str] | None = None,
) -> StreamRead:
    """Events of a file's columns t, x, y, p: whole numbers of any kind; p above 0 is a rise.

    What lies outside of the sensor, or more than a day from the rest, is left out; what is out of order is
    put in order. size_px: the sensor's width and height; None: the smallest known sensor that holds them.
    notes: what is to be said already. Raises RecordingError if nothing is left.
    """
    said, left_out = list(notes or ()), {}
    t, x, y, p = (np.asarray(columns[name]).reshape(-1) for name in ("t", "x", "y", "p"))
    if len({len(column) for column in (t, x, y, p)}) > 1:
        raise RecordingError(
            f"{path}: its columns t, x, y, p have {len(t)}, {len(x)}, {len(y)}, {len(p)} rows"
        )
    if not len(t):
        raise RecordingError(f"{path}: {'; '.join(said) or 'it has no events'}")
    if size_px is None:
        size_px = smallest_sensor(int(x.max()), int(y.max()), path)
        said.append(f"assumed a sensor of {size_px[0]} x {size_px[1]}: the file does not say")
    width_px, height_px = size_px
    inside = (x >= 0) & (x < width_px) & (y >= 0) & (y < height_px)
    if not inside.all():
        left_out[OUTSIDE] = int(np.count_nonzero(~inside))
        t, x, y, p = t[inside], x[inside], y[inside], p[inside]
    if not len(t):
        raise RecordingError(f"{path}: all of its events lie outside of {width_px} x {height_px}")
    times, is_possible = _times(t)
    if not is_possible.all():
        left_out[IMPOSSIBLE] = int(np.count_nonzero(~is_possible))
        times, x, y, p = times[is_possible], x[is_possible], y[is_possible], p[is_possible]
    backwards = int(np.count_nonzero(times[1:] < times[:-1]))
    if backwards:
        said.append(f"time goes back at {backwards} events; they were put in order")
        order = np.argsort(times, kind="stable")
        times, x, y, p = times[order], x[order], y[order], p[order]
    events = Events(
        times, x.astype(np.uint16), y.astype(np.uint16), np.asarray(p > 0, np.bool_), width_px, height_px
    )
    return StreamRead(events, left_out, said)


def smallest_sensor(furthest_x: int, furthest_y: int, path: Path) -> tuple[int, int]:
    """Width and height of the smallest known sensor with these pixels; raises RecordingError if none has."""
    for width, height in SENSORS_PX:
        if furthest_x < width and furthest_y < height:
            return width, height
    raise RecordingError(
        f"{path}: it does not say how large its sensor is, and no known one has a pixel {furthest_x}, "
        f"{furthest_y}"
    )


def _times(t: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times as int64 microseconds, and which of them are within a day of the middle one."""
    if t.dtype.kind == "f":
        t = np.where(np.isfinite(t), t, -1.0)
    fits = (t >= 0) & (t <= np.iinfo(np.int64).max // 2)
    times = np.where(fits, t, 0).astype(np.int64)
    if not fits.any():
        return times, fits
    if times[fits].max() - times[fits].min() > LONGEST_US:
        fits &= np.abs(times - int(np.median(times[fits]))) <= LONGEST_US
    return times, fits
