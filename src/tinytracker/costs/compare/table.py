"""The comparison itself: a line per platform and network, a cell per metric, each the best row there is for
it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

from tinytracker.costs.rows import COLUMNS as COST_COLUMNS
from tinytracker.costs.rows import MODEL_HASH, CostRow, cells_of, check, cost_rows_of, read_cost_rows
from tinytracker.errors import InputError
from tinytracker.results import LAYOUTS as RESULTS
from tinytracker.results import How, Row, read_sheet, rows_of

BEST: tuple[How, ...] = ("measured", "published", "emulated", "estimated")
"""Which row a cell shows, where there are several; of two alike the later."""

NOTHING_RAN = "none"
"""What ran the rows of always saying the mean: they are of no network."""

ROOF = "*"
"""The network of rows that are of the platform itself: what it could compute at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table. metrics: the first of them that a line has is shown. scale: value / scale is
    shown, in `unit`; per metric where units differ."""

    heading: str
    metrics: tuple[str, ...]
    unit: str = ""
    scale: float = 1.0


COLUMNS = (
    Column("read-out", ("readout", "readout_transfer"), "ms"),
    Column("transfer", ("transfer",), "ms"),
    Column("inference", ("inference",), "ms"),
    Column("result", ("result",), "ms"),
    Column("end to end", ("end_to_end",), "ms"),
    Column("frames", ("frame_rate",), "1/s"),
    Column("inference", ("energy_inference",), "mJ"),
    Column("chain", ("energy_chain",), "mJ"),
    Column("frame", ("energy_frame",), "mJ"),
    Column("power", ("power",), "mW"),
    Column("error", ("error", "error_deg", "error_px"), ""),
    Column("int8 loss", ("int8_loss",), "cm"),
    Column("MAC", ("macs",), "M", 1e6),
    Column("parameters", ("parameters",), "k", 1e3),
    Column("flash", ("flash",), "kB", 1e3),
    Column("RAM", ("ram",), "kB", 1e3),
    Column("fits", ("fits",)),
)
NAMES = {"readout_transfer": "with transfer", "error_deg": "deg", "error_px": "px", "error": "cm"}
MOST_IN_FULL = 1e9
BOUNDS = {"upper": "< ", "lower": "> "}


@dataclass(slots=True)
class Line:
    """What is known of a network on a platform: metric -> row. sha256: of its weights, "" where no row says.
    Two networks of one name are two lines."""

    platform: str
    network: str
    cells: dict[str, CostRow] = field(default_factory=dict)
    sha256: str = ""

    def value(self, *metrics: str) -> float | None:
        """Of the first of these metrics that is known."""
        return next((self.cells[metric].value for metric in metrics if metric in self.cells), None)

    def shown(self, column: Column) -> CostRow | None:
        """The row that a column shows."""
        return next((self.cells[metric] for metric in column.metrics if metric in self.cells), None)

    @property
    def sources(self) -> list[str]:
        """Where the shown figures come from, each once."""
        shown = (self.shown(column) for column in COLUMNS)
        return list(dict.fromkeys(row.source for row in shown if row is not None))


@dataclass(frozen=True, slots=True)
class Comparison:
    """lines: in the order in which their first rows came. roofs: platform -> row with the MAC/s it could
    compute at most. rows: all that were given, and the errors that joined."""

    lines: Sequence[Line]
    roofs: dict[str, CostRow]
    rows: Sequence[CostRow]

    @property
    def empty(self) -> dict[str, int]:
        """Heading and unit of each column -> how many cells are empty."""
        return {
            f"{column.heading} {column.unit}".strip(): sum(line.shown(column) is None for line in self.lines)
            for column in COLUMNS
        }


def compare(costs: Iterable[CostRow], accuracies: Iterable[Row] = ()) -> Comparison:
    """Joins rows of cost, and rows of `evaluate --csv`, into lines.

    Rows of one platform and name, but of different weights, are lines of their own; those that do not say
    their weights go with those that do only where these are all of the same. An error goes to every line of
    the weights it was measured with, whatever they are called; where the row or the line does not know its
    weights, to those of its network's name. One that no cost is known of gets a line of its own, under what
    ran it. Raises InputError for an error in another unit than cm, degrees or px.
    """
    rows = list(costs)
    hashes: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.network != ROOF:
            hashes.setdefault((row.platform, row.network), set()).add(row.conditions.get(MODEL_HASH, ""))
    lines: dict[tuple[str, str, str], Line] = {}
    roofs = {}
    for row in rows:
        if row.network == ROOF:
            roofs[row.platform] = row
            continue
        of_name = hashes[row.platform, row.network] - {""}
        sha256 = row.conditions.get(MODEL_HASH, "") or (next(iter(of_name)) if len(of_name) == 1 else "")
        made = Line(row.platform, row.network, sha256=sha256)
        _take(lines.setdefault((row.platform, row.network, sha256), made), row)
    named = list(lines.values())
    for error in errors_of(accuracies):
        sha256 = error.conditions.get(MODEL_HASH, "")
        joined = [
            line
            for line in named
            if (sha256 == line.sha256 if sha256 and line.sha256 else line.network == error.network)
        ]
        if not joined:
            joined = [Line(error.platform, error.network, sha256=sha256)]
            named += joined
        for line in joined:
            rows.append(replace(error, platform=line.platform, network=line.network))
            _take(line, rows[-1])
    for line in lines.values():
        if len(hashes[line.platform, line.network] - {""}) > 1:
            line.network = f"{line.network} #{line.sha256[:8] or 'unknown'}"
    return Comparison(named, roofs, rows)


def _take(line: Line, row: CostRow) -> None:
    """Puts a row into its cell, unless a better one is there."""
    there = line.cells.get(row.metric)
    if there is None or BEST.index(row.how) <= BEST.index(there.how):
        line.cells[row.metric] = row


ERRORS = {
    "error": ("cm", "error", "cm"),
    "error_deg": ("deg", "error_deg", "deg"),
    "error_mean": ("px of 64", "error_px", "px"),
}
"""Metrics of `evaluate --csv` that are a network's error -> their unit there, and metric and unit here."""


def errors_of(rows: Iterable[Row]) -> Iterator[CostRow]:
    """Of each network the error over a whole split, on what ran it, with the hash of its weights."""
    for row in rows:
        if row.group != "all" or row.metric not in ERRORS or row.target == NOTHING_RAN:
            continue
        if math.isnan(row.value):  # the network gave no gaze
            continue
        expected, metric, unit = ERRORS[row.metric]
        if row.unit != expected or not 0 <= row.value < math.inf:
            raise InputError(
                f"{row.model}, {row.metric} on {row.data}: {row.value:g} {row.unit or 'of no unit'}; "
                f"expected 0 or more {expected}"
            )
        conditions = {"data": row.data, "engine": row.target}
        if row.model_sha256:
            conditions[MODEL_HASH] = row.model_sha256
        source = f"evaluate on {row.data}, {row.split}"
        error = CostRow(
            row.target, row.model, metric, row.value, row.low, row.high, unit, row.how, source, conditions
        )
        check(error)
        yield error


def read_any(path: Path) -> tuple[list[CostRow], list[Row]]:
    """The rows of a CSV of costs or of results; raises InputError for another file."""
    sheet = read_sheet(path, (COST_COLUMNS, *RESULTS), "a file of `measure`, `bench` or `evaluate --csv`")
    return (cost_rows_of(sheet), []) if sheet.columns == COST_COLUMNS else ([], rows_of(sheet))


def known(name: str) -> list[CostRow]:
    """Rows that come with tinytracker: "published" (other people's), "released" (our networks', estimated
    and emulated) or "sensor" (of networks trained for the image sensor, which are not released)."""
    with resources.as_file(resources.files("tinytracker.costs") / "data" / f"{name}.csv") as path:
        return read_cost_rows(path)


def arranged(given: Iterable[CostRow], alone: bool = False) -> list[CostRow]:
    """Rows in the order in which their lines are read: the paper's, those given, what others published of
    other networks. What is the same in every cell comes once, as where a comparison's own rows are given."""
    published = [] if alone else known("published")
    paper = [row for row in published if row.network.endswith("(paper)") or row.network == ROOF]
    here = {tuple(cells_of(row).values()) for row in published}
    latest = {tuple(cells_of(row).values()): row for row in reversed([*given])}
    mine = [row for cells, row in latest.items() if cells not in here][::-1]
    return [*paper, *mine, *(row for row in published if row not in paper)]


def text_of(row: CostRow, column: Column) -> str:
    """A figure as it is read: three digits, bounds as < and >, yes or no."""
    if row.metric == "fits":
        return "yes" if row.value else "no"
    value = row.value / column.scale
    text = BOUNDS.get(row.conditions.get("bound", ""), "") + digits_of(value)
    return f"{text} {NAMES[row.metric]}" if row.metric in NAMES else text


def digits_of(value: float) -> str:
    """Three digits, or all before the point, as long as a table's cell can hold them.

    >>> digits_of(0.01234), digits_of(23456.7), digits_of(2.34567e12)
    ('0.0123', '23,457', '2.35e+12')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < MOST_IN_FULL else f"{value:.3g}"


def range_of(row: CostRow, column: Column) -> str:
    """Its range; of an error, on what data; or nothing."""
    if "data" in row.conditions and row.metric.startswith("error"):
        return f"on {row.conditions['data']}"
    if not row.low <= row.high or row.low == row.high:  # NaN or no range
        return ""
    return f"{row.low / column.scale:.3g} to {row.high / column.scale:.3g}"
