"""What the commands print with: names are printed as they are, and nothing is cut off that goes into a
file or a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console

WIDTH_IN_FILES = 200  # columns, where no terminal says how many there are


def plain_console(stderr: bool = False) -> Console:
    """A console that takes no markup out of what it prints (a file may be called [bold].csv) and adds no
    colours."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_IN_FILES
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)
