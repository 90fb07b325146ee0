"""Errors on a clip: the offset is fitted before and judged after."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracking.conftest import sample
from tinytracker.domain import Frame
from tinytracker.evaluation.clips import Collector, clip_errors

TIMES_S = np.arange(100) / 10


def test_constant_offset_is_taken_away() -> None:
    truth = np.random.default_rng(0).uniform(-10, 10, (100, 2))
    errors = clip_errors(truth + [3.0, -4.0], truth, np.full(100, 50.0), TIMES_S, 5.0)
    assert errors is not None
    assert errors.tracked.cm == pytest.approx(5.0)
    assert errors.tracked.deg == pytest.approx(np.degrees(np.arctan2(5, 50)))
    assert errors.corrected.cm == pytest.approx(0.0, abs=1e-9)
    assert errors.offset_cm == (pytest.approx(3.0), pytest.approx(-4.0))
    assert errors.frames == 50
    late = truth[50:]
    assert errors.middle.cm == pytest.approx(np.linalg.norm(late - late.mean(axis=0), axis=1).mean())


def test_offset_of_the_late_part_is_not_known_to_the_fit() -> None:
    truth = np.zeros((100, 2))
    gaze = truth.copy()
    gaze[50:, 0] = 2.0
    errors = clip_errors(gaze, truth, np.full(100, 50.0), TIMES_S, 5.0)
    assert errors is not None
    assert errors.corrected.cm == pytest.approx(2.0)


def test_frames_without_gaze_do_not_count() -> None:
    truth = np.zeros((100, 2))
    gaze = truth + 1.0
    gaze[10:20] = gaze[60:90] = np.nan
    errors = clip_errors(gaze, truth, np.full(100, 50.0), TIMES_S, 5.0)
    assert errors is not None
    assert (errors.frames, errors.tracked.cm) == (20, pytest.approx(np.sqrt(2)))
    gaze[50:] = np.nan
    assert clip_errors(gaze, truth, np.full(100, 50.0), TIMES_S, 5.0) is None


def test_collector_keeps_times_and_gaze() -> None:
    collector = Collector()
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 0, 0)
    for one in (sample(3), sample(4, valid=False)):
        collector.write(frame, one)
    np.testing.assert_allclose(collector.times_s, [0, 0.033])
    np.testing.assert_allclose(collector.gaze_cm, [[1.23456, -7.5], [np.nan, np.nan]])
