"""Events in .npz: as our recordings have them (t_us, x_px, y_px, on), or as t, x, y, p; with width_px and
height_px where the file says how large its sensor is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinytracker.errors import RecordingError
from tinytracker.events.files.reading import StreamRead, made_good
from tinytracker.events.recordings import open_npz, write_npz
from tinytracker.events.stream import Events
from tinytracker.files import written_aside

SUFFIXES = (".npz",)
SPELLINGS = (("t_us", "x_px", "y_px", "on"), ("t", "x", "y", "p"))


def read(path: Path, size_px: tuple[int, int] | None = None) -> StreamRead:
    """The events of a .npz; size_px: the sensor's, where the file does not say. Raises RecordingError if
    there are none."""
    with open_npz(path) as arrays:
        spelling = next((names for names in SPELLINGS if all(name in arrays for name in names)), None)
        if spelling is None:
            held = ", ".join(arrays) or "nothing"
            raise RecordingError(f"{path} holds {held}; expected t_us, x_px, y_px, on")
        columns = {short: arrays[name] for short, name in zip("txyp", spelling, strict=True)}
        if "width_px" in arrays and "height_px" in arrays:
            size_px = int(arrays["width_px"]), int(arrays["height_px"])
    for name, column in columns.items():
        if column.dtype.kind not in "iufb":
            raise RecordingError(f"{path}: {name} is {column.dtype}; expected numbers")
    return made_good(columns, size_px, path)


def write(path: Path, events: Events) -> None:
    """Writes events, with the size of their sensor, whole or not at all."""
    arrays = {"t_us": events.t_us, "x_px": events.x_px, "y_px": events.y_px, "on": events.on}
    size = {"width_px": np.int64(events.width_px), "height_px": np.int64(events.height_px)}
    with written_aside(path) as aside:
        write_npz(aside, {**arrays, **size})
