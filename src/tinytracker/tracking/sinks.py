"""Where gaze goes: CSV, JSON lines, Parquet. Annotated video is in `tinytracker.tracking.video`.

A sink is a context manager: it writes aside and takes its file's place when the block ends in order; when it
ends by an error the old file stays, and the rows so far are in NAME.partial beside it. One row per frame,
valid or not; the columns are in `COLUMNS`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from contextlib import ExitStack, nullcontext, suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import OutputError, UsageError
from tinytracker.extras import need
from tinytracker.files import is_written_straight, kept_aside, refuse_unwritable, written_aside

# Name of each column, its type and how many decimals are kept in text (None: not a decimal number).
Columns = dict[str, tuple[type, int | None]]
COLUMNS: Columns = {
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
    "raw_x_deg": (float, 3),  # x_deg and y_deg as the network gave them, before calibration and filter
    "raw_y_deg": (float, 3),
}

PARQUET_ROWS_PER_GROUP = 4096


class Sink(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

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
        "raw_x_deg": sample.raw_x_deg,
        "raw_y_deg": sample.raw_y_deg,
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _open(self, aside: Path, stack: ExitStack) -> None:
        """Opens what is written to; `stack` closes it, last entered first, before the file is renamed."""
        raise NotImplementedError


class RowSink(FileSink):
    """Text, a line per row, each handed to the system at once: a killed run's rows are in NAME.partial.

    Where the disk is full, OutputError says so; the rows until then take the file's place when the block ends
    in order. columns: of the rows, by default those of gaze.
    """

    def __init__(self, path: Path, columns: Columns = COLUMNS) -> None:
        super().__init__(path)
        self._columns = columns

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._aside = opening.enter_context(kept_aside(self.path))
            self._rows = 0
            self._is_broken = False
            self._file = self._aside.open("w", buffering=1, newline="", encoding="utf-8")
            opening.push(self._close)
            self._write(self._head())
            self._stack = opening.pop_all()
        return self

    def write(self, frame: Frame, sample: GazeSample) -> None:
        """Raises OutputError if the row cannot be written."""
        self.write_row(row_of(sample))

    def write_row(self, row: dict[str, Any]) -> None:
        """Takes a row of the sink's columns; raises OutputError if it cannot be written."""
        try:
            self._write(self._line(row))
        except OSError as error:
            self._is_broken = True
            kept = "the row" if self._rows == 1 else f"the {self._rows} rows"
            raise OutputError(
                f"cannot write {self.path}: {error.strerror}; {kept} until then are kept"
            ) from error
        self._rows += 1

    def _write(self, text: str) -> None:
        self._file.write(text)

    def _close(self, kind: object, error: object, trace: object) -> None:
        with suppress(OSError) if self._is_broken else nullcontext():
            self._file.close()
        if self._aside.is_file():
            if self._is_broken:
                _cut_to_whole_lines(self._aside)
            if kind is not None and self._rows == 0:
                os.truncate(self._aside, 0)  # a head alone is nothing to keep

    def _head(self) -> str:
        return ""

    def _line(self, row: dict[str, Any]) -> str:
        """A row as text, with its line break."""
        raise NotImplementedError


class CsvSink(RowSink):
    """Comma-separated values with a header; empty where there is no value."""

    def _head(self) -> str:
        return _csv_line(list(self._columns))

    def _line(self, row: dict[str, Any]) -> str:
        return _csv_line([as_text(row[name], decimals) for name, (_, decimals) in self._columns.items()])


class JsonlSink(RowSink):
    """One JSON object per line; null where there is no value."""

    def _line(self, row: dict[str, Any]) -> str:
        return (
            json.dumps({name: _rounded(row[name], decimals) for name, (_, decimals) in self._columns.items()})
            + "\n"
        )


class ParquetSink(FileSink):
    """Apache Parquet, typed; null where there is no value. Raises MissingExtraError without pyarrow.

    A Parquet file is worth nothing until its end is written. While it grows, its rows are a journal of JSON
    lines beside it (NAME.jsonl.partial), of which it is made when the block ends in order; where it cannot be
    written, the journal stays, as NAME.jsonl.
    """

    def __init__(self, path: Path, columns: Columns = COLUMNS) -> None:
        need("pyarrow.parquet", "data")
        import pyarrow
        import pyarrow.parquet

        super().__init__(path)
        self._arrow = pyarrow
        types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.string()}
        self._schema = pyarrow.schema([(name, types[kind]) for name, (kind, _) in columns.items()])

    def __enter__(self) -> Self:
        refuse_unwritable(self.path)
        with ExitStack() as opening:
            folder = self.path.parent
            if is_written_straight(self.path):  # beside a device is no place for files
                folder = Path(opening.enter_context(tempfile.TemporaryDirectory()))
            opening.push(self._convert_unless_failed)
            self._journal = opening.enter_context(_Journal(folder / f"{self.path.name}.jsonl"))
            self._stack = opening.pop_all()
        return self

    def write(self, frame: Frame, sample: GazeSample) -> None:
        """Raises OutputError if the row cannot be written."""
        self.write_row(row_of(sample))

    def write_row(self, row: dict[str, Any]) -> None:
        """Takes a row of the sink's columns; raises OutputError if it cannot be written."""
        self._journal.write_row(row)

    def _convert_unless_failed(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            return
        try:
            with written_aside(self.path) as aside:
                self._convert(aside)
        except OutputError as failure:
            raise OutputError(f"{failure}; the rows are in {self._journal.path}") from failure
        self._journal.path.unlink()

    def _convert(self, aside: Path) -> None:
        writing = self._arrow.parquet.ParquetWriter(aside, self._schema)
        with writing as writer, self._journal.path.open(encoding="utf-8") as lines:
            while rows := [json.loads(line) for line in islice(lines, PARQUET_ROWS_PER_GROUP)]:
                writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))


# By a file's suffix, "module:class" that makes a sink of its path; a new sink is a class and a row here.
SINKS = {
    ".csv": "tinytracker.tracking.sinks:CsvSink",
    ".jsonl": "tinytracker.tracking.sinks:JsonlSink",
    ".parquet": "tinytracker.tracking.sinks:ParquetSink",
    ".mp4": "tinytracker.tracking.video:VideoSink",
}


def refuse_unknown(path: Path) -> None:
    """Raises UsageError if no sink writes files of this suffix."""
    if path.suffix not in SINKS:
        raise UsageError(f"{path} could be anything; expected a file that ends in {', '.join(SINKS)}")


def sink_for(path: Path) -> Sink:
    """The sink that writes a file, by its suffix, not entered yet; raises UsageError for an unknown one."""
    refuse_unknown(path)
    module, _, name = SINKS[path.suffix].partition(":")
    sink: Sink = getattr(import_module(module), name)(path)
    return sink


class _Journal(RowSink):
    """Rows as they are, unrounded."""

    def _line(self, row: dict[str, Any]) -> str:
        return json.dumps(row) + "\n"


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _cut_to_whole_lines(path: Path) -> None:
    """Takes away the end of a line that a full disk broke off."""
    with path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def as_text(value: Any, decimals: int | None) -> str:
    """A value of a row as CSV has it: empty for None, 0 or 1 for booleans, so many decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if decimals is None else f"{value:.{decimals}f}"


def _rounded(value: Any, decimals: int | None) -> Any:
    return value if value is None or decimals is None else round(float(value), decimals)
