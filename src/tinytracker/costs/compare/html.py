"""The comparison as one HTML page without anything from elsewhere: to read, to print, to attach to a
paper."""

from __future__ import annotations

import math
from html import escape
from importlib import resources

from tinytracker.costs.compare.charts import energy_against_error, latency_bars, work_against_roof
from tinytracker.costs.compare.markdown import BADGES
from tinytracker.costs.compare.table import COLUMNS, Column, Comparison, Line, range_of, text_of
from tinytracker.costs.rows import CostRow, format_conditions

EXPLAINED = {
    "measured": "by a meter, a board's own clock or a linker, here",
    "emulated": "counted on an emulated processor: exact, but of instructions, not of time",
    "estimated": "from a model whose constants others published; the range is between their extremes",
    "published": "by others, in the source named",
}


def to_html(
    comparison: Comparison, title: str = "Gaze at the edge: what it costs, platform by platform"
) -> str:
    """The whole page."""
    style = (resources.files("tinytracker.costs") / "data" / "report.css").read_text()
    sources = _sources(comparison)
    charts = "".join(
        f"<figure><figcaption>{caption}</figcaption>{drawing}</figure>"
        for caption, drawing in (
            (
                "<b>Latency</b> from the camera's first line to the gaze, ms. Where a chain is not known, "
                "inference alone.",
                latency_bars(comparison),
            ),
            (
                "<b>Energy against error.</b> Down and left is better; energy of the chain, or of inference "
                "where that is all there is. Hollow: the error is on rendered people, not to be compared "
                "with one on real ones.",
                energy_against_error(comparison),
            ),
            (
                "<b>Work per second</b> against what the platform could compute at most.",
                work_against_roof(comparison),
            ),
        )
        if drawing
    )
    legend = "".join(f"<dt>{_badge(how)}</dt><dd><b>{how}</b> {text}</dd>" for how, text in EXPLAINED.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>
<p>{_summary(comparison)}</p></header>
<section><div class="table"><table>
{_head()}
<tbody>
{"".join(_line(line, sources) for line in comparison.lines)}</tbody>
</table></div>
<dl class="legend">{legend}</dl></section>
<section>{charts}</section>
<section><h2>Sources</h2><ol>{"".join(f'<li id="s{number}">{escape(source)}</li>' for source, number in sources.items())}</ol></section>
<section><h2>What is empty</h2><p>{_empty(comparison)}</p></section>
<footer>Made by <code>tinytracker compare</code>. A cell says how its figure was obtained; hold the pointer over it for the source and
the conditions. An empty cell is a figure that nobody measured, published or can estimate.</footer>
</body>
</html>
"""  # noqa: E501


def _summary(comparison: Comparison) -> str:
    platforms = len({line.platform for line in comparison.lines})
    networks = len({line.network for line in comparison.lines})
    hows = {how: sum(row.how == how for row in comparison.rows) for how in BADGES}
    told = ", ".join(f"{count} {how}" for how, count in hows.items() if count)
    return f"{len(comparison.lines)} lines: {networks} networks on {platforms} platforms; {told} figures."


def _head() -> str:
    groups = "".join(
        f'<th colspan="{span}" class="group">{name}</th>'
        for name, span in (
            ("latency, ms", 5),
            ("", 1),
            ("energy, mJ", 3),
            ("", 1),
            ("accuracy", 2),
            ("network", 2),
            ("memory", 3),
        )
    )
    heads = "".join(
        f"<th>{escape(column.heading)}{'' if column.unit in ('ms', 'mJ') or not column.unit else f'<br><small>{column.unit}</small>'}</th>"  # noqa: E501
        for column in COLUMNS
    )
    return (
        f'<thead><tr><th colspan="2" class="first"></th>{groups}<th></th></tr>'
        f'<tr><th class="first">platform</th><th class="text">network</th>{heads}'
        '<th class="text">source</th></tr></thead>'
    )


def _line(line: Line, sources: dict[str, int]) -> str:
    cells = "".join(_cell(line.shown(column), column) for column in COLUMNS)
    links = " ".join(f'<a href="#s{sources[source]}">{sources[source]}</a>' for source in line.sources)
    return (
        f'<tr><th scope="row" class="first">{escape(line.platform)}</th><td '
        f'class="text">{escape(line.network)}</td>{cells}'
        f'<td class="text">{links}</td></tr>\n'
    )


def _cell(row: CostRow | None, column: Column) -> str:
    if row is None:
        return "<td></td>"
    spread = range_of(row, column)
    wide = ' class="wide"' if spread.startswith("on ") else ""
    shown = f"<small{wide}>{escape(spread)}</small>" if spread else ""
    conditions = format_conditions(row.conditions)
    title = f"{row.how}: {row.source}" + (f"; {conditions}" if conditions else "")
    text, _, name = text_of(row, column).partition(" with ")
    shown = f"<small>with {escape(name)}</small>{shown}" if name else shown
    return f'<td title="{escape(title)}"><b>{escape(text)}</b>{_badge(row.how)}{shown}</td>'


def _badge(how: str) -> str:
    return f'<span class="badge {how}" title="{how}">{BADGES[how]}</span>'


def _sources(comparison: Comparison) -> dict[str, int]:
    sources: dict[str, int] = {}
    for line in comparison.lines:
        for source in line.sources:
            sources.setdefault(source, len(sources) + 1)
    return sources


def _empty(comparison: Comparison) -> str:
    total = len(comparison.lines)
    told = [f"{escape(name)}: {count} of {total}" for name, count in comparison.empty.items() if count]
    share = math.fsum(comparison.empty.values()) / max(1, total * len(COLUMNS))
    return f"{100 * share:.0f} % of the cells. " + "; ".join(told) + "."
