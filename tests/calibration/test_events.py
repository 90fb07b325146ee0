"""Fixations and blinks: against pymovements' I-DT, online and offline alike, and over gaps."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytracker.calibration.events import (
    BlinkFinder,
    FixationFinder,
    blinks,
    dispersion_threshold_deg,
    fixations,
    saccades,
)
from tinytracker.calibration.quality import data_quality
from tinytracker.calibration.samples import GazeArrays
from tinytracker.errors import UsageError

STEP_MS = 33


def looks(rng: np.random.Generator, count: int = 12, noise_deg: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Gaze (n, 2) resting at places for 0.3 to 1.2 s each, and the place of each frame."""
    places = np.repeat(rng.uniform(-12, 12, (count, 2)), rng.integers(10, 36, count), axis=0)
    return places + rng.normal(0, noise_deg, places.shape), places


def arrays(gaze: np.ndarray) -> GazeArrays:
    return GazeArrays(np.arange(len(gaze)) * STEP_MS * 1_000_000, gaze[:, 0], gaze[:, 1])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dispersion_deg", [2.5, 4.0])
def test_fixations_are_pymovements(seed: int, dispersion_deg: float) -> None:
    """Theirs takes the first frame that no longer fits along (0.28); Salvucci and Goldberg's, and ours,
    leaves it to the next."""
    detection = pytest.importorskip("pymovements.events", reason="pymovements is not installed")
    gaze, _ = looks(np.random.default_rng(seed), noise_deg=0.2)
    times_ms = np.arange(len(gaze)) * STEP_MS
    theirs = detection.idt(
        positions=gaze, timesteps=times_ms, minimum_duration=4 * STEP_MS, dispersion_threshold=dispersion_deg
    )
    ours = fixations(arrays(gaze), dispersion_deg, least_ms=3 * STEP_MS)  # four frames span three steps
    found = np.array([(fixation.start_ns, fixation.end_ns) for fixation in ours]) // 1_000_000 // STEP_MS
    expected = theirs.frame.select("onset", "offset").to_numpy() // STEP_MS
    expected[expected[:, 1] < len(gaze) - 1, 1] -= 1
    assert len(found) >= 10
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    assert set(expected[:, 0] - found[:, 0]) <= {0, 1}


def test_ten_deviations_hold_95_of_100_seconds() -> None:
    drawn = np.random.default_rng(0).normal(size=(4000, 30, 2))
    assert 9.5 < np.quantile(np.ptp(drawn, axis=1).sum(axis=1), 0.95) < 10.5


@given(
    st.lists(
        st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.sampled_from([20, 33, 33, 50, 120])),
        min_size=1,
        max_size=60,
    ),
    st.floats(0.5, 6),
)
@settings(max_examples=100, deadline=None)
def test_every_fixation_keeps_its_promise(
    frames: list[tuple[float, float, int]], dispersion_deg: float
) -> None:
    """Within the dispersion, long enough, without a gap, apart from the next: and growing by a frame would
    break it."""
    times = np.cumsum([step for *_, step in frames]).astype(np.int64) * 1_000_000
    gaze = np.array([(x, y) for x, y, _ in frames])
    found = fixations(
        GazeArrays(times, gaze[:, 0], gaze[:, 1]), dispersion_deg, least_ms=100.0, most_gap_ms=75.0
    )
    for fixation in found:
        inside = (times >= fixation.start_ns) & (times <= fixation.end_ns)
        assert np.ptp(gaze[inside], axis=0).sum() <= dispersion_deg
        assert fixation.duration_ms >= 100
        assert np.diff(times[inside]).max() <= 75e6
        assert fixation.frames == inside.sum()
        np.testing.assert_allclose((fixation.x_deg, fixation.y_deg), gaze[inside].mean(axis=0), atol=1e-9)
    assert all(before.end_ns < after.start_ns for before, after in pairwise(found))


def test_current_fixation_is_known_while_it_lasts() -> None:
    finder = FixationFinder(2.0, 100.0)
    assert finder.current is None
    for index in range(6):
        assert finder.add(index * 33_000_000, 1.0, 2.0) is None
    assert finder.current is not None
    assert finder.current.frames == 6
    ended = finder.add(6 * 33_000_000, 10.0, 2.0)
    assert ended is not None
    assert ended.frames == 6
    assert finder.current is None


def test_a_blink_ends_a_fixation_and_a_lost_frame_does_not() -> None:
    gaze = np.zeros((40, 2))
    gaze[10] = np.nan
    gaze[20:26] = np.nan
    assert [fixation.frames for fixation in fixations(arrays(gaze))] == [19, 14]


def test_saccades_have_the_amplitude_between_fixations() -> None:
    gaze = np.repeat([[0.0, 0.0], [6.0, 8.0], [6.0, 5.0]], 12, axis=0)
    found = saccades(fixations(arrays(gaze)))
    assert [saccade.amplitude_deg for saccade in found] == pytest.approx([10.0, 3.0])
    assert [saccade.end_ns - saccade.start_ns for saccade in found] == [33_000_000] * 2


@pytest.mark.parametrize("noise_deg", [0.2, 0.6, 1.2])
def test_threshold_from_precision_holds_fixations_together(noise_deg: float) -> None:
    """Of 40 seconds at rest at least 34 stay one fixation, whatever the person's noise."""
    rng = np.random.default_rng(3)
    threshold = dispersion_threshold_deg(data_quality(arrays(rng.normal(0, noise_deg, (300, 2)))).std_deg)
    seconds = [fixations(arrays(rng.normal(0, noise_deg, (30, 2))), threshold) for _ in range(40)]
    assert sum(len(found) == 1 and found[0].frames == 30 for found in seconds) >= 34


def test_thresholds_must_be_positive() -> None:
    with pytest.raises(UsageError, match="must be positive"):
        fixations(arrays(np.zeros((3, 2))), dispersion_deg=0)


def lids(openness: list[float]) -> GazeArrays:
    nothing = np.zeros(len(openness))
    return GazeArrays(
        np.arange(len(openness)) * STEP_MS * 1_000_000, nothing, nothing, None, np.array(openness)
    )


def test_blinks_are_short_drops_of_what_is_usual() -> None:
    wide, narrow = [0.3] * 20 + [0.1, 0.05, 0.1] + [0.3] * 10, [0.16] * 20 + [0.07, 0.05] + [0.16] * 10
    assert [blink.start_ns // 1_000_000 // STEP_MS for blink in blinks(lids(wide))] == [20]
    assert len(blinks(lids(narrow))) == 1
    assert blinks(lids([0.16] * 40)) == []  # narrow eyes are no blink
    assert blinks(lids([0.3] * 20 + [0.05] * 40 + [0.3] * 5)) == []  # 1.3 s: eyes closed
    assert len(blinks(lids([0.3] * 20 + [0.1, 0.18, 0.1] + [0.3] * 5))) == 1  # trembles in between


def test_unmeasured_openness_is_no_blink() -> None:
    assert blinks(lids([0.3] * 10 + [math.nan] * 5 + [0.3] * 10)) == []
    assert blinks(arrays(np.zeros((5, 2)))) == []
    assert BlinkFinder().add(0, None) is None
