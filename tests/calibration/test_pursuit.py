"""A moving dot that was followed: the lag is found, the six numbers come out, glances aside hardly count."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gazers import CHECK_DEG, DISTANCE_CM
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.pursuit import PURSUIT_S, Path, Pursued, figure_of_eight, pursue_angles
from tinytracker.errors import UsageError

TRUTH = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
SIDES_CM = (34.0, 19.0)
FRAMES_PER_SECOND = 25


def path() -> Path:
    """A laptop's figure of eight; the camera is above its middle."""
    times_s = np.arange(0, PURSUIT_S + 0.01, 1 / 60)
    x, y = figure_of_eight(times_s / PURSUIT_S)
    return Path((times_s * 1e9).astype(np.int64), (x - 0.5) * SIDES_CM[0], -1 - y * SIDES_CM[1])


def followed(
    lag_ms: float, rng: np.random.Generator, noise_deg: float = 0.8, aside: slice = slice(0)
) -> Pursued:
    """By somebody who needs the correction TRUTH. aside: frames in which they look into a corner."""
    dot = path()
    t_ns = (np.arange(PURSUIT_S * FRAMES_PER_SECOND) * 1e9 / FRAMES_PER_SECOND).astype(np.int64)
    looked_cm = np.stack(dot.at(np.maximum(t_ns - lag_ms * 1e6, 0)), axis=1)
    looked_cm[aside] = (-15.0, -18.0)
    looked_deg = np.degrees(np.arctan2(looked_cm, DISTANCE_CM))
    raw = np.linalg.solve(np.eye(2) + TRUTH[:, 1:], (looked_deg - TRUTH[:, 0]).T).T
    raw += rng.normal(0, noise_deg, raw.shape)
    return pursue_angles(dot, t_ns, *raw.T, np.full(len(raw), DISTANCE_CM))


def miss_deg(pursued: Pursued, prior: Prior) -> float:
    """What is left of the correction at four places."""
    calibration = Calibration.fit(pursued.dots, prior)
    looked = np.array(CHECK_DEG)
    raw = np.linalg.solve(np.eye(2) + TRUTH[:, 1:], (looked - TRUTH[:, 0]).T)
    return float(np.hypot(*(np.stack(calibration.apply(*raw)) - looked.T)).mean())


@pytest.mark.parametrize("lag_ms", [0, 80, 240])
def test_lag_and_numbers_are_found(lag_ms: int, prior: Prior) -> None:
    pursued = followed(lag_ms, np.random.default_rng(0))
    assert abs(pursued.lag_ms - lag_ms) <= 40
    assert len(pursued.dots) == 14
    assert miss_deg(pursued, prior) < 0.35


def test_two_seconds_aside_hardly_count(prior: Prior) -> None:
    aside = slice(5 * FRAMES_PER_SECOND, 7 * FRAMES_PER_SECOND)
    pursued = followed(80, np.random.default_rng(0), aside=aside)
    assert miss_deg(pursued, prior) < 0.7


def test_what_was_not_followed_is_refused() -> None:
    with pytest.raises(UsageError, match="did not follow"):
        followed(80, np.random.default_rng(0), aside=slice(None))


def test_eyes_hardly_seen_are_refused() -> None:
    few = np.arange(10) * 40_000_000
    with pytest.raises(UsageError, match="in 0 frames of the moving dot only"):
        pursue_angles(path(), few, *np.full((3, 10), np.nan))


def test_the_path_keeps_to_a_speed_that_eyes_can_follow() -> None:
    """On a laptop's screen at 60 cm, degrees a second."""
    times_s = np.linspace(0, PURSUIT_S, 2000)
    x, y = figure_of_eight(times_s / PURSUIT_S)
    deg = np.degrees(np.arctan2([(x - 0.5) * SIDES_CM[0], y * SIDES_CM[1]], DISTANCE_CM))
    speed = np.hypot(*np.gradient(deg, times_s, axis=1))
    assert speed.max() < 9
    assert speed.mean() < 6


@pytest.mark.parametrize(
    ("times", "told"),
    [([0], "two places or more"), ([0, 0], "each at another"), ([5, 1], "in order of time")],
)
def test_a_path_that_is_none_is_refused(times: list[int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Path(times, np.zeros(len(times)), np.zeros(len(times)))
