"""Tables of what benchmarks measured, in documents: between `<!-- table: NAME -->` and `<!-- end -->` stands
what a benchmark rendered from its rows in docs/data, and a test holds it to them. (Tables of costs have rows
of their own: tinytracker.costs.compare.docs.)"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tinytracker.errors import InputError
from tinytracker.files import write_text


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose heading ends in " >" holds numbers.

    >>> print(markdown(("what", "cm >"), [("eyes", "3.5")]), end="")
    | what | cm |
    |---|---:|
    | eyes | 3.5 |
    """
    headings = (column.removesuffix(" >") for column in columns)
    rule = "|".join("---:" if column.endswith(" >") else "---" for column in columns)
    return "\n".join((_line(headings), f"|{rule}|", *map(_line, rows))) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table_in(document: Path, name: str) -> str:
    """What stands in a table's place. Raises InputError if the document has no such place."""
    return _place(document, name)[2]


def put_table(document: Path, name: str, table: str) -> None:
    """Puts a table into its place. Raises InputError as `table_in` does."""
    place = _place(document, name)
    text = place.string
    write_text(document, text[: place.start(2)] + table + text[place.end(2) :])


def _place(document: Path, name: str) -> re.Match[str]:
    place = re.search(
        rf"(<!-- table: {re.escape(name)} -->\n)(.*?)(<!-- end -->)", document.read_text(), re.DOTALL
    )
    if place is None:
        raise InputError(
            f"{document} has no place for the table {name}: <!-- table: {name} --> ... <!-- end -->"
        )
    return place
