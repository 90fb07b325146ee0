"""Confidence intervals by the bootstrap over people.

Frames of one person resemble each other, so the person is the unit that is drawn with replacement (the
cluster bootstrap; Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, sections 8 and 13.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRAWS = 2000
COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its interval, all in the value's unit; the ends are NaN for fewer than two
    people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PersonSums:
    """What the bootstrap needs of per-frame values: for each of P people their sum and count, float64
    (P,)."""

    sums: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, people: np.ndarray) -> PersonSums:
        """values: float (n,), one per frame, NaN where unknown (left out). people: (n,), whose frame it
        is."""
        known = np.isfinite(values)
        _, index = np.unique(people[known], return_inverse=True)
        return cls(np.bincount(index, weights=values[known]), np.bincount(index).astype(np.float64))


def mean_over_frames(values: np.ndarray, people: np.ndarray, seed: int = 0) -> Estimate:
    """Mean of per-frame values (n,), every frame counting the same, with a 95 % interval over people (n,).

    `seed` makes the interval repeatable. The value is NaN if no frame has one.
    """
    people_sums = PersonSums.of(values, people)
    draws = _draws(len(people_sums.sums), seed)
    return _estimate(
        people_sums.sums.sum() / people_sums.counts.sum() if len(people_sums.sums) else np.nan,
        (draws @ people_sums.sums) / (draws @ people_sums.counts) if len(draws) else draws,
    )


def mean_over_people(values: np.ndarray, people: np.ndarray, seed: int = 0) -> Estimate:
    """Mean of the people's own means, every person counting the same, with a 95 % interval over people."""
    people_sums = PersonSums.of(values, people)
    means = people_sums.sums / people_sums.counts
    draws = _draws(len(means), seed)
    return _estimate(
        means.mean() if len(means) else np.nan, draws @ means / max(len(means), 1) if len(draws) else draws
    )


def ratio_of_means(values: np.ndarray, references: np.ndarray, people: np.ndarray, seed: int = 0) -> Estimate:
    """Mean of `values` over the mean of `references` (both (n,), over frames), the people drawn for both
    at once."""
    known = np.isfinite(values) & np.isfinite(references)
    top = PersonSums.of(values[known], people[known])
    bottom = PersonSums.of(references[known], people[known])
    draws = _draws(len(top.sums), seed)
    return _estimate(
        top.sums.sum() / bottom.sums.sum() if len(top.sums) else np.nan,
        (draws @ top.sums) / (draws @ bottom.sums) if len(draws) else draws,
    )


def _draws(people: int, seed: int) -> np.ndarray:
    """How often each person is drawn in each of the draws, int64 (DRAWS, people); (0, people) if there is
    no spread."""
    if people < 2:
        return np.zeros((0, people))
    return np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), size=DRAWS)


def _estimate(value: float, drawn: np.ndarray) -> Estimate:
    if len(drawn) == 0:
        return Estimate(float(value), float("nan"), float("nan"))
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
