"""Where a sitter's eyes are: still until the reaction time is over, then there; behind a dot that moves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from tinytracker.devices import sized_device
from tinytracker.geometry import points_to_camera_cm
from tinytracker.synthetic.sitter import PURSUIT_LAG_S, REACTION_S, SACCADE_S, Sitter

SCREEN = sized_device("laptop", 34.0, 19.1)


def looks_at(sitter: Sitter, time_s: float) -> tuple[float, float]:
    point = sitter.at(time_s).looked_at
    return point.x_cm, point.y_cm


def test_eyes_jump_to_a_new_place_after_the_reaction_time() -> None:
    sitter = Sitter(SCREEN)
    before = looks_at(sitter, 0.0)
    sitter.look_at(100, 100)
    assert looks_at(sitter, 0.02) == before
    assert looks_at(sitter, 0.02 + REACTION_S) == before
    there = looks_at(sitter, 0.03 + REACTION_S + SACCADE_S)
    assert there == pytest.approx(points_to_camera_cm(100.0, 100.0, SCREEN), abs=1e-6)


def test_eyes_follow_a_dot_that_moves_in_small_steps_a_little_late() -> None:
    sitter = Sitter(SCREEN)
    speed, seen = 300.0, []  # points a second
    for number in range(40):
        time_s = number / 20
        sitter.look_at(400 + speed * time_s, 300)
        seen.append(looks_at(sitter, time_s)[0])
    shown = points_to_camera_cm(400 + speed * (np.arange(40) / 20 - PURSUIT_LAG_S), 300.0, SCREEN)[0]
    np.testing.assert_allclose(seen[10:], shown[10:], atol=0.02)


def test_eyes_set_out_when_the_dot_appeared_however_late_the_next_picture_is() -> None:
    """Two pictures a second: half a second after the dot appeared the eyes are there."""
    sitter = Sitter(SCREEN)
    before = looks_at(sitter, 0.0)
    sitter.look_at(100, 100, since_s=0.1)
    there = looks_at(sitter, 0.6)
    assert there == pytest.approx(points_to_camera_cm(100.0, 100.0, SCREEN), abs=1e-6)
    sitter.look_at(900, 100, since_s=0.7)
    sitter.look_at(900, 600, since_s=1.0)  # both between two pictures
    assert looks_at(sitter, 1.1) == pytest.approx(points_to_camera_cm(900.0, 100.0, SCREEN), abs=1e-6)
    assert looks_at(sitter, 1.4) == pytest.approx(points_to_camera_cm(900.0, 600.0, SCREEN), abs=1e-6)
    assert before != there
