"""Results as rows: the one form in which figures are kept, written and read as CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from tinytracker.errors import InputError
from tinytracker.files import written_aside

How = Literal["measured", "emulated", "estimated", "published"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    model: its name; target: what ran it (litert, onnx, torch ...); data: the dataset's name; split: train,
    val or test.
    group: "all", or which part of the split, as "device_kind=phone", "orientation=1", "person=p00017".
    low, high: ends of the 95 % interval over people, NaN where there is none. how: how the figure was
    obtained. model_sha256: of the file of its weights, "" where there is none.
    """

    model: str
    target: str
    data: str
    split: str
    group: str
    metric: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    how: How = "measured"
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures for a reader, as texts.

    rows: as many texts as there are columns. numbers: the columns that hold numbers. compact: for many
    columns, that they fit a terminal of 80.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: Sequence[int] = ()
    compact: bool = False


COLUMNS = tuple(field.name for field in fields(Row))
LAYOUTS = (COLUMNS, COLUMNS[:-1])
"""The second is of files that did not know the weights' hash yet; they are read all the same."""
NUMBERS = ("value", "low", "high")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Writes rows as CSV, whole or not at all; a missing interval is an empty cell. Raises OutputError."""
    with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            cells = asdict(row)
            cells.update({name: "" if math.isnan(cells[name]) else f"{cells[name]:.6g}" for name in NUMBERS})
            writer.writerow(cells)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV as it was read. columns: of its first line; lines: where each stands ("rows.csv, line 2") and its
    cells by column."""

    columns: tuple[str, ...]
    lines: Sequence[tuple[str, Mapping[str, str]]]


def read_sheet(path: Path, layouts: Sequence[tuple[str, ...]], expected: str) -> Sheet:
    """Reads a CSV of one of these layouts of columns, as spreadsheets save it too (quoted, CR LF, with a byte
    order mark).

    expected: what the file should be. Raises InputError, naming the line, if it is not UTF-8, has other
    columns, a line has other than as many cells as there are columns, or a cell holds what is no text.
    """
    try:
        reader = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        columns = tuple(next(reader, ()))
        lines = [(f"{path}, line {reader.line_num}", cells) for cells in reader if cells]
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {path}: it is not in UTF-8; save it as CSV in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if columns not in layouts:
        parted = len(columns) == 1 and ";" in columns[0]
        raise InputError(
            f"{path} holds no rows: {'its cells are parted by semicolons; ' if parted else ''}expected "
            f"{expected}, whose first line is {' or '.join(map(','.join, layouts))}"
        )
    for place, cells in lines:
        if len(cells) != len(columns):
            raise InputError(
                f"{place}: {len(cells)} cells, expected {len(columns)}: {','.join(columns)} (a decimal comma "
                "parts cells, too; write 2.5)"
            )
        if any(map(_CONTROL.search, cells)):
            raise InputError(f"{place}: a cell holds a line break or another control character; take it out")
    return Sheet(columns, [(place, dict(zip(columns, cells, strict=True))) for place, cells in lines])


def number_in(cells: Mapping[str, str], column: str) -> float:
    """The number in a cell, NaN for an empty one; raises InputError naming the column."""
    try:
        return float(cells[column]) if cells[column].strip() else math.nan
    except ValueError:
        raise InputError(f"the {column} is {cells[column]!r}; expected a number, such as 2.5") from None


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote; raises InputError naming file and line if it is something else."""
    return rows_of(read_sheet(path, LAYOUTS, "a table of results, as `evaluate --csv` writes it"))


def rows_of(sheet: Sheet) -> list[Row]:
    """The results in a sheet of one of LAYOUTS; raises InputError as `read_rows`."""
    return [_row(cells, place) for place, cells in sheet.lines]


def _row(cells: Mapping[str, str], place: str) -> Row:
    try:
        numbers = {name: number_in(cells, name) for name in NUMBERS}
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if cells["how"] not in get_args(How):
        raise InputError(f"{place}: {not_how(cells['how'])}")
    return Row(**{**cells, **numbers})  # type: ignore[arg-type]


def not_how(how: str) -> str:
    """What is said of a `how` that is none."""
    return f"obtained how? Expected one of {', '.join(get_args(How))}, not {how!r}"


def value_of(rows: Iterable[Row], model: str, metric: str, group: str = "all") -> Row | None:
    """The first row with this model, metric and group, or None."""
    return next((row for row in rows if (row.model, row.metric, row.group) == (model, metric, group)), None)
