"""Pictures of near-eye people: whole, smooth in time, and true to their labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.synthetic.near_eye.people import SIZE_PX, looking, renderer
from tinytracker.synthetic.near_eye.anatomy import NearEye
from tinytracker.synthetic.near_eye.headset import ASIDE_DEG, BELOW_DEG, DISTANCE_CM, Headset
from tinytracker.synthetic.near_eye.recording import MOST_MOTION_PX, Sitting, frame_samples
from tinytracker.synthetic.near_eye.renderer import Renderer, State
from tinytracker.synthetic.near_eye.variation import Aspect, Way


def test_everybody_has_a_picture_without_holes() -> None:
    for seed in range(12):
        frame = renderer(seed).frame(looking(3, -2))
        assert frame.shape == SIZE_PX[::-1]
        assert np.isfinite(frame).all()
        assert frame.min() >= 0
        assert 0.05 < np.median(frame) < 2


def test_a_picture_says_nothing_of_those_before_it() -> None:
    """What is left as it was laid out, and what is painted over, do not mix."""
    person = renderer(3)
    ahead, shut = looking(0, 0), looking(5, -20, blink=1.0)
    first = person.frame(ahead)
    kept = first.copy()
    assert not np.array_equal(person.frame(shut), kept)
    assert np.array_equal(person.frame(ahead), kept)
    assert np.array_equal(first, kept)


def test_the_pupil_is_darker_than_what_is_around_it() -> None:
    """Of most people: where a lamp is in the lens's axis the pupil is bright."""
    is_dark = []
    for seed in range(12):
        person = renderer(seed)
        state = looking(0, 2, pupil_radius_cm=0.15)
        frame, truth = person.frame(state), person.truth(state)
        if truth.visible < 1:
            continue
        rows, columns = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]] + 0.5
        away = np.hypot(columns - truth.x_px, rows - truth.y_px) / (truth.minor_px / 2)
        is_dark.append(np.median(frame[away < 0.8]) < 0.6 * np.median(frame[(away > 1.3) & (away < 1.8)]))
    assert len(is_dark) >= 5
    assert np.mean(is_dark) > 0.7


def test_shut_lids_hide_the_pupil() -> None:
    person = renderer(1)
    openness = [person.truth(looking(0, 0, blink=blink)).openness for blink in (0.0, 0.5, 1.0)]
    assert openness[0] > openness[1] > openness[2] == 0
    assert person.truth(looking(0, 0, blink=1.0)).visible == 0
    assert person.truth(looking(0, 2)).visible > 0.9
    shut = looking(0, 0, blink=1.0)
    wider = looking(0, 0, blink=1.0, pupil_radius_cm=0.35)
    assert np.array_equal(person.frame(shut), person.frame(wider))


def test_the_label_stays_the_whole_ellipse_behind_lids() -> None:
    person = renderer(1)
    open_, shut = person.truth(looking(0, 0)), person.truth(looking(0, 0, blink=1.0))
    assert (open_.x_px, open_.major_px) == (shut.x_px, shut.major_px)


def test_the_label_moves_with_the_gaze() -> None:
    """To the picture's right and up, whichever eye it is."""
    for seed in range(4):
        person = renderer(seed)
        middle = person.truth(looking(0, 0))
        assert person.truth(looking(10, 0)).x_px > middle.x_px + 3
        assert person.truth(looking(0, 10)).y_px < middle.y_px - 3


def test_slip_moves_the_picture() -> None:
    person = renderer(2)
    here, there = person.truth(looking()), person.truth(looking(slip_cm=(0.1, 0.0, 0.0)))
    px_per_cm = person.headset.view.focal_px / person.headset.distance_cm
    assert here.x_px - there.x_px == pytest.approx(0.1 * px_per_cm, rel=0.15)


def test_a_scaled_picture_has_the_same_labels() -> None:
    person = renderer(3)
    half = Renderer(person.person, person.headset, 0.5)
    assert half.frame(looking()).shape == (SIZE_PX[1] // 2, SIZE_PX[0] // 2)
    assert half.truth(looking()) == person.truth(looking())


def test_small_movements_change_the_light_by_little() -> None:
    """No pixel jumps: edges are as soft as pixels."""
    person = renderer(4)
    frames = [person.frame(looking(0.02 * k, 0)) for k in range(20)]
    steps = [np.abs(np.log((b + 0.01) / (a + 0.01))) for a, b in pairwise(frames)]
    assert max(step.max() for step in steps) < 0.5
    assert all(0 < step.mean() < 0.01 for step in steps)


def test_a_state_gives_one_picture_whatever_came_before() -> None:
    person = renderer(5)
    first = person.frame(looking(5, 3, blink=0.3))
    person.frame(looking(-9, -6))
    assert np.array_equal(person.frame(looking(5, 3, blink=0.3)), first)


def test_turned_too_far_there_is_no_label() -> None:
    aside = [renderer(1).truth(State(yaw, 0.0, 0.0, 0.0, 0.3)) for yaw in (0.0, 80.0, 150.0)]
    assert aside[0].visible == 1
    assert aside[1].visible < 0.7
    assert np.isnan(aside[2].x_px)
    assert aside[2].visible == 0


@pytest.mark.parametrize("sensor", ["speck", "davis346"])
def test_a_picture_wherever_the_pupil_moved(sensor: str) -> None:
    sitting = Sitting.draw(np.random.default_rng(2), sensor, 1.0, {})
    person = Renderer(sitting.person, sitting.headset)
    samples = frame_samples(sitting)
    assert samples[0] == 0
    assert samples[-1] == len(sitting.path) - 1
    assert np.diff(samples).max() <= 101
    truths = [person.truth(sitting.state(int(sample))) for sample in samples]
    places = np.array([(truth.x_px, truth.y_px) for truth in truths])
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert moved.max() < 1.5 * MOST_MOTION_PX  # a sample of the path may be passed before it is seen
    assert np.median(moved) < MOST_MOTION_PX


@pytest.mark.parametrize("aspect", list(Aspect))
def test_an_aspect_drawn_in_another_way_changes_nothing_else(aspect: Aspect) -> None:
    usual, fixed, shifted = (
        Sitting.draw(np.random.default_rng(8), "speck", 0.2, {aspect: way})
        for way in (Way.usual, Way.fixed, Way.shifted)
    )
    for other in (fixed, shifted):
        assert np.array_equal(other.path.gaze_deg, usual.path.gaze_deg)
        assert (other.sensor == usual.sensor) == (aspect is not Aspect.sensor)
        assert (other.person.lids == usual.person.lids) == (aspect is not Aspect.lids)
        assert (other.person.globe, other.person.look) == (usual.person.globe, usual.person.look)
        assert (other.headset.below_deg == usual.headset.below_deg) == (aspect is not Aspect.pose)
        assert (other.headset.slip_cm == usual.headset.slip_cm) == (aspect is not Aspect.slip)
        same_lamps = np.array_equal(other.headset.lamps.powers, usual.headset.lamps.powers)
        assert same_lamps == (aspect is not Aspect.leds)


def test_cameras_stand_where_they_should() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        NearEye.draw(rng, {})
        headset = Headset.draw(rng, 346, 260, {})
        assert DISTANCE_CM.low <= headset.distance_cm <= DISTANCE_CM.high
        assert BELOW_DEG.low <= headset.below_deg <= BELOW_DEG.high
        assert ASIDE_DEG.low <= headset.aside_deg <= ASIDE_DEG.high
        assert np.allclose(headset.view.axes @ headset.view.axes.T, np.eye(3))
        assert headset.view.origin_cm[1] < 0.3
        assert 1 <= len(headset.lamps.powers) <= 8
        shifted = Headset.draw(rng, 346, 260, {Aspect.pose: Way.shifted})
        assert shifted.distance_cm > DISTANCE_CM.high
        assert shifted.below_deg > BELOW_DEG.high
