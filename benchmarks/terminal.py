"""What these scripts share: a bar for long work, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Bars
from rich.table import Table as Drawn

from tinytracker.progress import Progress
from tinytracker.results import Table


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on standard error, moved by calling what is given with (done, total)."""
    with Bars(console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def print_table(table: Table) -> None:
    """Draws a table of results."""
    drawn = Drawn(title=table.title, title_justify="left")
    for index, heading in enumerate(table.columns):
        drawn.add_column(heading, justify="right" if index in table.numbers else "left")
    for row in table.rows:
        drawn.add_row(*row)
    Console(highlight=False).print(drawn)
