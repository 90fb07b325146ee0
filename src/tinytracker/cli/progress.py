"""A progress bar for work that reports (done, total), on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 15.0


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yields update(done, total), safe to call as often as one likes.

    On a terminal it draws a bar; elsewhere (a log file, CI) it writes a line every 15 seconds and one at the end; with
    `tinytracker --quiet` nothing.

        with progress_bar("Rendering") as update:
            render(..., progress=update)
    """
    if os.environ.get("TINYTRACKER_QUIET"):
        yield lambda done, total: None
    elif sys.stderr.isatty():
        yield from _bar(title)
    else:
        yield _Lines(title).update


def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class _Lines:
    """What a log gets instead of a bar."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._last = time.monotonic()
        self._finished = False

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._finished or (done < total and now - self._last < SECONDS_BETWEEN_LINES):
            return
        self._last, self._finished = now, done >= total
        sys.stderr.write(f"{self._title}: {done}/{total} after {now - self._started:.0f} s\n")
        sys.stderr.flush()
