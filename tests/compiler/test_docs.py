"""docs/compiler.md says what the compiler goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.compiler.check import CONDITIONS, GENERAL
from tinytracker.compiler.operators import BEGIN, updated
from tinytracker.errors import UsageError

PAGE = Path(__file__).parents[2] / "docs" / "compiler.md"


def test_the_table_of_operators_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert updated(text) == text, "run: python -m tinytracker.compiler.operators docs/compiler.md"
    assert all(f"| `{kind}` |" in text for kind in CONDITIONS)


def test_every_condition_says_what_it_asks() -> None:
    for condition in {*GENERAL, *(one for those in CONDITIONS.values() for one in those)}:
        assert (condition.__doc__ or "").endswith("."), condition


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(UsageError, match="no marks"):
        updated(PAGE.read_text(encoding="utf-8").replace(BEGIN, ""))
