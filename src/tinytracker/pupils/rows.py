"""Pupils as rows: CSV, JSON lines, Parquet, as gaze's rows are written (`tracking.sinks`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tinytracker.errors import UsageError
from tinytracker.pupils.follow import PupilSample
from tinytracker.tracking.sinks import Columns, CsvSink, JsonlSink, ParquetSink

# Name of each column, its type and how many decimals are kept in text (None: not a decimal number).
COLUMNS: Columns = {
    "estimate": (int, None),  # number of the estimate, from 0
    "t_us": (int, None),  # when it was made, microseconds on the clock of the events
    "newest_us": (int, None),  # when the newest event in its window came; -1 before there is one
    "events": (int, None),  # events since the last estimate
    "cells": (int, None),  # cells in the window
    "valid": (bool, None),  # whether there is a pupil
    "reason": (str, None),  # why not
    "pupil_x_px": (float, 3),  # centre of the pupil on the sensor, from its left edge
    "pupil_y_px": (float, 3),  # from its top edge
    "closed": (float, 3),  # chance that the eye is closed
    "confidence": (float, 3),  # chance that the centre is right
    "gaze_x": (float, 3),  # where it looks, in the calibration's unit
    "gaze_y": (float, 3),
    "gaze_unit": (str, None),  # deg, cm or px; empty without calibration
    "gaze_reason": (str, None),  # why there is no gaze though there is a pupil
    "late_ms": (float, 2),  # at real speed: how long after its time it was ready
}


class RowFile(Protocol):
    """A file that takes rows, as the sinks of gaze do: written aside, in place when its block ends."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write_row(self, row: dict[str, Any]) -> None: ...


_SINKS: dict[str, Callable[[Path, Columns], RowFile]] = {
    ".csv": CsvSink,
    ".jsonl": JsonlSink,
    ".parquet": ParquetSink,
}


def row_of(sample: PupilSample, unit: str = "") -> dict[str, Any]:
    """A sample as one row, keys as in COLUMNS; None where there is nothing to say."""
    gaze = sample.gaze or (None, None)
    return {
        "estimate": sample.index,
        "t_us": sample.t_us,
        "newest_us": sample.newest_us,
        "events": sample.events,
        "cells": sample.cells,
        "valid": sample.is_valid,
        "reason": sample.reason,
        "pupil_x_px": sample.x_px,
        "pupil_y_px": sample.y_px,
        "closed": sample.closed,
        "confidence": sample.confidence,
        "gaze_x": gaze[0],
        "gaze_y": gaze[1],
        "gaze_unit": unit,
        "gaze_reason": sample.gaze_reason,
        "late_ms": sample.late_ms,
    }


def row_file(path: Path, kind: str = "") -> RowFile:
    """What writes rows to a file, not entered yet. kind: .csv, .jsonl or .parquet; by default the file's
    suffix. Raises UsageError for an unknown one."""
    kind = kind or path.suffix
    if kind not in _SINKS:
        raise UsageError(f"{path} could be anything; expected a file that ends in {', '.join(_SINKS)}")
    return _SINKS[kind](path, COLUMNS)
