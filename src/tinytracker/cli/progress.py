"""A progress bar for work that reports (done, total), on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tinytracker.cli.interrupt import raise_if_swallowed
from tinytracker.progress import Progress, is_quiet, no_progress

SECONDS_BETWEEN_LINES = 15.0


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Yields update(done, total), safe to call as often as one likes. It raises KeyboardInterrupt if a
    library swallowed one.

    On a terminal it draws a bar; elsewhere (a log file, CI) it writes a line, with an estimate of the time
    left, every 15 seconds and one at the end; with `tinytracker --quiet` nothing.

        with progress_bar("Rendering") as update:
            render(..., progress=update)
    """
    with _shown(title) as show:

        def update(done: int, total: int) -> None:
            raise_if_swallowed()
            show(done, total)

        yield update


@contextmanager
def _shown(title: str) -> Iterator[Progress]:
    if is_quiet():
        yield no_progress
    elif sys.stderr.isatty():
        yield from _bar(title)
    else:
        yield _Lines(title).update


def _bar(title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    drawn = Progress(*columns, console=Console(stderr=True))
    task = drawn.add_task(title, total=None)

    def update(done: int, total: int) -> None:
        with suppress(OSError):  # a terminal that was closed is no reason to end the work
            drawn.start()
            drawn.update(task, completed=done, total=total)
            if done >= total:
                # rich before 14.1 draws one bar at a time: several may be open, each drawn while it works
                drawn.stop()

    try:
        yield update
    finally:
        with suppress(OSError):
            drawn.stop()


class _Lines:
    """What a log gets instead of a bar."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = self._last = time.monotonic()
        self._first: tuple[float, int] | None = (
            None  # when, and how much was done: a resumed run begins in the middle
        )
        self._finished = False

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        first_at, first = self._first = self._first or (now, done)
        if self._finished or (done < total and now - self._last < SECONDS_BETWEEN_LINES):
            return
        self._last, self._finished = now, done >= total
        seconds_left = (now - first_at) * (total - done) / (done - first) if done > first else None
        left = "" if self._finished or seconds_left is None else f", about {_words(seconds_left)} left"
        with suppress(OSError):  # a log that is full or closed is no reason to end the work
            sys.stderr.write(f"{self._title}: {done}/{total} after {now - self._started:.0f} s{left}\n")
            sys.stderr.flush()


def _words(seconds: float) -> str:
    """A time left, no more exact than it is known.

    >>> _words(41), _words(340), _words(9000)
    ('41 s', '6 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
