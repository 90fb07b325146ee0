"""Events in HDF5: 3ET+'s `events` of t, x, y, p; the same as columns of a table, or as a group of four."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.damage import CUT_OFF, damage_of
from tinytracker.errors import RecordingError
from tinytracker.events.files.reading import StreamRead, made_good
from tinytracker.events.stream import Events
from tinytracker.extras import need
from tinytracker.files import written_aside

SUFFIXES = (".h5", ".hdf5")
ROWS_AT_ONCE = 1 << 16
NAMES = ("t", "x", "y", "p")


def read(path: Path, size_px: tuple[int, int] | None = None) -> StreamRead:
    """The events of an HDF5 file, up to where it is damaged, if it is.

    size_px: the sensor's, where the file's kind says it. Raises RecordingError if there are none,
    MissingExtraError without h5py.
    """
    need("h5py", "events")
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            if "events" not in file:
                raise RecordingError(f"{path} holds {', '.join(file) or 'nothing'}; expected `events`")
            columns, damage = _columns(file["events"], path)
    except (OSError, RuntimeError, KeyError) as error:
        why = CUT_OFF if "truncated file" in str(error) else damage_of(path, error)
        raise RecordingError(f"{path} cannot be read as HDF5: {why}") from error
    kept = len(columns["t"])
    notes = [f"damaged after {kept} events ({damage}); what comes before is kept"] if damage else []
    return made_good(columns, size_px, path, notes)


def write(path: Path, events: Events) -> None:
    """Writes events as 3ET+ has them: `events` of t, x, y, p, each uint64, compressed; whole or not at
    all."""
    need("h5py", "events")
    import h5py

    rows = np.empty(len(events), [(name, "<u8") for name in NAMES])
    rows["t"], rows["x"], rows["y"], rows["p"] = events.t_us, events.x_px, events.y_px, events.on
    with written_aside(path) as aside, h5py.File(aside, "w", locking=False) as file:
        file.create_dataset("events", data=rows, compression="gzip", compression_opts=4, track_times=False)


def _columns(events: Any, path: Path) -> tuple[dict[str, Any], str]:
    """The columns t, x, y, p of whatever holds them, and what stopped the reading."""
    if hasattr(events, "keys"):
        if missing := [name for name in NAMES if name not in events]:
            raise RecordingError(f"{path}: its events have no {', '.join(missing)}")
        read_columns = {name: _rows(events[name]) for name in NAMES}
        shortest = min(len(rows) for rows, _ in read_columns.values())
        damage = next((why for _, why in read_columns.values() if why), "")
        return {name: rows[:shortest] for name, (rows, _) in read_columns.items()}, damage
    rows, damage = _rows(events)
    if rows.dtype.names:
        if missing := [name for name in NAMES if name not in rows.dtype.names]:
            raise RecordingError(f"{path}: its events have no {', '.join(missing)}")
        return {name: rows[name] for name in NAMES}, damage
    if rows.ndim == 2 and rows.shape[1] == len(NAMES):
        return dict(zip(NAMES, rows.T, strict=True)), damage
    raise RecordingError(f"{path}: its events are {rows.dtype} {rows.shape}; expected columns t, x, y, p")


def _rows(dataset: Any) -> tuple[Any, str]:
    """A dataset's rows, up to the first that cannot be read, and why it cannot."""
    try:
        return dataset[:], ""
    except OSError as error:
        damage = str(error)
    parts = [np.empty((0, *dataset.shape[1:]), dataset.dtype)]
    for first in range(0, len(dataset), ROWS_AT_ONCE):
        try:
            parts.append(dataset[first : first + ROWS_AT_ONCE])
        except OSError:
            break
    return np.concatenate(parts), damage
