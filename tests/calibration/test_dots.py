"""What is kept of a dot, and when it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinytracker.calibration.collect import DotCollector
from tinytracker.calibration.dots import Dot, DotRules, geometric_median, refusal, settled, summarise
from tinytracker.domain import GazePoint, GazeSample
from tinytracker.errors import UsageError
from tinytracker.geometry import visual_angle_deg

FRAME_NS = 33_333_333


def dot(raw_deg: np.ndarray, t_shown_ns: int | None = None, distance_cm: float = 50.0) -> Dot:
    times = np.arange(len(raw_deg)) * FRAME_NS
    distances = np.where(np.isfinite(raw_deg[:, 0]), distance_cm, np.nan)
    return Dot(5.0, -8.0, times, raw_deg[:, 0], raw_deg[:, 1], distances, t_shown_ns)


def test_geometric_median_of_a_triangle_is_fermats_point() -> None:
    """Every side is seen from it under 120 degrees."""
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 3.0]])
    rays = corners - geometric_median(corners)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    np.testing.assert_allclose(rays @ rays.T - 1.5 * np.eye(3), -0.5 * np.ones((3, 3)), atol=1e-6)


@given(arrays(float, st.tuples(st.integers(1, 12), st.just(2)), elements=st.floats(-30, 30)))
@settings(max_examples=60, deadline=None)
def test_geometric_median_is_no_farther_than_any_point_or_the_mean(points: np.ndarray) -> None:
    def total(place: np.ndarray) -> float:
        return float(np.linalg.norm(points - place, axis=1).sum())

    best = total(geometric_median(points))
    assert all(best <= total(place) + 1e-4 for place in [*points, points.mean(axis=0)])


def test_one_glance_aside_does_not_move_it() -> None:
    raw = np.random.default_rng(0).normal(0, 0.2, (15, 2))
    raw[7] = (25.0, -20.0)
    assert np.abs(np.array(summarise(dot(raw)).raw_deg)).max() < 0.2


def test_the_first_half_second_is_left_out() -> None:
    raw = np.zeros((30, 2))
    raw[:15] = 20.0  # 15 frames are 0.5 s: the eyes on their way
    summary = summarise(dot(raw, t_shown_ns=0))
    np.testing.assert_allclose(summary.raw_deg, (0.0, 0.0), atol=1e-9)
    assert summary.frames == 14  # frame 15 lies at 499.999995 ms
    assert settled(dot(raw)).all()  # not told when it was shown: all frames were taken after the eyes arrived


def test_target_is_seen_at_the_distance_of_its_frames() -> None:
    near, far = dot(np.zeros((12, 2)), distance_cm=40.0), dot(np.zeros((12, 2)), distance_cm=70.0)
    for seen, distance_cm in ((near, 40.0), (far, 70.0)):
        np.testing.assert_allclose(summarise(seen).target_deg, visual_angle_deg(5.0, -8.0, distance_cm))


def test_a_step_towards_the_screen_cancels() -> None:
    """The network's error in degrees stays; the residual is as if nobody had moved."""
    distances = np.linspace(40.0, 70.0, 21)
    targets = np.stack(visual_angle_deg(5.0, -8.0, distances), axis=1)
    moving = Dot(5.0, -8.0, np.arange(21), targets[:, 0] - 1.5, targets[:, 1] + 2.0, distances)
    np.testing.assert_allclose(summarise(moving).residual_deg, (1.5, -2.0), atol=1e-6)


def test_refusals_say_what_was_wrong() -> None:
    calm = np.random.default_rng(1).normal(0, 0.2, (20, 2))
    usual = [summarise(dot(calm))] * 3
    assert refusal(dot(calm), usual) == ""
    blinked = calm.copy()
    blinked[:12] = np.nan
    assert refusal(dot(blinked)) == "the eyes were seen in 40 % of the frames only"
    assert refusal(dot(calm[:6])) == "6 frames only, 10 are needed"
    assert refusal(dot(calm[:6]), rules=DotRules(least_frames=5)) == ""
    assert refusal(dot(calm * 20), usual).startswith("the gaze did not rest: it spread by")
    assert refusal(dot(calm[:0])) == "the camera took no frame while it was shown"


def test_impossible_dots_are_refused() -> None:
    with pytest.raises(UsageError, match="equally long"):
        Dot(0.0, 0.0, np.arange(3), np.zeros(3), np.zeros(2), np.full(3, 50.0))
    with pytest.raises(UsageError, match="order of time"):
        Dot(0.0, 0.0, np.array([2, 1]), np.zeros(2), np.zeros(2), np.full(2, 50.0))
    with pytest.raises(UsageError, match="two numbers in cm"):
        Dot(float("nan"), 0.0, np.arange(1), np.zeros(1), np.zeros(1), np.full(1, 50.0))
    with pytest.raises(UsageError, match="no frame of the dot has a gaze"):
        summarise(dot(np.full((4, 2), np.nan)))


def sample(index: int, valid: bool = True) -> GazeSample:
    t_ns = index * FRAME_NS
    if not valid:
        return GazeSample(index, t_ns, None, None, reason="no face")
    return GazeSample(
        index, t_ns, None, GazePoint(0, 0), 55.0, x_deg=9.0, y_deg=9.0, raw_x_deg=1.0, raw_y_deg=-2.0
    )


def test_collector_takes_raw_gaze_until_enough_frames_came() -> None:
    collector = DotCollector(5.0, -8.0, t_shown_ns=2 * FRAME_NS)
    for index in range(60):
        if collector.is_done:
            break
        collector.add(sample(index, valid=index % 10 != 0))
    assert collector.frames == 15
    assert collector.refusal() == ""
    summary = summarise(collector.dot())
    np.testing.assert_allclose(summary.raw_deg, (1.0, -2.0), atol=1e-9)
    assert 0.85 < summary.valid_share < 1.0


def test_collector_gives_up_on_a_face_that_is_not_there() -> None:
    collector = DotCollector(5.0, -8.0, t_shown_ns=0)
    for index in range(70):
        collector.add(sample(index, valid=False))
    assert collector.is_done
    assert collector.refusal() == "the eyes were not seen"
