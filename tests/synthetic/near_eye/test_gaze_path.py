"""Movements of eyes have the numbers that physiology gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinytracker.synthetic.near_eye.gaze_path import (
    SAMPLES_PER_S,
    Habits,
    Phase,
    blinks,
    eye_path,
    saccade_seconds,
    saccade_shape,
)

CALM = Habits(
    fixation_s=0.3,
    drift_deg2_per_s=0.01,
    tremor_deg=0.004,
    microsaccades_per_s=0.0,
    pursuit_share=0.0,
    vergence_share=0.0,
    blinks_per_s=1e-6,
    pupil_radius_cm=0.2,
)


@pytest.mark.parametrize(("amplitude_deg", "peak_deg_per_s"), [(1, 70), (5, 260), (10, 380), (20, 500)])
def test_saccades_follow_the_main_sequence(amplitude_deg: float, peak_deg_per_s: float) -> None:
    """Peak velocities as in Bahill, Clark & Stark 1975, within a fifth."""
    samples = round(saccade_seconds(amplitude_deg) * SAMPLES_PER_S)
    path = amplitude_deg * saccade_shape(samples, amplitude_deg)
    assert path[-1] == pytest.approx(amplitude_deg)
    assert np.diff(path).max() * SAMPLES_PER_S == pytest.approx(peak_deg_per_s, rel=0.2)
    assert (np.diff(path) > 0).all()


def test_large_saccades_peak_early() -> None:
    small, large = np.diff(saccade_shape(1000, 1)), np.diff(saccade_shape(1000, 25))
    assert large.argmax() < small.argmax() < 520


def test_fixations_drift_as_a_random_walk() -> None:
    habits = replace(CALM, fixation_s=1.4, tremor_deg=0.0)
    path = eye_path(np.random.default_rng(3), habits, 60, 1.0)
    lag = round(0.05 * SAMPLES_PER_S)
    is_still = (path.phases == Phase.fixation)[::lag]
    steps = np.diff(path.gaze_deg[::lag, 0])[is_still[1:] & is_still[:-1]]
    steps = steps[np.abs(steps) < 0.3]  # not those with a saccade inside
    assert len(steps) > 500
    assert steps.var() == pytest.approx(0.01 * 0.05, rel=0.2)


def test_tremor_is_fast_and_small() -> None:
    habits = replace(CALM, fixation_s=1.4, drift_deg2_per_s=0.0)
    path = eye_path(np.random.default_rng(4), habits, 1.0, 1.0)
    still = path.gaze_deg[path.phases == Phase.fixation][:5000, 0]
    assert 0.001 < still.std() < 0.008
    spectrum = np.abs(np.fft.rfft(still - still.mean()))
    assert 35 < np.fft.rfftfreq(len(still), 1 / SAMPLES_PER_S)[spectrum.argmax()] < 105


def test_a_blink_shuts_faster_than_it_opens_and_shuts_wholly() -> None:
    closure = blinks(np.random.default_rng(0), 0.5, 30 * SAMPLES_PER_S)
    assert closure.min() >= 0
    assert closure.max() <= 1
    shut = np.flatnonzero((closure[1:] >= 0.999) & (closure[:-1] < 0.999))
    assert len(shut) >= 5
    for moment in shut:
        begin = moment - np.flatnonzero(closure[moment::-1] < 0.05)[0]
        opened = np.flatnonzero(closure[moment:] < 0.999)[0] + moment
        end = np.flatnonzero(closure[opened:] < 0.05)
        if len(end) and closure[opened : opened + end[0]].max() <= 1:
            shutting_s, opening_s = (moment - begin) / SAMPLES_PER_S, end[0] / SAMPLES_PER_S
            assert 0.03 < shutting_s < 0.12
            assert opening_s > 1.2 * shutting_s


def test_the_eye_turns_down_and_nasally_in_a_blink() -> None:
    for side in (1.0, -1.0):
        calm = eye_path(np.random.default_rng(5), CALM, 8, side)
        blinking = eye_path(np.random.default_rng(5), replace(CALM, blinks_per_s=2.0), 8, side)
        fixing = (calm.phases == Phase.fixation) & (blinking.blink > 0.95)
        turned = (blinking.gaze_deg - calm.gaze_deg)[fixing].mean(0)
        assert turned[1] < -0.5
        assert turned[0] * side < -0.1


def test_all_kinds_of_movement_stay_in_the_field() -> None:
    habits = Habits.draw(np.random.default_rng(1))
    habits = replace(habits, pursuit_share=0.3, vergence_share=0.2, microsaccades_per_s=2.0)
    path = eye_path(np.random.default_rng(2), habits, 30, 1.0)
    assert set(np.unique(path.phases)) == set(Phase)
    assert np.abs(path.gaze_deg).max() < 36
    assert len(path) == 30 * SAMPLES_PER_S
    assert path.pupil_radius_cm.min() >= 0.1
    assert path.pupil_radius_cm.std() > 0
    speeds = np.linalg.norm(np.diff(path.gaze_deg[path.phases == Phase.pursuit], axis=0), axis=1)
    assert 3 < np.median(speeds) * SAMPLES_PER_S < 35


def test_lids_follow_a_little_late() -> None:
    path = eye_path(np.random.default_rng(6), CALM, 4, 1.0)
    shifts = [
        np.mean((path.lid_pitch_deg[shift:] - path.gaze_deg[: len(path) - shift, 1]) ** 2)
        for shift in range(0, 300, 20)
    ]
    assert 40 <= 20 * int(np.argmin(shifts)) <= 140  # tenths of ms


def test_same_numbers_same_path() -> None:
    habits = Habits.draw(np.random.default_rng(1))
    first, second = (eye_path(np.random.default_rng(7), habits, 1, 1.0) for _ in range(2))
    assert np.array_equal(first.gaze_deg, second.gaze_deg)
