"""Rows of results as tables in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from tinytracker.results import Row, value_of

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

PUPIL_HEADLINES = (
    ("error_mean", "error, px of 64 x 64", 2),
    ("error_median", "median, px of 64 x 64", 2),
    ("error_people", "mean of people, px of 64 x 64", 2),
    *((f"p{within}", f"within {within} px of 64 x 64, %", 1) for within in (1, 3, 5, 10)),
    ("error_mean_80x60", "error, px of 80 x 60", 2),
    ("error_median_80x60", "median, px of 80 x 60", 2),
    *((f"p{within}_80x60", f"within {within} px of 80 x 60, %", 1) for within in (1, 3, 5, 10)),
    ("closed_found", "closed eyes that are found, %", 1),
    ("closed_right", "of those called closed, closed, %", 1),
    ("age_median", "age of the newest event, median, ms", 2),
    ("age_p95", "age of the newest event, 95 %, ms", 2),
)


def model_table(rows: Sequence[Row], group: str = "all") -> Table:
    """A table of the gaze networks on one group: a column per model, a line per headline."""
    gaze_models = list(dict.fromkeys(row.model for row in rows if row.metric == "error"))
    chosen = [row for row in rows if row.group == group and row.model in gaze_models]
    table = Table(title=_title(chosen, group), title_justify="left")
    table.add_column("")
    for model in gaze_models:
        table.add_column(model, justify="right")
    for metric, heading, decimals in HEADLINES:
        table.add_row(
            heading, *(_cell(value_of(chosen, model, metric, group), decimals) for model in gaze_models)
        )
    return table


def pupil_table(rows: Sequence[Row]) -> Table:
    """A table of networks of pupils: a column per model, a line per headline."""
    models = list(dict.fromkeys(row.model for row in rows))
    counts = {
        row.metric: row.value for row in rows if row.group == "all" and row.metric in ("windows", "people")
    }
    title = (
        f"{rows[0].data}, {rows[0].split}: {counts['windows']:.0f} windows with a pupil to find, of "
        f"{counts['people']:.0f} people"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for model in models:
        table.add_column(model, justify="right")
    for metric, heading, decimals in PUPIL_HEADLINES:
        cells = [_cell(value_of(rows, model, metric), decimals) for model in models]
        table.add_row(heading, *cells)
    return table


def group_table(
    rows: Sequence[Row], metric: str = "error", decimals: int = 2, counted: str = "frames"
) -> Table:
    """A table of one metric: a line per group (persons left out), a column per model. counted: the metric
    that says how many samples there are."""
    chosen = [row for row in rows if row.metric == metric and not row.group.startswith("person=")]
    models = list(dict.fromkeys(row.model for row in chosen))
    table = Table(
        title=f"{metric.replace('_', ' ')} by group, {chosen[0].unit if chosen else ''}", title_justify="left"
    )
    table.add_column("group")
    table.add_column(counted, justify="right")
    for model in models:
        table.add_column(model, justify="right")
    for group in dict.fromkeys(row.group for row in chosen):
        frames = next(
            (row.value for row in rows if (row.group, row.metric, row.model) == (group, counted, models[0])),
            math.nan,
        )
        table.add_row(
            group,
            f"{frames:.0f}",
            *(_cell(value_of(chosen, model, metric, group), decimals) for model in models),
        )
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
    models = list(dict.fromkeys(row.model for row in rows if row.metric == "landmarks_median"))
    chosen = [row for row in rows if row.model in models]
    title = (
        f"eye locators on {chosen[0].data}, {chosen[0].split}: % of the distance between the eyes"
        if chosen
        else ""
    )
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
    return text if math.isnan(row.low) else f"{text} [{row.low:.{decimals}f}, {row.high:.{decimals}f}]"
