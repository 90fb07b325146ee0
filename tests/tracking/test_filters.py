"""The One-Euro filter: steadier at rest, quick in saccades, blind to what lies before a gap."""

import numpy as np
import pytest

from tinytracker.errors import UsageError
from tinytracker.tracking.filters import OneEuroFilter, OneEuroParameters, make_filter
from tinytracker.tracking.stages import GazeStage

FRAME_NS = 33_333_333


def filtered(
    values_deg: np.ndarray, gaze_filter: GazeStage | None = None, step_ns: int = FRAME_NS
) -> np.ndarray:
    gaze_filter = gaze_filter or OneEuroFilter()
    return np.array([gaze_filter.apply(x, y, index * step_ns) for index, (x, y) in enumerate(values_deg)])


def test_first_direction_passes_unchanged() -> None:
    assert OneEuroFilter().apply(3.0, -4.0, 17) == (3.0, -4.0)


def test_constant_cutoff_follows_the_exponential_low_pass() -> None:
    """With beta 0 the filter is y += a (x - y), a = r / (r + 1), r = 2 pi cutoff dt (the paper's
    equations)."""
    gaze_filter = OneEuroFilter(OneEuroParameters(min_cutoff_hz=1.0, beta_hz_per_deg_s=0.0))
    result = filtered(np.array([[0.0, 0.0], [1.0, 2.0], [1.0, 2.0]]), gaze_filter, step_ns=100_000_000)
    turn = 2 * np.pi * 0.1
    gain = turn / (turn + 1)
    expected = 1 - (1 - gain) ** 2
    np.testing.assert_allclose(result[2], [expected, 2 * expected])


@pytest.mark.parametrize("frames_per_second", [15, 30, 60])
def test_fixation_is_steadied_and_a_saccade_followed(frames_per_second: int) -> None:
    rng = np.random.default_rng(0)
    step_ns = round(1e9 / frames_per_second)
    frames = 4 * frames_per_second
    truth = np.zeros((frames, 2))
    truth[frames // 2 :] = (12.0, -5.0)
    noisy = truth + rng.normal(0, 0.7, truth.shape)
    result = filtered(noisy, step_ns=step_ns)
    at_rest = slice(frames // 4, frames // 2)
    assert np.std(np.diff(result[at_rest], axis=0)) < 0.3 * np.std(np.diff(noisy[at_rest], axis=0))
    soon = frames // 2 + round(0.2 * frames_per_second)
    assert np.linalg.norm(result[soon] - truth[soon]) < 0.2 * 13


def test_axes_share_one_cutoff() -> None:
    """A fast horizontal move opens the filter for the vertical coordinate too."""
    still, moving = np.zeros((10, 2)), np.zeros((10, 2))
    still[5:, 1] = moving[5:, 1] = 0.1
    moving[5:, 0] = 20
    assert filtered(moving)[5, 1] > 3 * filtered(still)[5, 1]


@pytest.mark.parametrize("t_ns", [2 * 10**9, 0, -5])
def test_gap_or_time_that_stands_still_starts_anew(t_ns: int) -> None:
    gaze_filter = OneEuroFilter()
    gaze_filter.apply(0.0, 0.0, 0)
    assert gaze_filter.apply(9.0, 9.0, t_ns) == (9.0, 9.0)


def test_reset_forgets() -> None:
    gaze_filter = OneEuroFilter()
    gaze_filter.apply(0.0, 0.0, 0)
    gaze_filter.reset()
    assert gaze_filter.apply(9.0, 9.0, FRAME_NS) == (9.0, 9.0)


def test_presets_trade_jitter_for_lag() -> None:
    """From steady to quick: more jitter at rest, and sooner there after a saccade."""
    rng = np.random.default_rng(0)
    truth = np.zeros((240, 2))
    truth[120:] = (12.0, -5.0)
    noisy = truth + rng.normal(0, 0.7, truth.shape)
    results = {name: filtered(noisy, make_filter(name)) for name in ("steady", "default", "quick")}
    jitters = [float(np.std(np.diff(result[30:118], axis=0))) for result in results.values()]
    clean = {name: filtered(truth, make_filter(name)) for name in results}
    left = [float(np.linalg.norm(result[121] - truth[121])) for result in clean.values()]
    assert jitters[0] < jitters[1] < jitters[2]
    assert left[0] > left[1] > left[2]
    with pytest.raises(UsageError, match="no smoothing 'syrup'; expected one of steady, default, quick"):
        make_filter("syrup")
