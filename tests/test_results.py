import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from tinytracker.cli.tables import group_table, model_table
from tinytracker.errors import InputError
from tinytracker.results import Row, read_rows, write_rows

ROWS = [
    Row("eyes", "litert", "people", "test", "all", "frames", 40, unit=""),
    Row("eyes", "litert", "people", "test", "all", "people", 4, unit=""),
    Row("eyes", "litert", "people", "test", "all", "error", 1.9345, 1.7, 2.1, "cm"),
    Row("eyes", "litert", "people", "test", "all", "share_of_mean", 24.4, 22, 27, "%"),
    Row("eyes", "litert", "people", "test", "device_kind=phone", "error", 1.5, math.nan, math.nan, "cm"),
    Row("eyes", "litert", "people", "test", "person=1", "error", 7.5, math.nan, math.nan, "cm"),
]


def text_of(table) -> str:
    console = Console(width=200, record=True, file=io.StringIO(), markup=False)  # as `plain_console`
    console.print(table)
    return console.export_text()


def test_rows_survive_the_file(tmp_path: Path) -> None:
    write_rows(ROWS, tmp_path / "deep" / "rows.csv")
    read = read_rows(tmp_path / "deep" / "rows.csv")
    assert [(row.model, row.group, row.metric, row.unit, row.how) for row in read] == [
        (row.model, row.group, row.metric, row.unit, row.how) for row in ROWS
    ]
    assert [row.value for row in read] == [row.value for row in ROWS]
    assert math.isnan(read[-1].low)


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv .*whose first line is model,target"):
        read_rows(other)
    with pytest.raises(InputError, match="missing"):
        read_rows(tmp_path / "missing.csv")
    write_rows(ROWS, other)
    other.write_text(other.read_text().replace("1.9345", "much"))
    with pytest.raises(InputError, match="line 4"):
        read_rows(other)


def test_tables_show_values_with_their_intervals() -> None:
    shown = text_of(model_table(ROWS))
    assert "1.93" in shown
    assert "1.93 [1.70, 2.10]" in shown
    assert "24%" in shown
    assert "40 frames of 4 people" in shown


def test_group_table_leaves_out_persons() -> None:
    shown = text_of(group_table(ROWS))
    assert "device_kind=phone" in shown
    assert "person=1" not in shown
