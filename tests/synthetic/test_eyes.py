"""Aiming: visual axes through the target, kappa to the right side, no torsion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytracker.synthetic.eyes import aim, direction, iris_distance_cm, torsion_free, yaw_pitch

CENTRES = np.array([[3.1, 0.0, 0.0], [-3.1, 0.0, 0.0]])
NO_JITTER = np.zeros(2)
angle = st.floats(-1.2, 1.2)


@settings(deadline=None)
@given(x=st.floats(-40, 40), y=st.floats(-40, 40), z=st.floats(15, 90))
def test_visual_axes_pass_through_the_target(x: float, y: float, z: float) -> None:
    target = np.array([x, y, z])
    axes = aim(CENTRES, target, np.zeros((2, 2)), NO_JITTER).visual_axes
    missed = np.linalg.norm(np.cross(target - CENTRES, axes), axis=1)
    assert np.linalg.norm(axes, axis=1) == pytest.approx([1, 1])
    assert missed.max() < 1e-9


@settings(deadline=None)
@given(yaw=angle, pitch=angle)
def test_angles_round_trip(yaw: float, pitch: float) -> None:
    assert np.array(yaw_pitch(direction(np.array(yaw), np.array(pitch)))) == pytest.approx(
        [yaw, pitch], abs=1e-9
    )


def test_optical_axes_diverge_and_point_down() -> None:
    """The visual axis is nasal of and above the optical one: looking far ahead, pupils point outwards and
    down."""
    kappa = np.radians([[4.0, 1.5], [4.0, 1.5]])
    optical = aim(CENTRES, np.array([0, 0, 1e6]), kappa, NO_JITTER).optical_axes
    yaw, pitch = np.degrees(yaw_pitch(optical))
    assert yaw == pytest.approx([4, -4], abs=0.01)  # left eye (+X) outwards to +X
    assert pitch == pytest.approx([-1.5, -1.5], abs=0.01)


def test_fixation_moves_both_eyes_alike_but_not_the_label() -> None:
    target, jitter = np.array([2.0, -5.0, 35.0]), np.radians([0.5, -0.3])
    still, moved = (aim(CENTRES, target, np.zeros((2, 2)), f) for f in (NO_JITTER, jitter))
    assert (still.visual_axes == moved.visual_axes).all()
    difference = np.degrees(np.array(yaw_pitch(moved.optical_axes)) - np.array(yaw_pitch(still.optical_axes)))
    assert difference == pytest.approx(np.array([[0.5, 0.5], [-0.3, -0.3]]))


@settings(deadline=None)
@given(yaw=angle, pitch=angle)
def test_torsion_free_is_the_shortest_rotation(yaw: float, pitch: float) -> None:
    axis = direction(np.array(yaw), np.array(pitch))
    turn = torsion_free(axis)
    assert turn @ [0, 0, 1] == pytest.approx(axis)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.trace(turn) == pytest.approx(
        1 + 2 * axis[2]
    )  # turns by exactly the angle between +Z and the axis


def test_an_eye_cannot_look_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        torsion_free(np.array([0.0, 0.0, -1.0]))


def test_iris_lies_a_centimetre_before_the_centre() -> None:
    assert 1.0 < iris_distance_cm(0.585) < 1.1
