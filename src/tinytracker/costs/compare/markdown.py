"""The comparison as Markdown: one table, a badge in every cell, the sources beneath."""

from __future__ import annotations

from tinytracker.costs.compare.table import COLUMNS, Column, Comparison, range_of, text_of
from tinytracker.costs.rows import CostRow

BADGES = {"measured": "M", "emulated": "E", "estimated": "~", "published": "P"}
LEGEND = "M measured, E emulated, ~ estimated (a model and constants), P published by others; [] the range"


def to_markdown(comparison: Comparison) -> str:
    """One table of all lines; columns that nobody fills are named under it, not drawn."""
    used = [column for column in COLUMNS if any(line.shown(column) for line in comparison.lines)]
    sources: dict[str, int] = {}
    lines = [
        "| platform | network | "
        + " | ".join(f"{column.heading} {column.unit}".strip() for column in used)
        + " | source |",
        "|---|---|" + "---:|" * len(used) + "---|",
    ]
    for line in comparison.lines:
        numbers = [str(sources.setdefault(source, len(sources) + 1)) for source in line.sources]
        cells = [_cell(line.shown(column), column) for column in used]
        named = [line.platform, line.network, *cells, ", ".join(numbers)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in named) + " |")
    unused = [f"{column.heading} {column.unit}".strip() for column in COLUMNS if column not in used]
    lines += ["", f"{LEGEND}.", ""]
    if unused:
        lines += [f"Nobody has: {', '.join(unused)}.", ""]
    lines += [f"{number}. {source}" for source, number in sources.items()]
    return "\n".join(lines) + "\n"


def _cell(row: CostRow | None, column: Column) -> str:
    if row is None:
        return ""
    spread = range_of(row, column)
    return f"{text_of(row, column)} {BADGES[row.how]}" + (f" [{spread}]" if spread else "")
