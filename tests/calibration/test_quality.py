"""Data quality against ETDQualitizer, and what is said where there is nothing to measure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinytracker.calibration.quality import data_quality
from tinytracker.calibration.samples import GazeArrays
from tinytracker.errors import UsageError

STEP_NS = 33_000_000


def stretch(seed: int, lost: int = 7, frames: int = 90) -> GazeArrays:
    rng = np.random.default_rng(seed)
    gaze = rng.multivariate_normal(rng.uniform(-15, 15, 2), [[0.5, 0.2], [0.2, 1.1]], frames)
    gaze[rng.choice(frames, lost, replace=False)] = np.nan
    return GazeArrays(np.arange(frames) * STEP_NS, gaze[:, 0], gaze[:, 1], np.full(frames, 58.0))


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_etdqualitizers(seed: int) -> None:
    oracle = pytest.importorskip("ETDQualitizer", reason="ETDQualitizer is not installed")
    samples, target = stretch(seed), (1.5, -9.0)
    ours = data_quality(samples, target)

    def fick(x_deg: object, y_deg: object) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.tan(np.radians(np.asarray(x_deg))), np.tan(np.radians(np.asarray(y_deg)))
        azimuth, elevation = oracle.vector_to_Fick(x, y, np.ones_like(x))
        return azimuth, elevation

    azimuth, elevation = fick(samples.x_deg, samples.y_deg)
    theirs = oracle.DataQuality(azimuth, elevation, samples.t_ns / 1e9, "degrees")
    assert ours.accuracy_deg == pytest.approx(theirs.accuracy(*fick(*target))[0], rel=1e-6)
    assert ours.rms_s2s_deg == pytest.approx(theirs.precision_RMS_S2S()[0], rel=1e-6)
    assert ours.std_deg == pytest.approx(theirs.precision_STD()[0], rel=1e-6)
    assert ours.bcea_deg2 == pytest.approx(theirs.precision_BCEA()[0], rel=1e-6)
    assert ours.loss * 100 == pytest.approx(theirs.data_loss_from_invalid())
    assert ours.effective_hz == pytest.approx(theirs.effective_frequency(), rel=1e-6)


def test_lengths_on_the_screen() -> None:
    quality = data_quality(stretch(0), (0.0, 0.0), px_per_cm=40.0)
    assert quality.in_cm(1.0) == pytest.approx(58.0 * math.tan(math.radians(1)))
    assert quality.in_px(1.0) == pytest.approx(40 * 58.0 * math.tan(math.radians(1)))
    without = data_quality(GazeArrays(np.arange(3), np.zeros(3), np.zeros(3)))
    assert without.in_cm(1.0) is None
    assert without.accuracy_deg is None


def test_offset_has_the_sign_of_where_gaze_lies() -> None:
    quality = data_quality(GazeArrays(np.arange(3), np.full(3, 2.0), np.full(3, -3.0)), (1.0, -1.0))
    assert quality.offset_deg == pytest.approx((1.0, -2.0))
    assert quality.mean_error_deg == pytest.approx(quality.accuracy_deg)


def test_nothing_seen_is_a_result_not_a_crash() -> None:
    nothing = np.full(4, np.nan)
    quality = data_quality(GazeArrays(np.arange(4) * STEP_NS, nothing, nothing), (0.0, 0.0))
    assert quality.loss == 1.0
    assert quality.effective_hz == 0.0
    assert math.isnan(quality.rms_s2s_deg)
    assert math.isnan(quality.bcea_deg2)
    assert data_quality(GazeArrays(np.array([]), np.array([]), np.array([]))).loss == 1.0


def test_frames_out_of_order_are_refused() -> None:
    with pytest.raises(UsageError, match="order of time"):
        GazeArrays(np.array([2, 1]), np.zeros(2), np.zeros(2))
    with pytest.raises(UsageError, match="x_deg has 3 values for 2 frames"):
        GazeArrays(np.array([1, 2]), np.zeros(3), np.zeros(2))
