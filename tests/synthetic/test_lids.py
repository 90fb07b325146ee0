"""Lid margins: the population's measures, following the gaze, and opening on their own."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.lids import margin_heights, margin_shapes, opening
from tinytracker.synthetic.subject import EYE_RADIUS_CM, Expression, Eyes, Lids, Skin

PEOPLE = 600
CALM = Expression()


@pytest.fixture(scope="module")
def population() -> list[Lids]:
    rng = np.random.default_rng(1)
    return [Lids.draw(rng) for _ in range(PEOPLE)]


def _measure(
    population: list[Lids], expression: Expression, pitch_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower margin (n,) cm over the eye's centre, both eyes averaged."""
    both = [[opening(lids, expression, np.radians(pitch_deg), eye) for eye in (0, 1)] for lids in population]
    return np.array([(l.upper_cm + r.upper_cm) / 2 for l, r in both]), np.array(
        [(l.lower_cm + r.lower_cm) / 2 for l, r in both]
    )


def test_margins_at_rest(population: list[Lids]) -> None:
    upper, lower = _measure(population, CALM, 0)
    assert upper.mean() == pytest.approx(0.34, abs=0.02)
    assert upper.std() == pytest.approx(0.09, abs=0.015)
    assert -lower.mean() == pytest.approx(0.50, abs=0.02)
    assert lower.std() == pytest.approx(0.07, abs=0.015)
    fissure = np.array([lids.nasal_cm + lids.temporal_cm for lids in population])
    assert fissure.mean() == pytest.approx(2.98, abs=0.02)
    assert fissure.std() == pytest.approx(0.10, abs=0.02)


def test_lids_follow_the_gaze(population: list[Lids]) -> None:
    pitch_deg = -25.0
    turn_cm = EYE_RADIUS_CM * np.sin(np.radians(pitch_deg))
    rest, down = _measure(population, CALM, 0), _measure(population, CALM, pitch_deg)
    upper_gain, lower_gain = (down[0] - rest[0]) / turn_cm, (down[1] - rest[1]) / turn_cm
    assert upper_gain.mean() == pytest.approx(0.93, abs=0.03)
    assert upper_gain.std() == pytest.approx(0.12, abs=0.03)
    assert lower_gain.mean() == pytest.approx(0.35, abs=0.03)
    assert lower_gain.std() == pytest.approx(0.12, abs=0.03)


def test_openness_varies_without_the_gaze() -> None:
    """With the gaze fixed, expressions of one person move the openness by a fifth of its mean or more."""
    rng = np.random.default_rng(2)
    lids = Lids.draw(rng)
    openness = np.array(
        [opening(lids, Expression.draw(rng, blink_share=0), 0.0, 0).openness for _ in range(300)]
    )
    assert openness.std() / openness.mean() > 0.08
    assert np.ptp(np.percentile(openness, [5, 95])) / openness.mean() > 0.2


@pytest.mark.parametrize(
    ("change", "sign_upper", "sign_lower"),
    [
        ({"squint": 0.8}, -1, 1),
        ({"droop_cm": 0.15}, -1, 0),
        ({"droop_cm": -0.1}, 1, 0),
        ({"smile": 0.9}, 0, 1),
        ({"brow_raise_cm": 0.3}, 1, 0),
    ],
)
def test_expressions_move_the_margins(
    population: list[Lids], change: dict[str, float], sign_upper: int, sign_lower: int
) -> None:
    upper, lower = (a.mean() for a in _measure(population, CALM, 0))
    upper2, lower2 = (a.mean() for a in _measure(population, Expression(**change), 0))
    assert np.sign(np.round(upper2 - upper, 3)) == sign_upper
    assert np.sign(np.round(lower2 - lower, 3)) == sign_lower


def test_only_a_blink_shuts_the_eye(population: list[Lids]) -> None:
    rng = np.random.default_rng(3)
    for lids in population[:60]:
        tired = Expression(squint=1.0, droop_cm=0.2, smile=0.9, lid_jitter_cm=(-0.1, 0.08))
        assert opening(lids, tired, np.radians(rng.uniform(-30, 20)), 0).openness > 0.05
        shut = opening(lids, Expression(blink=1.0), 0.0, 0)
        assert shut.openness == pytest.approx(0, abs=1e-9)
        half = opening(lids, Expression(blink=0.5), 0.0, 0)
        assert 0 < half.openness < opening(lids, CALM, 0.0, 0).openness


def test_margins_run_through_the_canthi_and_the_measures() -> None:
    lids = Lids.draw(np.random.default_rng(4))
    pupil = lids.nasal_cm / (lids.nasal_cm + lids.temporal_cm)
    seen = opening(lids, CALM, 0.1, 0)
    upper, lower, rest = margin_heights(margin_shapes(lids, np.array([0.0, pupil, 1.0])), seen)
    for margin in (upper, lower, rest):
        assert margin[[0, 2]] == pytest.approx([lids.inner_height_cm, lids.outer_height_cm])
    assert (upper[1], lower[1], rest[1]) == pytest.approx((seen.upper_cm, seen.lower_cm, seen.rest_upper_cm))
    upper, lower, _ = margin_heights(
        margin_shapes(lids, np.linspace(0, 1, 50)), opening(lids, Expression(blink=1), -0.4, 1)
    )
    assert (upper >= lower).all()


def test_iris_radius_of_the_population() -> None:
    rng = np.random.default_rng(5)
    radii = np.array([Eyes.draw(rng, Skin.draw(rng)).iris_radius_cm for _ in range(PEOPLE)])
    assert radii.mean() == pytest.approx(0.585, abs=0.005)
    assert radii.std() == pytest.approx(0.02, abs=0.005)
