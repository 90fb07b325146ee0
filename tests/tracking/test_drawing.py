"""Annotated frames: drawn on a copy, inside the picture, at the right places."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracking.conftest import sample
from tinytracker.domain import GazePoint
from tinytracker.tracking.drawing import BLUE, GREEN, RED, annotated


def is_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture.astype(int) - colour) < 40).all(axis=-1)


def test_frame_itself_is_left_alone() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    assert annotated(image, sample()).any()
    assert not image.any()


def test_face_box_is_green_when_there_is_a_gaze() -> None:
    picture = annotated(np.zeros((480, 640, 3), np.uint8), sample())
    face = sample().face
    assert face is not None
    row = round(face.box.y_px + 0.5 * face.box.height_px)
    columns = np.flatnonzero(is_colour(picture[row], GREEN))
    assert abs(columns.min() - face.box.x_px) <= 2
    assert abs(columns.max() - (face.box.x_px + face.box.width_px)) <= 2


def test_ray_points_to_the_persons_side() -> None:
    """The camera does not mirror: who looks to their right looks to the image's left."""
    image = np.zeros((480, 640, 3), np.uint8)
    right, left = sample(), sample()
    object.__setattr__(right, "x_deg", 30.0)
    object.__setattr__(left, "x_deg", -30.0)
    without_map = np.s_[:, :400]
    at = [
        np.flatnonzero(is_colour(annotated(image, which)[without_map], BLUE).any(axis=0)).mean()
        for which in (right, left)
    ]
    assert at[0] < at[1] - 20


def test_truth_and_gaze_are_on_the_map() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    corner = np.s_[:130, 500:]
    seen = sample()
    object.__setattr__(seen, "gaze", GazePoint(15.0, 0.0))
    rows, columns = np.nonzero(is_colour(annotated(image, seen)[corner], BLUE))
    middle = 500 + columns.mean(), rows.mean()
    assert middle[0] == pytest.approx(640 - 8 - 110 + 0.75 * 110, abs=3)
    assert middle[1] == pytest.approx(8 + 55, abs=3)


@pytest.mark.parametrize("size", [(480, 640), (48, 64), (20, 20), (1080, 1920)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 127, np.uint8)
    for which in (sample(), sample(valid=False)):
        assert annotated(image, which, GazePoint(99, -99)).shape == image.shape


def test_invalid_gaze_is_red() -> None:
    closed = sample()
    object.__setattr__(closed, "gaze", None)
    object.__setattr__(closed, "x_deg", None)
    picture = annotated(np.zeros((480, 640, 3), np.uint8), closed)
    assert is_colour(picture, RED).sum() > is_colour(picture, GREEN).sum()
