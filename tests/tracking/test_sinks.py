"""Sinks: the same rows in three formats, whole files or none."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.conftest import sample, shades
from tinytracker.domain import Frame
from tinytracker.errors import OutputError
from tinytracker.tracking.sinks import COLUMNS, CsvSink, JsonlSink, ParquetSink, Sink, row_of

FRAME = Frame(shades(1)[0], 0, 0)
ROOT = Path(__file__).parents[2]
KINDS: list[tuple[type, str]] = [
    (CsvSink, "gaze.csv"),
    (JsonlSink, "gaze.jsonl"),
    (ParquetSink, "gaze.parquet"),
]


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
    assert (good["frame"], good["valid"], good["gaze_x_cm"], good["gaze_y_cm"]) == (
        "0",
        "1",
        "1.235",
        "-7.500",
    )
    assert (good["screen_x_px"], good["x_deg"], good["faces"], good["calibration_id"]) == (
        "512.3",
        "1.714",
        "2",
        "abc",
    )
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
def test_error_leaves_the_old_file_and_keeps_the_rows_aside(tmp_path: Path, kind: type, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")

    def fail() -> None:
        with kind(path) as sink:
            sink.write(FRAME, sample())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "old"
    (kept,) = set(tmp_path.iterdir()) - {path}
    assert kept.name == ("gaze.parquet.jsonl.partial" if kind is ParquetSink else f"{name}.partial")
    assert len(kept.read_text().splitlines()) == (2 if kind is CsvSink else 1)


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_a_second_run_keeps_what_a_killed_one_left(tmp_path: Path, kind: type, name: str) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tinytracker.tracking import sinks\n"
        "from tests.tracking.conftest import sample\n"
        f"with sinks.{kind.__name__}(Path({str(tmp_path / name)!r})) as sink:\n"
        "    for index in range(5): sink.write(None, sample(index))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    write(kind, tmp_path / name)
    (kept,) = set(tmp_path.iterdir()) - {tmp_path / name}
    assert kept.name.endswith(".partial-1")
    rows = kept.read_text().splitlines()
    assert len(rows) - (kind is CsvSink) == 5
    if kind is not CsvSink:
        assert [json.loads(row)["frame"] for row in rows] == list(range(5))


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_two_runs_on_one_file(tmp_path: Path, kind: type, name: str) -> None:
    path = tmp_path / name
    with kind(path) as first:
        first.write(FRAME, sample())
        with pytest.raises(OutputError, match="another run is writing"), kind(path):
            pass
    assert path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


def _fill(sink: Sink, numbers: Iterator[int]) -> None:
    for number in numbers:
        sink.write(FRAME, sample(number))


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_a_full_disk_keeps_the_rows_until_then(full_disk: Path, kind: type, name: str) -> None:
    """On a disk of 64 kB; what says that the row did not fit is one line, and every row kept is whole."""
    path = full_disk / name

    def fill() -> int:
        written = itertools.count()
        full = rf"{name}.*: No space left on device; the \d+ rows until then are kept"
        with kind(path) as sink, pytest.raises(OutputError, match=full):
            _fill(sink, written)
        return next(written) - 1

    if kind is ParquetSink:  # it needs room of its own; there is none, so the journal stays
        with pytest.raises(OutputError, match=r"the rows are in .*gaze\.parquet\.jsonl"):
            fill()
        rows = (full_disk / "gaze.parquet.jsonl").read_text().splitlines()
        assert [json.loads(row)["frame"] for row in rows] == list(range(len(rows)))
        assert len(rows) > 50
        return
    written = fill()
    assert written > 50
    lines = path.read_text().splitlines()
    assert len(lines) - (kind is CsvSink) == written
    assert list(full_disk.iterdir()) == [path]


def test_devices_pipes_and_links_are_written_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write(CsvSink, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().count("\n") == 3

    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write(JsonlSink, tmp_path / "pipe")
    reader.join(timeout=10)
    assert read[0].count("\n") == 2
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)

    for kind in (CsvSink, JsonlSink, ParquetSink):
        write(kind, Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OutputError, match="No space left on device"):
        write(JsonlSink, Path("/dev/full"))
    with pytest.raises(OutputError, match="is a folder"):
        write(CsvSink, tmp_path)
    with pytest.raises(OutputError, match="File name too long"):
        write(CsvSink, tmp_path / ("x" * 256))
    write(CsvSink, tmp_path / ("x" * 245 + ".csv"))


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_nothing_is_there_before_the_end(tmp_path: Path, kind: type, name: str) -> None:
    path = tmp_path / name
    with kind(path) as sink:
        sink.write(FRAME, sample())
        assert not path.exists()
    assert path.exists()


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_place_that_cannot_be_written(tmp_path: Path, kind: type, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"), kind(tmp_path / "file" / name):
        pass
