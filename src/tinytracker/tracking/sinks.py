"""Where gaze goes: CSV, JSON lines, Parquet. Annotated video is in `tinytracker.tracking.video`.

A sink is a context manager: it writes aside and takes its file's place when the block ends in order; when it ends by an
error the file is not made (or the old one stays). One row per frame, valid or not; the columns are in `COLUMNS`.
"""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import MissingExtraError
from tinytracker.files import written_aside

# Name of each column, its type and how many decimals are kept in text (None: not a decimal number).
COLUMNS: dict[str, tuple[type, int | None]] = {
    "frame": (int, None),  # number of the frame in its source, from 0
    "t_ns": (int, None),  # capture time: monotonic clock (cameras) or presentation time (files), nanoseconds
    "valid": (bool, None),  # whether there is a gaze
    "reason": (str, None),  # why not
    "gaze_x_cm": (float, 3),  # from the camera, right as the person sees it
    "gaze_y_cm": (float, 3),  # from the camera, up
    "x_deg": (float, 3),  # visual angle at the eyes from the camera to the gaze point, right
    "y_deg": (float, 3),  # up
    "screen_x_px": (float, 1),  # on the screen, if one was given; from its upper left corner
    "screen_y_px": (float, 1),
    "distance_cm": (float, 1),  # eyes to camera, estimated
    "faces": (int, None),  # faces seen when the whole frame was last searched
    "face_x_px": (float, 1),  # face box in the frame: left
    "face_y_px": (float, 1),  # top
    "face_width_px": (float, 1),
    "face_height_px": (float, 1),
    "left_openness": (float, 3),  # height of the eye's opening over its width, if the eyes were located
    "right_openness": (float, 3),
    "calibration_id": (str, None),  # which calibration was applied; empty for none
    "lag_ms": (float, 1),  # how much older than the frame the picture is that a board made the gaze from
}

PARQUET_ROWS_PER_GROUP = 4096


class Sink(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def write(self, frame: Frame, sample: GazeSample) -> None:
        """Takes one frame and what was made of it."""
        ...


def row_of(sample: GazeSample) -> dict[str, Any]:
    """A sample as one row, keys as in COLUMNS; None where there is nothing to say."""
    gaze, face = sample.gaze, sample.face
    screen = sample.screen_px or (None, None)
    openness = (None, None) if face is None or face.landmarks is None else face.landmarks.openness
    return {
        "frame": sample.frame_index,
        "t_ns": sample.t_ns,
        "valid": sample.is_valid,
        "reason": sample.reason,
        "gaze_x_cm": None if gaze is None else gaze.x_cm,
        "gaze_y_cm": None if gaze is None else gaze.y_cm,
        "x_deg": sample.x_deg,
        "y_deg": sample.y_deg,
        "screen_x_px": screen[0],
        "screen_y_px": screen[1],
        "distance_cm": sample.distance_cm,
        "faces": sample.faces,
        "face_x_px": None if face is None else face.box.x_px,
        "face_y_px": None if face is None else face.box.y_px,
        "face_width_px": None if face is None else face.box.width_px,
        "face_height_px": None if face is None else face.box.height_px,
        "left_openness": None if openness[0] is None else float(openness[0]),
        "right_openness": None if openness[1] is None else float(openness[1]),
        "calibration_id": sample.calibration_id,
        "lag_ms": sample.lag_ms,
    }


class FileSink:
    """What all sinks share: a file written aside, renamed when the block ends in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:  # undone if anything below fails
            self._open(opening.enter_context(written_aside(self.path)), opening)
            self._stack = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def _open(self, aside: Path, stack: ExitStack) -> None:
        """Opens what is written to; `stack` closes it, last entered first, before the file is renamed."""
        raise NotImplementedError


class CsvSink(FileSink):
    """Comma-separated values with a header; empty where there is no value."""

    def _open(self, aside: Path, stack: ExitStack) -> None:
        self._writer = csv.writer(stack.enter_context(aside.open("w", newline="", encoding="utf-8")))
        self._writer.writerow(COLUMNS)

    def write(self, frame: Frame, sample: GazeSample) -> None:
        row = row_of(sample)
        self._writer.writerow([_as_text(row[name], decimals) for name, (_, decimals) in COLUMNS.items()])


class JsonlSink(FileSink):
    """One JSON object per line; null where there is no value."""

    def _open(self, aside: Path, stack: ExitStack) -> None:
        self._file = stack.enter_context(aside.open("w", encoding="utf-8"))

    def write(self, frame: Frame, sample: GazeSample) -> None:
        row = row_of(sample)
        rounded = {name: _rounded(row[name], decimals) for name, (_, decimals) in COLUMNS.items()}
        self._file.write(json.dumps(rounded) + "\n")


class ParquetSink(FileSink):
    """Apache Parquet, typed; null where there is no value. Raises MissingExtraError without pyarrow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError as error:
            raise MissingExtraError("pyarrow", "data") from error
        self._arrow = pyarrow
        types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.string()}
        self._schema = pyarrow.schema([(name, types[kind]) for name, (kind, _) in COLUMNS.items()])
        self._rows: list[dict[str, Any]] = []

    def _open(self, aside: Path, stack: ExitStack) -> None:
        self._writer = stack.enter_context(self._arrow.parquet.ParquetWriter(aside, self._schema))
        stack.push(self._flush_unless_failed)

    def write(self, frame: Frame, sample: GazeSample) -> None:
        self._rows.append(row_of(sample))
        if len(self._rows) >= PARQUET_ROWS_PER_GROUP:
            self._flush()

    def _flush_unless_failed(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))


def _as_text(value: Any, decimals: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if decimals is None else f"{value:.{decimals}f}"


def _rounded(value: Any, decimals: int | None) -> Any:
    return value if value is None or decimals is None else round(float(value), decimals)
