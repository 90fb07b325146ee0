"""Results as rows: the one form in which figures are kept, written as CSV and shown as tables."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinytracker.errors import InputError
from tinytracker.files import written_aside

if TYPE_CHECKING:
    from rich.table import Table

How = Literal["measured", "emulated", "estimated", "published"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    model: its name; target: what ran it (litert, onnx, torch ...); data: the dataset's name; split: train, val or test.
    group: "all", or which part of the split, as "device_kind=phone", "orientation=1", "person=p00017".
    low, high: ends of the 95 % interval over people, NaN where there is none. how: how the figure was obtained.
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


COLUMNS = tuple(field.name for field in fields(Row))
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
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise InputError(f"{path} is not a table of results: expected the columns {','.join(COLUMNS)}")
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


# What a person wants to see first, as (metric, heading, decimals); the CSV holds the rest.
HEADLINES = (
    ("error", "error, cm", 2),
    ("person_error", "mean of people, cm", 2),
    ("median_error", "median, cm", 2),
    ("share_of_mean", "share of always-the-mean", 0),
    ("error_deg", "error, degrees", 2),
    ("bias_x", "bias x, cm", 2),
    ("bias_y", "bias y, cm", 2),
    ("correlation_x", "correlation x", 2),
    ("correlation_y", "correlation y", 2),
    ("jitter", "jitter, cm", 2),
)


def model_table(rows: Sequence[Row], group: str = "all") -> Table:
    """A table of the gaze networks on one group: a column per model, a line per headline."""
    from rich.table import Table

    gaze_models = list(dict.fromkeys(row.model for row in rows if row.metric == "error"))
    chosen = [row for row in rows if row.group == group and row.model in gaze_models]
    table = Table(title=_title(chosen, group), title_justify="left")
    table.add_column("")
    for model in gaze_models:
        table.add_column(model, justify="right")
    for metric, heading, decimals in HEADLINES:
        table.add_row(heading, *(_cell(value_of(chosen, model, metric, group), decimals) for model in gaze_models))
    return table


def group_table(rows: Sequence[Row], metric: str = "error", decimals: int = 2) -> Table:
    """A table of one metric: a line per group (persons left out), a column per model."""
    from rich.table import Table

    chosen = [row for row in rows if row.metric == metric and not row.group.startswith("person=")]
    models = list(dict.fromkeys(row.model for row in chosen))
    table = Table(title=f"{metric.replace('_', ' ')} by group, {chosen[0].unit if chosen else ''}", title_justify="left")
    table.add_column("group")
    table.add_column("frames", justify="right")
    for model in models:
        table.add_column(model, justify="right")
    for group in dict.fromkeys(row.group for row in chosen):
        frames = next((row.value for row in rows if (row.group, row.metric, row.model) == (group, "frames", models[0])), math.nan)
        table.add_row(group, f"{frames:.0f}", *(_cell(value_of(chosen, model, metric, group), decimals) for model in models))
    return table


LANDMARK_HEADLINES = (
    ("landmarks_median", "median %", 2),
    ("landmarks_p90", "90th perc. %", 2),
    ("corners_median", "corners %", 2),
    ("centres_median", "irises %", 2),
    ("openness_median", "openness", 3),
    ("closed_found", "closed found", 0),
    ("open_called_closed", "open called closed", 1),
)


def landmark_table(rows: Sequence[Row]) -> Table:
    """A table of eye locators: a line per model and group; % of the distance between the eyes."""
    from rich.table import Table

    models = list(dict.fromkeys(row.model for row in rows if row.metric == "landmarks_median"))
    chosen = [row for row in rows if row.model in models]
    title = f"eye locators on {chosen[0].data}, {chosen[0].split}: % of the distance between the eyes" if chosen else ""
    table = Table(title=title, title_justify="left")
    for heading in ("model", "group"):
        table.add_column(heading)
    for _, heading, _ in (("frames", "frames", 0), *LANDMARK_HEADLINES):
        table.add_column(heading, justify="right")
    for model, group in dict.fromkeys((row.model, row.group) for row in chosen):
        cells = (
            _cell(value_of(chosen, model, metric, group), decimals)
            for metric, _, decimals in (("frames", "frames", 0), *LANDMARK_HEADLINES)
        )
        table.add_row(model, group, *cells)
    return table


def _title(rows: Sequence[Row], group: str) -> str:
    if not rows:
        return group
    counts = {row.metric: row.value for row in rows if row.metric in ("frames", "people")}
    which = "" if group == "all" else f", {group}"
    return (
        f"{rows[0].data}, {rows[0].split}{which}: {counts.get('frames', math.nan):.0f} frames of "
        f"{counts.get('people', math.nan):.0f} people; [] are 95 % intervals over people"
    )


def _cell(row: Row | None, decimals: int) -> str:
    if row is None or math.isnan(row.value):
        return "-"
    percent = "%" if row.unit == "%" else ""
    text = f"{row.value:.{decimals}f}{percent}"
    return text if math.isnan(row.low) else f"{text} \\[{row.low:.{decimals}f}, {row.high:.{decimals}f}]"
