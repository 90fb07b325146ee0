"""What is drawn anew for every person, and the three ways of drawing it.

Every quantity is a `Range`. `usual` draws from it, `fixed` always gives its middle, and `shifted` draws from
beyond it. Each way takes one number from the generator, so that a person differs in nothing else when one
aspect is drawn in another way: what an ablation needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tinytracker.errors import UsageError


class Aspect(StrEnum):
    """What can be drawn in a way of its own."""

    pose = "pose"
    leds = "leds"
    lids = "lids"
    slip = "slip"
    sensor = "sensor"


class Way(StrEnum):
    """How an aspect is drawn."""

    usual = "usual"
    fixed = "fixed"
    shifted = "shifted"


Ways = Mapping[Aspect, Way]
"""An aspect that is not named is drawn as usual."""


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity's usual values, from low to high. beyond: how far past an end a shifted value lies, as a
    share of the width; at the lower end too only if `both_ends`."""

    low: float
    high: float
    beyond: float = 0.4
    both_ends: bool = False

    def draw(self, rng: np.random.Generator, way: Way = Way.usual) -> float:
        """A value.

        >>> Range(2.0, 4.0).draw(np.random.default_rng(0), Way.fixed)
        3.0
        """
        share = float(rng.random())
        width = self.high - self.low
        if way is Way.fixed:
            return self.low + 0.5 * width
        if way is Way.usual:
            return self.low + share * width
        if self.both_ends and share < 0.5:
            return self.low - 2 * share * self.beyond * width
        return self.high + (2 * share - 1 if self.both_ends else share) * self.beyond * width


def ways_of(fixed: Iterable[str], shifted: Iterable[str]) -> dict[Aspect, Way]:
    """The ways that aspects named by their words are drawn; raises UsageError for a word that names none, or
    one that is named twice."""
    ways: dict[Aspect, Way] = {}
    for way, names in ((Way.fixed, fixed), (Way.shifted, shifted)):
        for name in names:
            if name not in list(Aspect):
                raise UsageError(f"{way} takes {', '.join(Aspect)}, not {name!r}")
            if Aspect(name) in ways:
                raise UsageError(f"{name} is named twice: it is drawn fixed, or shifted, or as usual")
            ways[Aspect(name)] = way
    return ways
