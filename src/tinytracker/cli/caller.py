"""What the command line lends to the libraries that work for it: a voice, progress bars, data sets,
Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable

import typer

from tinytracker.cli.opening import open_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.results import Table
from tinytracker.targets.target import Caller


def caller(stop: Callable[[], bool] = lambda: False) -> Caller:
    """Prints what is said, draws bars. stop: see `interrupt.stop_on_signal`."""
    return Caller(say, progress_bar, open_dataset, stop)


def say(told: str | Table, err: bool = False) -> None:
    """Prints a sentence as it is, or draws a table; err: on standard error."""
    if isinstance(told, str):
        typer.echo(told, err=err)
        return
    from rich.table import Table as Drawn

    from tinytracker.cli.console import plain_console

    drawn = (
        Drawn(title=told.title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
        if told.compact
        else Drawn(title=told.title, title_justify="left")
    )
    for index, heading in enumerate(told.columns):
        drawn.add_column(heading, justify="right" if index in told.numbers else "left", no_wrap=told.compact)
    for row in told.rows:
        drawn.add_row(*row)
    plain_console(err).print(drawn)
