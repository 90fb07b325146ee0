"""Events in text: EV-Eye's events.txt, a line `time x y polarity` each (or with a running number before
it)."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import RecordingError
from tinytracker.events.files.reading import StreamRead, made_good
from tinytracker.events.stream import Events
from tinytracker.files import written_aside

SUFFIXES = (".txt",)
LONGEST_LINE = 4096


def read(path: Path, size_px: tuple[int, int] | None = None) -> StreamRead:
    """The events of a text file, up to the first line that is none.

    size_px: the sensor's, where the file's kind says it. Raises RecordingError if there are none.
    """
    columns = _columns_in(path)
    numbers, is_whole = _numbers(path, columns)
    rows = numbers[: len(numbers) // columns * columns].reshape(-1, columns)[:, -4:]
    fits = np.isin(rows[:, 3], (-1, 0, 1)) & (rows == np.floor(rows)).all(1)
    kept = len(rows) if fits.all() else int(np.argmin(fits))
    notes = []
    if kept < len(rows) or len(numbers) % columns or not is_whole:
        notes.append(f"damaged after line {kept}; what comes before is kept")
    names = ("t", "x", "y", "p")
    return made_good(dict(zip(names, rows[:kept].T, strict=True)), size_px, path, notes)


def write(path: Path, events: Events) -> None:
    """Writes events a line each, `time x y polarity`, whole or not at all."""
    columns = np.stack([events.t_us, events.x_px, events.y_px, events.on], 1)
    with written_aside(path) as aside:
        np.savetxt(aside, columns, fmt="%d")


def _columns_in(path: Path) -> int:
    try:
        with path.open("rb") as file:
            words = file.readline(LONGEST_LINE).split()
        [float(word) for word in words]
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        words = []
    if not words and not path.stat().st_size:
        raise RecordingError(f"{path} is empty; expected lines of `time x y polarity`")
    if len(words) not in (4, 5):
        raise RecordingError(f"{path} does not begin with an event; expected lines of `time x y polarity`")
    return len(words)


def _numbers(path: Path, columns: int) -> tuple[NDArray[np.float64], bool]:
    """All numbers of a text, and True; or those of the lines before the first that is none, and False."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # so NumPy before 2.3 says what others raise
            return np.fromfile(path, np.float64, sep=" "), True
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, DeprecationWarning):
        return _numbers_before_damage(path, columns), False


def _numbers_before_damage(path: Path, columns: int) -> NDArray[np.float64]:
    rows = []
    with path.open("rb") as file, suppress(ValueError):
        for line in file:
            row = [float(word) for word in line.split()]
            if len(row) != columns:
                break
            rows.append(row)
    return np.array(rows, np.float64).reshape(-1)
