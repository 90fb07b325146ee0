from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker.domain import Box
from tinytracker.faces import crops

FRAME = np.random.default_rng(0).integers(1, 256, (40, 30, 3), dtype=np.uint8)  # nowhere black


@given(st.integers(-60, 60), st.integers(-60, 60), st.integers(1, 70), st.integers(1, 70))
def test_cut_pads_with_black(x: int, y: int, width: int, height: int) -> None:
    piece = crops.cut(FRAME, x, y, width, height)
    padded = np.pad(FRAME, ((80, 160), (80, 160), (0, 0)))
    assert np.array_equal(piece, padded[y + 80 : y + 80 + height, x + 80 : x + 80 + width])


def test_crop_of_the_same_size_is_the_pixels() -> None:
    piece = crops.crop(FRAME, Box(3, 4, 20, 16), 20, 16)
    assert np.array_equal(piece, FRAME[4:20, 3:23])


def test_shrinking_averages() -> None:
    piece = crops.crop(FRAME, Box(2, 2, 20, 20), 10, 10)
    means = FRAME[2:22, 2:22].reshape(10, 2, 10, 2, 3).mean(axis=(1, 3))
    assert np.abs(piece - means).max() <= 0.75


@pytest.mark.parametrize("side", [20, 21, 27, 33, 39, 40, 41, 55])
def test_shrinking_by_any_factor_is_area_averaging(side: int) -> None:
    """Against averages over exact areas: the integral of the picture, interpolated at the edges of the
    pixels."""
    smooth = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8), (0, 0), 1.5
    )
    integral = np.pad(smooth.astype(float).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    edges, places = np.linspace(0, side, 21), np.arange(side + 1)
    rows = np.array(
        [[np.interp(edges, places, integral[:, x, c]) for x in range(side + 1)] for c in range(3)]
    )
    both = np.array([[np.interp(edges, places, rows[c, :, y]) for y in range(21)] for c in range(3)])
    means = np.diff(np.diff(both, axis=1), axis=2).transpose(1, 2, 0) * (20 / side) ** 2
    difference = crops.resize(smooth, 20, 20) - means
    assert np.abs(difference).mean() < 1.5
    assert np.abs(difference.mean()) < 0.6, "it must not shift or brighten"


def test_growing_keeps_the_edges() -> None:
    piece = crops.crop(FRAME, Box(2, 2, 4, 4), 16, 16)
    assert piece.shape == (16, 16, 3)
    assert np.array_equal(piece[[0, 0, -1, -1], [0, -1, 0, -1]], FRAME[[2, 2, 5, 5], [2, 5, 2, 5]])


def test_box_never_vanishes() -> None:
    assert crops.whole_pixels(Box(5.2, 6.8, 0.1, 0.2)) == (5, 7, 1, 1)
    assert crops.crop(FRAME, Box(5.2, 6.8, 0.1, 0.2), 8, 8).shape == (8, 8, 3)


def test_position_channels_at_the_frame_edges() -> None:
    channels = crops.position_channels(Box(0, 0, 30, 40), 30, 40, 16, 12)
    assert channels.shape == (12, 16, 2)
    assert channels.dtype == np.float32
    assert np.allclose(channels[3, :, 0], np.linspace(-1, 1, 16))
    assert np.allclose(channels[:, 5, 1], np.linspace(-1, 1, 12))


def test_position_channels_are_clipped_outside_the_frame() -> None:
    channels = crops.position_channels(Box(-10, 20, 20, 60), 40, 40, 5, 5)
    assert channels[0, :, 0].tolist() == [-1, -1, -1, -0.75, -0.5]
    assert channels[:, 0, 1].tolist() == [0, 0.75, 1, 1, 1]


def test_face_box_numbers() -> None:
    assert crops.face_box_numbers(Box(120, 160, 240, 320), 480, 640).tolist() == [-0.5, -0.5, 0, 0]


def matlab_grid(x: int, y: int, width: int, height: int) -> np.ndarray:
    """GazeCapture's binary grid, cell by cell: a cell is 1 if it lies between the ends, each first clamped
    into 1..25."""
    clamp = lambda value: min(25, max(1, value))  # noqa: E731
    xs, ys = (clamp(x), clamp(x + width - 1)), (clamp(y), clamp(y + height - 1))
    rows = [[float(xs[0] <= i <= xs[1] and ys[0] <= j <= ys[1]) for i in range(1, 26)] for j in range(1, 26)]
    return np.array(rows, np.float32).reshape(-1)


grid_numbers = st.integers(-30, 40)


@given(grid_numbers, grid_numbers, st.integers(0, 40), st.integers(0, 40))
def test_face_grid_is_gazecaptures(x: int, y: int, width: int, height: int) -> None:
    assert np.array_equal(crops.face_grid(x, y, width, height), matlab_grid(x, y, width, height))


@pytest.mark.parametrize(
    ("box", "cells"),
    [
        (Box(0, 0, 480, 640), (1, 1, 25, 25)),
        (Box(96, 128, 240, 256), (6, 6, 13, 10)),  # 12.5 cells wide: halves go up, not to even
        (Box(48, 64, 9.5, 13), (4, 4, 0, 1)),  # 2.5 -> 3, counted from 1
        (Box(-48, -64, 96, 128), (-2, -2, 5, 5)),  # -2.5 -> -3, away from zero
    ],
)
def test_grid_cells_round_as_matlab_does(box: Box, cells: tuple[int, int, int, int]) -> None:
    assert crops.grid_cells(box, 480, 640) == cells


def test_grid_is_row_by_row() -> None:
    grid = crops.face_grid(3, 5, 2, 1).reshape(25, 25)
    assert np.argwhere(grid).tolist() == [[4, 2], [4, 3]]


@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 2.0, 2.5, 4.0])
@pytest.mark.parametrize("shape", [(32, 64, 3), (64, 64, 1), (5, 3, 3), (112, 112)])
def test_low_pass_is_the_rounded_integer_sum(sigma_px: float, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).choice(np.array([0, 1, 127, 254, 255], np.uint8), shape)
    weights = np.array(crops.low_pass_weights(sigma_px))
    reach = len(weights) // 2
    padded = np.pad(
        image.astype(np.int64), [(reach, reach), (reach, reach), (0, 0)][: image.ndim], mode="edge"
    )
    rows = sum(w * padded[:, k : k + shape[1]] for k, w in enumerate(weights))
    both = sum(w * rows[k : k + shape[0]] for k, w in enumerate(weights))
    smooth = crops.low_pass(image, sigma_px)
    assert smooth.dtype == np.uint8
    assert np.array_equal(smooth, (both + 32768) >> 16)


@pytest.mark.parametrize("sigma_px", [0.7, 1.5, 2.0, 3.0])
def test_low_pass_is_a_gaussian(sigma_px: float) -> None:
    weights = np.array(crops.low_pass_weights(sigma_px))
    places = np.arange(len(weights)) - len(weights) // 2
    assert weights.sum() == 256
    assert np.array_equal(weights, weights[::-1])
    assert (weights * places**2).sum() / 256 == pytest.approx(sigma_px**2, rel=0.06)
    point = np.zeros((31, 31), np.uint8)
    point[15, 15] = 255
    reference = cv2.GaussianBlur(point.astype(float), (0, 0), sigma_px)
    assert np.abs(crops.low_pass(point, sigma_px) - reference).max() < 1.5


def test_no_low_pass_leaves_the_picture() -> None:
    assert crops.low_pass(FRAME, 0.0) is FRAME
