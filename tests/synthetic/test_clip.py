"""The rendered clip: reproducible, smooth, and the eyes really look at the dot."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.errors import UsageError

pytest.importorskip("numba")

from tinytracker.devices import DEVICES
from tinytracker.geometry import gaze_on_screen_plane
from tinytracker.synthetic.clip import Clip, _lid_path


def test_same_arguments_same_pixels() -> None:
    first, second = (list(Clip(seconds=0.4, frames_per_second=5)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.dot == other.dot
        np.testing.assert_array_equal(one.frame.image, other.frame.image)
    assert first[0].frame.image.shape == (480, 640, 3)
    other_person = next(iter(Clip(seconds=0.4, frames_per_second=5, person=12)))
    assert not np.array_equal(other_person.frame.image, first[0].frame.image)


def test_dot_and_head_move_smoothly_over_the_whole_screen() -> None:
    clip = Clip(seconds=16, frames_per_second=30)
    left, right, bottom, top = clip.screen_cm
    dots = np.array([clip._session.target(*point).x_cm for point in clip._dots])
    downs = np.array([clip._session.target(*point).y_cm for point in clip._dots])
    assert left < dots.min() < left + 0.4 * (right - left)
    assert right - 0.4 * (right - left) < dots.max() < right
    assert bottom < downs.min() < downs.max() < top
    assert np.abs(np.diff(dots)).max() < 0.15 * (right - left)
    assert 0.4 < clip._rests.mean() < 0.75
    turns = np.degrees([sway.turn_rad for sway in clip._sways])
    assert np.abs(np.diff(turns, axis=0)).max() < 1.0
    assert turns.std() > 0.5


def test_eyes_look_at_the_dot() -> None:
    """The visual axes, before fixation jitter, meet the screen's plane where the dot is."""
    clip = Clip(seconds=1, frames_per_second=3)
    for index in range(len(clip)):
        target = clip._session.target(*clip._dots[index])
        posed = clip._session.frame_at(target, clip._sways[index], clip._face).posed
        x_cm, y_cm = gaze_on_screen_plane(posed.eye_centres_cm, posed.visual_axes)
        np.testing.assert_allclose([x_cm, y_cm], [[target.x_cm] * 2, [target.y_cm] * 2], atol=1e-6)


def test_blinks_are_short_and_rare() -> None:
    shut = _lid_path(np.random.default_rng(0), np.arange(0, 60, 1 / 60))
    assert shut.max() == 1.0
    assert 0.01 < (shut > 0.5).mean() < 0.1
    begins = np.flatnonzero(np.diff((shut > 0.5).astype(int)) == 1)
    assert 8 < len(begins) < 25


def test_camera_and_distance_fit_the_picture() -> None:
    """The eyes' distance in the picture, by the clip's own field of view, gives about the distance it
    says."""
    clip = Clip(seconds=0.2, frames_per_second=5)
    moment = next(iter(clip))
    camera = clip._session.trial.camera
    assert clip.fov_deg == pytest.approx(np.degrees(2 * np.arctan(320 / camera.f_px)))
    assert 30 < moment.distance_cm < 90


def test_other_screens() -> None:
    clip = Clip(seconds=0.2, frames_per_second=5, device=DEVICES["iPhone 6s"])
    left, right, _, _ = clip.screen_cm
    assert right - left == pytest.approx(5.849, abs=0.01) or right - left == pytest.approx(10.405, abs=0.01)
    assert next(iter(clip)).frame.image.ndim == 3


@pytest.mark.parametrize(("seconds", "rate"), [(0, 15), (-1, 15), (10, 0), (0.01, 15)])
def test_clip_of_no_frame_is_refused(seconds: float, rate: float) -> None:
    with pytest.raises(UsageError, match="at least one frame"):
        Clip(seconds=seconds, frames_per_second=rate)
