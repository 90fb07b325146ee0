"""Where dots are shown: layouts to calibrate by, and dots to check by, away from them.

Shares of the screen's width and height, from its top left corner. Layouts are nested: the first n dots are
the layout of n dots, so a person may stop after any and the order is that of the greatest gain: the middle,
then corners.
"""

from __future__ import annotations

import numpy as np

from tinytracker.errors import UsageError

Place = tuple[float, float]

ORDER: tuple[Place, ...] = (
    (0.5, 0.5),
    (0.08, 0.08),
    (0.92, 0.92),
    (0.92, 0.08),
    (0.08, 0.92),
    (0.5, 0.08),
    (0.5, 0.92),
    (0.08, 0.5),
    (0.92, 0.5),
    (0.29, 0.29),
    (0.71, 0.71),
    (0.71, 0.29),
    (0.29, 0.71),
)
LAYOUTS = (1, 3, 5, 9, 13)
"""How many dots a layout has."""

_CHECKS: tuple[Place, ...] = (
    (0.38, 0.18),
    (0.82, 0.38),
    (0.62, 0.82),
    (0.18, 0.62),
    (0.62, 0.18),
    (0.82, 0.62),
    (0.38, 0.82),
    (0.18, 0.38),
)
# Two squares, turned against each other: as far from the middle (0.24, root mean square along each axis) as
# places drawn evenly from the screen, so that their mean error is neither the middle's nor the corners'.
_CHECK_JITTER = 0.04


def layout(dots: int) -> tuple[Place, ...]:
    """The places of a layout of 1, 3, 5, 9 or 13 dots; raises UsageError for another number."""
    if dots not in LAYOUTS:
        raise UsageError(f"there are layouts of {', '.join(map(str, LAYOUTS))} dots, not of {dots}")
    return ORDER[:dots]


def check_layout(dots: int = 4, rng: np.random.Generator | None = None) -> tuple[Place, ...]:
    """Places to check by: all over the screen, none nearer than a twelfth of it to a dot of a layout.

    dots: 4 or 8 (thorough). rng: moves each a little, so that nobody learns them; None: where they are drawn
    in the docs. Raises UsageError for another number.
    """
    if dots not in (4, 8):
        raise UsageError(f"a check has 4 or 8 dots, not {dots}")
    places = np.array(_CHECKS[:dots])
    if rng is not None:
        known = np.array(ORDER)
        for index, place in enumerate(places):
            tries = place + rng.uniform(-_CHECK_JITTER, _CHECK_JITTER, (64, 2))
            away = np.abs(tries[:, None] - known[None]).max(axis=2).min(axis=1)
            good = tries[away >= 1 / 12]
            places[index] = good[0] if len(good) else place
    return tuple((float(x), float(y)) for x, y in places)
