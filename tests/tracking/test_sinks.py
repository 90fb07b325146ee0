"""Sinks: the same rows in three formats, whole files or none."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tinytracker.domain import Frame
from tinytracker.errors import OutputError
from tinytracker.tracking.sinks import COLUMNS, CsvSink, FileSink, JsonlSink, ParquetSink, row_of

from .conftest import sample, shades

FRAME = Frame(shades(1)[0], 0, 0)
KINDS: list[tuple[type[FileSink], str]] = [(CsvSink, "gaze.csv"), (JsonlSink, "gaze.jsonl"), (ParquetSink, "gaze.parquet")]


def write(kind: type, path: Path) -> None:
    with kind(path) as sink:
        sink.write(FRAME, sample(0))
        sink.write(FRAME, sample(1, valid=False))


def test_csv_rows(tmp_path: Path) -> None:
    path = tmp_path / "gaze.csv"
    write(CsvSink, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    good, bad = rows
    assert (good["frame"], good["valid"], good["gaze_x_cm"], good["gaze_y_cm"]) == ("0", "1", "1.235", "-7.500")
    assert (good["screen_x_px"], good["x_deg"], good["faces"], good["calibration_id"]) == ("512.3", "1.714", "2", "abc")
    assert (bad["valid"], bad["reason"], bad["gaze_x_cm"], bad["t_ns"]) == ("0", "no face", "", "33000000")


def test_jsonl_rows(tmp_path: Path) -> None:
    path = tmp_path / "gaze.jsonl"
    write(JsonlSink, path)
    good, bad = (json.loads(line) for line in path.read_text().splitlines())
    assert list(good) == list(COLUMNS)
    assert (good["valid"], good["gaze_x_cm"], good["left_openness"]) == (True, 1.235, 0.35)
    assert (bad["valid"], bad["gaze_x_cm"], bad["reason"]) == (False, None, "no face")


def test_parquet_rows_are_typed(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "gaze.parquet"
    write(ParquetSink, path)
    table = parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    assert [str(table.schema.field(name).type) for name in ("frame", "valid", "gaze_x_cm", "reason")] == [
        "int64",
        "bool",
        "double",
        "string",
    ]
    assert table.to_pylist() == [row_of(sample(0)), row_of(sample(1, valid=False))]


def test_row_names_are_the_columns() -> None:
    assert list(row_of(sample())) == list(row_of(sample(valid=False))) == list(COLUMNS)


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, kind: type[FileSink], name: str) -> None:
    path = tmp_path / name
    path.write_text("old")

    def fail() -> None:
        with kind(path) as sink:
            sink.write(FRAME, sample())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_nothing_is_there_before_the_end(tmp_path: Path, kind: type[FileSink], name: str) -> None:
    path = tmp_path / name
    with kind(path) as sink:
        sink.write(FRAME, sample())
        assert not path.exists()
    assert path.exists()


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_place_that_cannot_be_written(tmp_path: Path, kind: type[FileSink], name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"), kind(tmp_path / "file" / name):
        pass
