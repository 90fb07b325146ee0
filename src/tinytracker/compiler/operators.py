"""The table of operators in docs/compiler.md, made of what `check` itself goes by.

python -m tinytracker.compiler.operators docs/compiler.md      # writes it anew between its marks
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tinytracker.compiler.check import CONDITIONS, GENERAL
from tinytracker.errors import UsageError
from tinytracker.files import write_text

BEGIN, END = "<!-- operators: made by python -m tinytracker.compiler.operators -->", "<!-- operators end -->"


def as_markdown() -> str:
    """What holds for every operator, then a row for each with what must hold for it beside that."""
    lines = [f"Of every operator: {' '.join(_words(condition) for condition in GENERAL)}", ""]
    lines += ["| operator | what must hold beside |", "|---|---|"]
    for kind, conditions in CONDITIONS.items():
        lines.append(f"| `{kind}` | {' '.join(map(_words, conditions)) or '-'} |")
    return "\n".join(lines)


def updated(page: str) -> str:
    """A page with the table as it is now between its marks; raises UsageError if it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"the page has no marks {BEGIN} and {END} to write the table between")
    return f"{before}{BEGIN}\n{as_markdown()}\n{END}{after}"


def _words(condition: Callable[..., object]) -> str:
    return " ".join((condition.__doc__ or "").split())


if __name__ == "__main__":
    page = Path(sys.argv[1])
    write_text(page, updated(page.read_text(encoding="utf-8")))
