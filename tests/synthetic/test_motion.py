"""Motion samples: GazeCapture's keys, 60 Hz while frames are taken, and values that fit each other."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.motion import RATE_HZ, motion_samples, quaternion, to_device

KEYS = {
    "DotNum",
    "Time",
    "GravityX",
    "UserAcceleration",
    "RotationRate",
    "AttitudeRotationMatrix",
    "AttitudeQuaternion",
    "AttitudePitch",
    "AttitudeRoll",
    "AttitudeYaw",
}


def test_samples_come_at_60_hz_from_a_dots_first_frame_to_its_last() -> None:
    frames = [(0, 0.7, 1), (0, 1.7, 1), (1, 1.0, 3)]
    samples = motion_samples(frames, True, np.random.default_rng(0))
    assert all(sample.keys() == KEYS for sample in samples)
    first = [sample["Time"] for sample in samples if sample["DotNum"] == 0]
    assert len(first) in (RATE_HZ, RATE_HZ + 1)
    assert first[0] == 0.7
    assert np.allclose(np.diff(first), 1 / RATE_HZ, atol=1e-4)
    assert [sample["Time"] for sample in samples if sample["DotNum"] == 1] == [1.0]


@pytest.mark.parametrize(("orientation", "axis", "sign"), [(1, 1, -1), (2, 1, 1), (3, 0, -1), (4, 0, 1)])
def test_gravity_pulls_towards_the_pictures_lower_edge(orientation: int, axis: int, sign: int) -> None:
    """Upright, the device's lower edge is down; with the home button on the right (3), its left one."""
    samples = motion_samples([(0, 0.5, orientation), (0, 1.9, orientation)], True, np.random.default_rng(3))
    gravity = np.array([sample["GravityX"] for sample in samples])
    assert np.allclose(np.linalg.norm(gravity, axis=1), 1, atol=1e-4)
    assert (sign * gravity[:, axis] > 0.2).all()
    assert (np.abs(gravity[:, 1 - axis]) < 0.1).all()
    assert (gravity[:, 2] < 0).all(), "the screen faces up"


def test_attitudes_agree() -> None:
    for sample in motion_samples([(0, 0.5, 1), (0, 0.9, 1)], True, np.random.default_rng(1)):
        matrix = np.array(sample["AttitudeRotationMatrix"]).reshape(3, 3)
        assert np.allclose(matrix @ [0, 0, -1], sample["GravityX"], atol=2e-5)
        x, y, z, w = sample["AttitudeQuaternion"]
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        assert np.allclose((np.eye(3) + 2 * w * cross + 2 * cross @ cross).T, matrix, atol=2e-4)
        angles = sample["AttitudePitch"], sample["AttitudeRoll"], sample["AttitudeYaw"]
        assert np.allclose(to_device(*angles), matrix, atol=5e-5)
        assert np.allclose(quaternion(*angles), (x, y, z, w), atol=5e-5)


def test_rotation_rate_is_that_of_the_attitude() -> None:
    samples = motion_samples([(0, 0.5, 1), (0, 1.5, 1)], True, np.random.default_rng(2))
    matrices = [np.array(sample["AttitudeRotationMatrix"]).reshape(3, 3) for sample in samples]
    for now, then, sample in zip(matrices, matrices[1:], samples, strict=False):
        turn = (now @ then.T - then @ now.T) / 2 * RATE_HZ
        assert np.allclose([turn[2, 1], turn[0, 2], turn[1, 0]], sample["RotationRate"], atol=3e-3)


def test_what_stands_on_a_table_hardly_moves() -> None:
    frames = [(0, 0.5, 1), (0, 1.9, 1)]
    held, resting = (
        np.std(
            [sample["RotationRate"] for sample in motion_samples(frames, is_held, np.random.default_rng(4))]
        )
        for is_held in (True, False)
    )
    assert resting < 0.1 * held
