"""How long work tells how far it is: a function called with (done, total)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_QUIET = "TINYTRACKER_QUIET"
Progress = Callable[[int, int], None]
"""Takes (done, total), as often as one likes; the command line draws a bar of it."""
Stages = Callable[[str, int, int], None]
"""The same for work in stages: takes (what is being done, done, total of that)."""


def no_stages(what: str, done: int, total: int) -> None:
    """Where nobody waits for stages."""


def no_progress(done: int, total: int) -> None:
    """Where nobody waits."""


def keep_quiet() -> None:
    """No bars from now on, in this process and those that it starts; see quiet_ends_here."""
    os.environ[_QUIET] = "1"


@contextmanager
def quiet_ends_here() -> Iterator[None]:
    """What keep_quiet did inside it ends with it: a command called in a process quietens only itself."""
    before = os.environ.get(_QUIET)
    try:
        yield
    finally:
        os.environ.pop(_QUIET, None)
        if before is not None:
            os.environ[_QUIET] = before


def is_quiet() -> bool:
    return bool(os.environ.get(_QUIET))


def part_of(progress: Progress, number: int, parts: int) -> Progress:
    """The progress of part `number`, from 0, of `parts` equal parts of some work.

    >>> part_of(lambda done, total: print(done, "of", total), 1, 2)(5, 10)
    15 of 20
    """
    return lambda done, total: progress(number * total + done, parts * total)
