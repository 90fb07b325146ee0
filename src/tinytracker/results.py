"""Results as rows: the one form in which figures are kept, written and read as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

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
OLDER_COLUMNS = COLUMNS[:-1]
"""Of files that did not know the weights' hash yet; they are read all the same."""
NUMBERS = ("value", "low", "high")


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Writes rows as CSV, whole or not at all; a missing interval is an empty cell. Raises OutputError."""
    with written_aside(path) as aside, aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            cells = asdict(row)
            cells.update({name: "" if math.isnan(cells[name]) else f"{cells[name]:.6g}" for name in NUMBERS})
            writer.writerow(cells)


def read_rows(path: Path) -> list[Row]:
    """Reads what `write_rows` wrote; raises InputError naming file and line if it is something else."""
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) not in (COLUMNS, OLDER_COLUMNS):
                raise InputError(
                    f"{path} is not a table of results: expected the columns {','.join(COLUMNS)}"
                )
            return [_row(cells, f"{path}, line {reader.line_num}") for cells in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the results {path}: {error}") from error


def _row(cells: dict[str, str], place: str) -> Row:
    try:
        numbers = {name: float(cells[name]) if cells[name] else math.nan for name in NUMBERS}
        return Row(**{**cells, **numbers})  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{place}: not a row of results: {error}") from error


def value_of(rows: Iterable[Row], model: str, metric: str, group: str = "all") -> Row | None:
    """The first row with this model, metric and group, or None."""
    return next((row for row in rows if (row.model, row.metric, row.group) == (model, metric, group)), None)
