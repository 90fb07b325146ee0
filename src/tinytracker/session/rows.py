"""The gaze rows of a session: read back as columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import SessionError
from tinytracker.extras import need
from tinytracker.files import read_grown_csv
from tinytracker.tracking.sinks import COLUMNS

_PARSERS: dict[type, Callable[[str], Any]] = {
    int: int,
    float: float,
    bool: lambda text: bool(int(text)),
    str: str,
}
_MISSING: dict[type, Any] = {int: -1, float: float("nan"), bool: False, str: ""}
_DTYPES: dict[type, Any] = {int: np.int64, float: np.float64, bool: np.bool_, str: np.str_}


@dataclass(frozen=True, slots=True)
class GazeRows:
    """columns: name -> (n,) array, as in `tracking.sinks.COLUMNS`: int64, float64, bool, str; NaN where a
    number is not known.

    A column that the file does not have (an older version wrote it) is all NaN, -1, false or "".
    """

    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["t_ns"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    @property
    def time_s(self) -> NDArray[np.float64]:
        """(n,) seconds since the first row."""
        t_ns = self["t_ns"]
        return (t_ns - t_ns[0]) / 1e9 if len(t_ns) else np.zeros(0)

    def between(self, first_ns: int, last_ns: int) -> GazeRows:
        """The rows from first_ns to before last_ns."""
        chosen = (self["t_ns"] >= first_ns) & (self["t_ns"] < last_ns)
        return GazeRows({name: values[chosen] for name, values in self.columns.items()})


def read_rows(path: Path) -> GazeRows:
    """Reads gaze.csv or gaze.parquet; a last line that was not finished, as after a crash, is left out.

    Raises SessionError for a file that is neither, MissingExtraError for Parquet without pyarrow.
    """
    return _from_parquet(path) if path.suffix == ".parquet" else _from_csv(path)


def _from_csv(path: Path) -> GazeRows:
    try:
        lines = read_grown_csv(path)
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} cannot be read: {error}") from error
    if not lines:
        return _columns([], [])
    header, rows = lines[0], lines[1:]
    if "t_ns" not in header:
        raise SessionError(
            f"{path} has no column t_ns; expected the rows that `tinytracker live` or `track --csv` writes"
        )
    known = [name for name in header if name in COLUMNS]
    places = [header.index(name) for name in known]
    parsed = []
    for number, row in enumerate(rows, 2):
        try:
            if len(row) != len(header):
                raise ValueError(f"{len(row)} values instead of {len(header)}")
            parsed.append([_value(name, row[place]) for name, place in zip(known, places, strict=True)])
        except ValueError as error:
            raise SessionError(f"{path}, line {number}: {error}") from error
    return _columns(known, parsed)


def _value(name: str, text: str) -> Any:
    kind = COLUMNS[name][0]
    return _MISSING[kind] if text == "" else _PARSERS[kind](text)


def _columns(known: list[str], rows: list[list[Any]]) -> GazeRows:
    by_name = dict(zip(known, zip(*rows, strict=True), strict=True)) if rows else {}
    return GazeRows(
        {
            name: np.array(by_name.get(name, [_MISSING[kind]] * len(rows)), _DTYPES[kind])
            for name, (kind, _) in COLUMNS.items()
        }
    )


def _from_parquet(path: Path) -> GazeRows:
    need("pyarrow.parquet", "data")
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise SessionError(f"{path} is not a whole Parquet file: {error}") from error
    known = [name for name in table.column_names if name in COLUMNS]
    if "t_ns" not in known:
        raise SessionError(
            f"{path} has no column t_ns; expected the rows that `tinytracker live` or `track` writes"
        )
    values = [
        [_MISSING[COLUMNS[name][0]] if entry is None else entry for entry in table[name].to_pylist()]
        for name in known
    ]
    return _columns(known, [list(row) for row in zip(*values, strict=True)])


def csv_to_parquet(source: Path, target: Path) -> None:
    """Writes the rows of a CSV file as Parquet, whole or not at all; raises MissingExtraError without
    pyarrow."""
    need("pyarrow.parquet", "data")
    import pyarrow
    from pyarrow import parquet

    from tinytracker.files import written_aside

    types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.string()}
    rows = _from_csv(source)
    columns = {}
    for name, (kind, _) in COLUMNS.items():
        values = rows[name]
        missing = (
            np.isnan(values) if kind is float else values == -1 if kind is int and name != "frame" else None
        )
        columns[name] = pyarrow.array(values, type=types[kind], mask=missing)
    with written_aside(target) as aside:
        parquet.write_table(pyarrow.table(columns), aside)
