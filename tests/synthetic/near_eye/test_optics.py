"""Rays through the cornea, and the ellipse that is the label."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.synthetic.near_eye.people import looking, renderer
from tinytracker.synthetic.near_eye.optics import (
    Optics,
    Pixels,
    ellipse_of,
    image_of_iris_point,
    iris_point_of,
    pupil_outline,
    through_cornea,
)

OPTICS = Optics(
    ball_radius=1.2,
    cornea_radius=0.78,
    cornea_centre=0.53,
    limbus_distance=1.05,
    limbus_radius=0.58,
    iris_distance=0.95,
    pupil_x=0.0,
    refractive_index=1.3375,
)
STRAIGHT = np.eye(3)


def camera(place: np.ndarray) -> Pixels:
    """One that looks at the eye's centre, 300 pixels of focal length."""
    forward = -place / np.linalg.norm(place)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    return Pixels(place, np.stack([right, np.cross(forward, right), forward]), 300.0, 99.5, 99.5)


def test_a_ray_bends_by_snells_law() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        origin = np.array([*rng.normal(0, 0.5, 2), 4.0])
        aim = np.array([*rng.uniform(-0.35, 0.35, 2), 1.2])
        ray = (aim - origin) / np.linalg.norm(aim - origin)
        t, u, v, rim = through_cornea(*origin, *ray, OPTICS)
        hit = origin + t * ray
        assert np.linalg.norm(hit - [0, 0, 0.53]) == pytest.approx(0.78, abs=1e-9)
        assert rim == pytest.approx(math.hypot(hit[0], hit[1]))
        normal = (hit - [0, 0, 0.53]) / 0.78
        inside = np.array([u, v, 0.95]) - hit
        inside /= np.linalg.norm(inside)
        sine_out = np.linalg.norm(np.cross(normal, ray))
        sine_in = np.linalg.norm(np.cross(normal, inside))
        assert sine_out == pytest.approx(1.3375 * sine_in, abs=1e-9)
        assert abs(np.dot(np.cross(normal, ray), inside)) < 1e-9  # in one plane


def test_a_ray_beside_the_cornea_misses_it() -> None:
    assert through_cornea(2.0, 0.0, 4.0, 0.0, 0.0, -1.0, OPTICS)[0] == -1


def test_the_pupil_looks_an_eighth_larger_from_before() -> None:
    """The entrance pupil of a human eye is some 1.13 times as large as the pupil."""
    pixels = camera(np.array([0.0, 0.0, 60.0]))
    _, _, major, minor, _ = ellipse_of(pupil_outline(0.15, pixels, STRAIGHT, OPTICS))
    assert major == pytest.approx(minor, rel=1e-3)
    without_cornea = 2 * 0.15 * 300 / (60 - 0.95)
    assert major / without_cornea == pytest.approx(1.13, abs=0.02)


def test_from_aside_the_pupil_is_an_ellipse_and_not_where_a_straight_ray_says() -> None:
    place = 4.5 * np.array([0.0, -math.sin(0.6), math.cos(0.6)])
    pixels = camera(place)
    x, y, major, minor, angle = ellipse_of(pupil_outline(0.2, pixels, STRAIGHT, OPTICS))
    assert x == pytest.approx(99.5, abs=0.02)
    assert minor / major == pytest.approx(math.cos(0.6), abs=0.1)
    assert min(angle, 180 - angle) < 0.5
    depth = np.linalg.norm(place) - 0.95 * math.cos(0.6)
    straight_y = 99.5 - 300 * 0.95 * math.sin(0.6) / depth
    assert abs(y - straight_y) > 1


def test_where_a_point_appears_undoes_where_a_ray_ends() -> None:
    pixels = camera(np.array([0.8, -1.5, 3.8]))
    for u, v in ((0.0, 0.0), (0.2, -0.1), (-0.3, 0.15)):
        x, y = image_of_iris_point(u, v, 99.5, 99.5, pixels, STRAIGHT, OPTICS)
        assert iris_point_of(x, y, pixels, STRAIGHT, OPTICS) == pytest.approx((u, v), abs=1e-6)


def test_ellipse_of_a_turned_ellipse() -> None:
    angles = np.arange(64) * 2 * np.pi / 64
    turn = np.array([[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]])
    outline = np.stack([9 * np.cos(angles), 4 * np.sin(angles)], -1) @ turn.T + [50, 30]
    assert ellipse_of(outline) == pytest.approx((50, 30, 18, 8, math.degrees(0.5)))


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_label_is_what_the_picture_shows(seed: int) -> None:
    """The light that a change of the pupil's size changes lies around the label's ellipse, and on it."""
    person = renderer(seed)
    wider, narrower = looking(0, 2, pupil_radius_cm=0.205), looking(0, 2, pupil_radius_cm=0.195)
    change = np.abs(person.frame(wider) - person.frame(narrower))
    change[change < 0.25 * change.max()] = 0  # the iris's fibres stretch a little, too
    truth = person.truth(looking(0, 2))
    rows, columns = np.mgrid[0 : change.shape[0], 0 : change.shape[1]] + 0.5
    angle = math.radians(truth.angle_deg)
    along = (columns - truth.x_px) * math.cos(angle) + (rows - truth.y_px) * math.sin(angle)
    across = (rows - truth.y_px) * math.cos(angle) - (columns - truth.x_px) * math.sin(angle)
    radius = np.hypot(2 * along / truth.major_px, 2 * across / truth.minor_px)
    assert (radius * change).sum() / change.sum() == pytest.approx(1, abs=0.04)
