"""What sessions are like: the mix of devices and targets, boxes as detectors give them, frames that are
what crops show."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tinytracker.devices import DEVICES, sized_device
from tinytracker.domain import Box
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.crops import crop
from tinytracker.geometry import screen_size_points
from tinytracker.synthetic.develop import Exposure, Sensor
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import (
    EYES_DOWN_DEG,
    EYES_UP_DEG,
    Habit,
    Sitting,
    Sway,
    angles_rad,
    head_pose,
    rotation,
)
from tinytracker.synthetic.session import DOT_S, FIRST_FRAME_S, FRAMES_PER_DOT, Session, SyntheticFrame
from tinytracker.synthetic.setup import FARTHEST_TARGET_CM, KIND_SHARES, Setup

LINEAR = np.minimum(255 * 8 * (np.arange(4097) / 4096) ** 2 + 0.5, 255).astype(np.uint8)
PLAIN = Sensor(0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 0.0, 90, LINEAR)


@pytest.fixture(scope="module")
def setups() -> list[Setup]:
    rng = np.random.default_rng(1)
    return [Setup.draw(rng) for _ in range(1500)]


@pytest.fixture(scope="module")
def frames() -> list[SyntheticFrame]:
    """One frame each of 150 sittings of five people; nothing is rendered."""
    people = [Person.from_seed(seed) for seed in range(5)]
    return [Session(people[k % 5], np.random.default_rng([2, k])).frame() for k in range(150)]


def test_devices_come_in_their_shares(setups: list[Setup]) -> None:
    counts = Counter(setup.device.kind for setup in setups)
    for kind, share in KIND_SHARES.items():
        assert abs(counts[kind] / len(setups) - share) < 0.04
    assert {setup.device.name for setup in setups if setup.device.turns} == set(DEVICES)
    assert abs(np.mean([setup.wide_targets for setup in setups]) - 1 / 3) < 0.05


def test_targets_keep_to_the_screen_or_go_beyond(setups: list[Setup]) -> None:
    rng = np.random.default_rng(2)
    beyond = 0
    for setup in setups[:400]:
        orientation = setup.orientation(rng)
        points = setup.target_points(rng, orientation, setup.distance_cm)
        x_cm, y_cm = setup.target_cm(points, orientation)
        assert max(abs(x_cm), abs(y_cm)) <= FARTHEST_TARGET_CM + 1e-9
        width, height = screen_size_points(setup.device, orientation)
        on_screen = 0 <= points[0] <= width and 0 <= points[1] <= height
        assert on_screen or setup.wide_targets
        beyond += not on_screen
    assert beyond > 30


def test_frames_stand_upright_or_lie() -> None:
    phone, laptop = DEVICES["iPhone 6"], sized_device("laptop", 31, 18)
    rng = np.random.default_rng(0)
    sizes = [(c.width_px, c.height_px) for c in (Setup.at(phone, rng).camera(o) for o in (1, 2, 3, 4))]
    assert sizes == [(480, 640), (480, 640), (640, 480), (640, 480)]
    assert Setup.at(laptop, rng).camera(1).width_px == 640


@pytest.mark.parametrize("angles_deg", [(0, 0, 0), (20, 0, 0), (0, -30, 0), (0, 0, 15), (25, 18, -12)])
def test_rotation_and_angles_are_inverse(angles_deg: tuple[float, float, float]) -> None:
    turn = rotation(*np.radians(angles_deg))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.degrees(angles_rad(turn)), angles_deg, atol=1e-9)


def test_heads_follow_by_habit_until_the_eyes_give_up() -> None:
    rng = np.random.default_rng(0)
    setup = Setup.at(sized_device("laptop", 31, 18), rng)
    camera, sitting = setup.camera(1), Sitting(np.zeros(3), 55.0, np.zeros(2), 0.0)

    def pitch_deg(follow: float, y_cm: float) -> tuple[float, float]:
        head = head_pose(setup, 1, camera, Habit(follow, np.zeros(3)), sitting, Sway.none(), (0.0, y_cm))
        towards = np.array([0.0, y_cm, 0.0]) - head.position_cm
        return math.degrees(angles_rad(head.rotation)[1]), math.degrees(
            math.atan2(towards[1], math.hypot(*towards[::2]))
        )

    head, gaze = pitch_deg(0.4, -12.0)
    assert head == pytest.approx(0.4 * gaze)
    head, gaze = pitch_deg(0.1, -38.0)
    assert gaze < -EYES_DOWN_DEG / 0.9
    assert gaze - head > -EYES_DOWN_DEG - 3
    head, gaze = pitch_deg(0.1, 25.0)
    assert gaze - head < EYES_UP_DEG + 3


def test_boxes_are_as_detectors_give_them(frames: list[SyntheticFrame]) -> None:
    """Eyes at 28 % of the face box's height, interocular distance 0.41 of its width, both with jitter;
    eyes centred."""
    heights, widths, offsets = [], [], []
    for frame in frames:
        if frame.boxes is None:
            continue
        corners = frame.camera.project(frame.posed.canthi_cm)
        face, eyes = frame.boxes.face, (frame.boxes.left_eye, frame.boxes.right_eye)
        middles = corners.mean(axis=1)
        heights.append((middles[:, 1].mean() - face.y_px) / face.height_px)
        widths.append(interocular_px(corners) / face.width_px)
        offsets += [
            (np.array(eye.centre_px) - middle) / eye.width_px
            for eye, middle in zip(eyes, middles, strict=True)
        ]
    assert len(heights) > 0.9 * len(frames)
    assert np.mean(heights) == pytest.approx(0.28, abs=0.01)
    assert np.mean(widths) == pytest.approx(0.41, abs=0.01)
    assert 0.01 < np.std(heights) < 0.05
    assert 0.008 < np.std(widths) < 0.03
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.02
    assert 0.02 < np.std(offsets, axis=0)[1] < 0.09


def test_heads_look_up_at_the_camera_a_little(frames: list[SyntheticFrame]) -> None:
    pitches = [frame.truth["head_pitch_deg"] for frame in frames]
    assert -1 < np.mean(pitches) < 11
    assert 8 < np.std(pitches) < 18


def test_most_faces_are_in_the_frame(frames: list[SyntheticFrame]) -> None:
    inside = [
        f.boxes is not None
        and f.boxes.face.x_px >= 0
        and f.boxes.face.x_px + f.boxes.face.width_px <= f.camera.width_px
        for f in frames
    ]
    assert np.mean(inside) > 0.85


def test_a_dot_is_looked_at_for_some_frames() -> None:
    session = Session(Person.from_seed(1), np.random.default_rng(4))
    taken = [session.frame() for _ in range(24)]
    assert [frame.dot_number for frame in taken] == [k // FRAMES_PER_DOT for k in range(24)]
    for first, second in zip(taken[::2], taken[1::2], strict=True):
        assert (first.target, first.orientation) == (second.target, second.orientation)
        assert FIRST_FRAME_S < first.time_s < second.time_s < DOT_S
        assert np.linalg.norm(first.posed.position_cm - second.posed.position_cm) < 3
    assert len({id(frame.trial) for frame in taken}) == 3


def test_same_seed_same_pixels() -> None:
    images = [Session(Person.from_seed(1), np.random.default_rng(4)).frame().image() for _ in range(2)]
    np.testing.assert_array_equal(*images)
    assert not np.array_equal(
        images[0], Session(Person.from_seed(1), np.random.default_rng(5)).frame().image()
    )


def test_crop_shows_what_the_frame_shows() -> None:
    """Rendering a face alone gives the frame's crop but for noise and sampling: its place, light and
    colour are the frame's."""
    compared = 0
    for seed in range(8):
        frame = Session(Person.from_seed(seed), np.random.default_rng([6, seed])).frame()
        if frame.boxes is None:
            continue
        alone, cut = (
            frame.crop(frame.boxes.face, 64).astype(float),
            crop(frame.image(), frame.boxes.face, 64, 64).astype(float),
        )
        inside = cut.sum(axis=2) > 0  # a crop is black outside the frame, where the renderer goes on
        assert np.abs(alone - cut)[inside].mean() < 8
        assert abs(np.mean((alone - cut)[inside])) < 3
        compared += 1
    assert compared >= 6


def test_exposure_is_reasonable() -> None:
    faces = []
    for seed in range(25):
        frame = Session(Person.from_seed(seed), np.random.default_rng([7, seed])).frame()
        if frame.boxes is not None:
            faces.append(frame.crop(frame.boxes.face, 24, 1).mean())
    assert 85 < np.mean(faces) < 165
    assert np.min(faces) > 15
    assert np.max(faces) < 245


def test_eyes_of_far_faces_are_not_jagged() -> None:
    """One sample per pixel would scatter what four average: closer to a rendering with many samples."""
    rng = np.random.default_rng(3)
    setup = replace(Setup.at(sized_device("monitor", 60, 34), rng), distance_cm=100.0)
    session = Session(Person.from_seed(2), rng, setup)
    frame = session.frame()
    strip = frame._small_eyes()
    assert strip is not None
    left, top, right, bottom = strip
    box, size = Box(left, top, right - left, bottom - top), (right - left, bottom - top)
    reference, single = (frame._light(box, *size, samples) for samples in (6, 1))
    frame.trial.exposure = Exposure(np.ones(3))
    plain = replace(frame, sensor=PLAIN)
    shown = plain.image()[top:bottom, left:right].astype(float)
    ideal = plain._develop(reference, box).astype(float)
    jagged = plain._develop(single, box).astype(float)
    assert np.abs(shown - ideal).mean() < 0.6 * np.abs(jagged - ideal).mean()


def test_a_room_is_painted_once_a_trial_and_looks_the_same() -> None:
    session = Session(Person.from_seed(2), np.random.default_rng(4))
    first, second = session.frame(), session.frame()
    first.image()
    room = first.trial.room
    shown = second.image()
    assert second.trial is first.trial
    assert second.trial.room is room
    alone = replace(second, trial=replace(second.trial, room=None))
    assert np.array_equal(alone.image(), shown)
