"""Layouts are nested; check dots lie away from them and are worth the whole screen."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.calibration.layouts import LAYOUTS, ORDER, check_layout, layout
from tinytracker.errors import UsageError


def test_layouts_are_nested_and_on_the_screen() -> None:
    for dots in LAYOUTS:
        assert layout(dots) == ORDER[:dots]
    assert len(set(ORDER)) == 13
    assert all(0.05 <= share <= 0.95 for place in ORDER for share in place)


@pytest.mark.parametrize("dots", [4, 8])
def test_check_dots_lie_away_from_all_others(dots: int) -> None:
    for seed in (None, *range(20)):
        places = np.array(check_layout(dots, None if seed is None else np.random.default_rng(seed)))
        assert np.abs(places[:, None] - np.array(ORDER)[None]).max(axis=2).min() >= 1 / 12
        from_middle = np.sqrt(((places - 0.5) ** 2).mean(axis=0))
        assert (
            np.abs(from_middle - 0.9 / 12**0.5) < 0.05
        ).all()  # as far out as places drawn evenly from 0.05 to 0.95


def test_other_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="1, 3, 5, 9, 13"):
        layout(4)
    with pytest.raises(UsageError, match="4 or 8"):
        check_layout(5)
