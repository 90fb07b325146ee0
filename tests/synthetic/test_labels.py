"""Labels are exact by construction: the eyes' rays meet the screen where the recording says the dot is."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.domain import LANDMARKS
from tinytracker.geometry import (
    angles_deg_to_direction,
    direction_to_angles_deg,
    gaze_on_screen_plane,
    points_to_camera_cm,
)
from tinytracker.synthetic.person import FIXATION_DEG, Person
from tinytracker.synthetic.session import Session, SyntheticFrame


@pytest.fixture(scope="module")
def frames() -> list[SyntheticFrame]:
    """Frames of a dozen people on all kinds of devices; nothing is rendered."""
    taken = []
    for seed in range(12):
        session = Session(Person.from_seed(seed), np.random.default_rng([5, seed]))
        taken += [session.frame() for _ in range(24)]
    return taken


def test_visual_axes_meet_the_dot(frames: list[SyntheticFrame]) -> None:
    for frame in frames:
        x_cm, y_cm = gaze_on_screen_plane(frame.posed.eye_centres_cm, frame.posed.visual_axes)
        assert np.abs(x_cm - frame.target.x_cm).max() < 1e-6
        assert np.abs(y_cm - frame.target.y_cm).max() < 1e-6


def test_angles_and_projected_eyes_meet_the_dot(frames: list[SyntheticFrame]) -> None:
    """From what is written: the truth's angles, and the eye centres' pixels and depths through the camera."""
    for frame in frames:
        camera, centres = frame.camera, frame.posed.eye_centres_cm
        rays = camera.ray(camera.project(centres))
        eyes = rays * (centres[:, 2:] / rays[:, 2:])
        angles = np.array(
            [
                [frame.truth[f"{eye}_gaze_{axis}_deg"] for axis in ("yaw", "pitch")]
                for eye in ("left", "right")
            ]
        )
        x_cm, y_cm = gaze_on_screen_plane(eyes, angles_deg_to_direction(angles[:, 0], angles[:, 1]))
        assert np.abs(x_cm - frame.target.x_cm).max() < 1e-6
        assert np.abs(y_cm - frame.target.y_cm).max() < 1e-6


def test_points_give_the_same_label(frames: list[SyntheticFrame]) -> None:
    session = Session(Person.from_seed(3), np.random.default_rng(8))
    for _ in range(20):
        frame = session.frame()
        x_cm, y_cm = points_to_camera_cm(
            frame.target.x_points, frame.target.y_points, session.setup.device, frame.orientation
        )
        assert (x_cm, y_cm) == (frame.target.x_cm, frame.target.y_cm)


def test_eyes_as_drawn_miss_by_fixation_and_kappa(frames: list[SyntheticFrame]) -> None:
    """In the head's frame, optical axis = visual axis + fixation + kappa, eye by eye."""
    sides = np.array([1.0, -1.0])
    for frame in frames:
        posed = frame.posed
        yaw, pitch = direction_to_angles_deg(posed.visual_axes @ posed.rotation)
        drawn_yaw, drawn_pitch = direction_to_angles_deg(posed.optical_axes @ posed.rotation)
        kappa = np.degrees(frame.person.subject.eyes.kappa_rad)
        np.testing.assert_allclose(drawn_yaw - yaw, posed.fixation_deg[0] + sides * kappa[:, 0], atol=1e-9)
        np.testing.assert_allclose(drawn_pitch - pitch, posed.fixation_deg[1] - kappa[:, 1], atol=1e-9)
        assert frame.truth["fixation_x_deg"] == posed.fixation_deg[0]


def test_fixation_is_as_wide_as_said(frames: list[SyntheticFrame]) -> None:
    fixation = np.array([frame.posed.fixation_deg for frame in frames])
    assert np.abs(fixation.std(axis=0) / FIXATION_DEG - 1).max() < 0.2
    assert np.abs(fixation.mean(axis=0)).max() < 0.1


def test_left_is_the_persons_left(frames: list[SyntheticFrame]) -> None:
    for frame in frames:
        truth = frame.truth
        assert truth["left_centre_x_px"] > truth["right_centre_x_px"]
        assert (
            truth["left_outer_x_px"]
            > truth["left_inner_x_px"]
            > truth["right_inner_x_px"]
            > truth["right_outer_x_px"]
        )


def test_head_angles_turn_the_head(frames: list[SyntheticFrame]) -> None:
    """truth_head_yaw and pitch are those of the face's direction, the same convention as for gaze."""
    for frame in frames:
        yaw, pitch = direction_to_angles_deg(frame.posed.rotation @ np.array([0.0, 0.0, 1.0]))
        assert frame.truth["head_yaw_deg"] == pytest.approx(yaw, abs=1e-9)
        assert frame.truth["head_pitch_deg"] == pytest.approx(pitch, abs=1e-9)


def test_truth_has_every_column_of_the_design(frames: list[SyntheticFrame]) -> None:
    parts = [
        "gaze_yaw_deg",
        "gaze_pitch_deg",
        "inner_x_px",
        "inner_y_px",
        "outer_x_px",
        "outer_y_px",
        "centre_x_px",
        "centre_y_px",
    ]
    eyes = [f"{eye}_{part}" for eye in ("left", "right") for part in [*parts, "openness"]]
    head = ["distance_cm", "head_yaw_deg", "head_pitch_deg", "head_roll_deg"]
    landmarks = [f"{name}_{axis}_px" for name in LANDMARKS for axis in "xy"]
    assert set(frames[0].truth) == {
        *eyes,
        *head,
        *landmarks,
        "fixation_x_deg",
        "fixation_y_deg",
        "blink",
        "heads",
    }
