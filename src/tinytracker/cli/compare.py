"""`tinytracker compare`: every platform and network side by side, from rows that measure, bench and evaluate
wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinytracker.costs.compare.table import Comparison

SHOWN = (("end to end", "ms"), ("inference", "ms"), ("inference", "mJ"), ("chain", "mJ"), ("error", ""))


def compare(
    rows: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV files of measure, bench and evaluate.", metavar="ROWS.csv"),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one HTML page.", metavar="FILE")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table as Markdown.", metavar="FILE")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write all rows as one CSV, the errors that joined too.", metavar="FILE"),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Only the rows given, without the published systems.")
    ] = False,
) -> None:
    """Every platform and network side by side: latency, energy, accuracy, memory, and how each figure was
    obtained.

    A line per platform and network, a cell per figure. Where several rows say the same, measured comes before
    published, emulated and estimated; of two alike the later. Errors of `evaluate --csv` join by the hash of
    the weights, where one is not known by the network's name. What nobody measured, published or can estimate
    stays empty.

    Without ROWS.csv: what is known of the released networks on every platform, beside the systems that others
    published.

    \b
    Examples:
      tinytracker compare
      tinytracker compare --html report.html
      tinytracker compare rows.csv errors.csv --html report.html --markdown report.md --csv all.csv
      tinytracker compare mine.csv --alone
    """
    from tinytracker.costs.compare.html import to_html
    from tinytracker.costs.compare.markdown import to_markdown
    from tinytracker.costs.compare.table import arranged, errors_of, known, read_any
    from tinytracker.costs.compare.table import compare as join
    from tinytracker.costs.rows import write_cost_rows
    from tinytracker.errors import UsageError
    from tinytracker.files import refuse_missing, refuse_overlap, refuse_unwritable, write_text

    if alone and not rows:
        raise UsageError("--alone shows only the rows given; give at least one ROWS.csv")
    refuse_overlap((html, markdown, csv), rows or ())
    for path in (html, markdown, csv):
        if path is not None:
            refuse_unwritable(path)
    costs, accuracies = [], []
    for path in rows or []:
        refuse_missing(path, "a file of `measure`, `bench` or `evaluate --csv`")
        more, results = read_any(path)
        costs += more
        accuracies += results
        if not more and not list(errors_of(results)):
            typer.echo(f"note: {path} holds no row of cost, and no error of a network over a whole split")
    made = join(arranged(costs if rows else known("released"), alone), accuracies)
    _say(made)
    for written, text in ((html, to_html), (markdown, to_markdown)):
        if written is not None:
            write_text(written, text(made))
            typer.echo(f"wrote {written}")
    if csv is not None:
        write_cost_rows(made.rows, csv)
        typer.echo(f"wrote {len(made.rows)} rows to {csv}")


def _say(made: Comparison) -> None:
    from tinytracker.cli.caller import say
    from tinytracker.costs.compare.markdown import BADGES, LEGEND
    from tinytracker.costs.compare.table import COLUMNS, text_of
    from tinytracker.results import Table

    columns = [column for column in COLUMNS if (column.heading, column.unit) in SHOWN]
    drawn = []
    for line in made.lines:
        shown = [(line.shown(column), column) for column in columns]
        cells = ("" if row is None else f"{text_of(row, column)} {BADGES[row.how]}" for row, column in shown)
        drawn.append((line.platform, line.network, *cells))
    headings = ("platform", "network", *(f"{column.heading} {column.unit}".strip() for column in columns))
    say(
        Table(
            f"{LEGEND};\nmore columns with --html and --markdown",
            headings,
            drawn,
            range(2, len(headings)),
            compact=True,
        )
    )
