"""From a frame and boxes to what the networks eat: crops, position channels, the face grid."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from tinytracker.domain import Box, Image

BLANK = 128  # a pixel that says nothing: 0 to our networks
GRID_SIZE = 25  # iTracker's face grid, CVPR 2016, section 4.2


def cut(image: Image, x_px: int, y_px: int, width_px: int, height_px: int) -> np.ndarray:
    """The pixels of an integer rectangle, uint8 (height_px, width_px, 3); black where it reaches outside
    the frame."""
    frame_height, frame_width = image.shape[:2]
    left, top = max(x_px, 0), max(y_px, 0)
    right, bottom = min(x_px + width_px, frame_width), min(y_px + height_px, frame_height)
    if (left, top, right, bottom) == (x_px, y_px, x_px + width_px, y_px + height_px):
        return image[top:bottom, left:right]
    inside = np.zeros((height_px, width_px, *image.shape[2:]), image.dtype)
    if right > left and bottom > top:
        inside[top - y_px : bottom - y_px, left - x_px : right - x_px] = image[top:bottom, left:right]
    return inside


def resize(image: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Resizes without aliasing: by area averaging when shrinking, linearly when growing.

    Shrinking to no less than half, OpenCV's area averaging is slow; there the picture grows linearly to twice
    the size wanted and is halved by averaging: within a grey level or so of the same, in half the time.
    """
    height, width = image.shape[:2]
    if width < width_px or height < height_px:
        return cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    if (width, height) != (width_px, height_px) and width <= 2 * width_px and height <= 2 * height_px:
        image = cv2.resize(image, (2 * width_px, 2 * height_px), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)


def crop(image: Image, box: Box, width_px: int, height_px: int) -> np.ndarray:
    """The picture inside a box, resized to uint8 (height_px, width_px, 3); black where the box reaches
    outside the frame.

    The box is rounded to whole pixels, at least one each way.
    """
    rounded = whole_pixels(box)
    return resize(cut(image, *rounded), width_px, height_px)


def middle_part(image: Image, share_x: float, share_y: float, width_px: int, height_px: int) -> np.ndarray:
    """The middle of a picture, `share_x` of its width and `share_y` of its height (at most 1), resized to
    uint8 (height_px, width_px, 3); its place is rounded to whole pixels of the result."""
    whole = resize(image, round(width_px / share_x), round(height_px / share_y))
    left, top = (whole.shape[1] - width_px) // 2, (whole.shape[0] - height_px) // 2
    return whole[top : top + height_px, left : left + width_px]


def middle_rows(image: Image, height_px: int) -> np.ndarray:
    """The middle `height_px` rows of a picture, or of each of several: (..., height, width, channels)."""
    top = (image.shape[-3] - height_px) // 2
    return image[..., top : top + height_px, :, :]


def whole_pixels(box: Box) -> tuple[int, int, int, int]:
    """(x, y, width, height) of a box in whole pixels, at least 1 wide and high."""
    return round(box.x_px), round(box.y_px), max(1, round(box.width_px)), max(1, round(box.height_px))


@lru_cache
def low_pass_weights(sigma_px: float) -> tuple[int, ...]:
    """The taps of `low_pass`: a Gaussian sampled out to 3 standard deviations, in 1/256. Their sum is 256:
    the middle one takes what rounding leaves."""
    reach = math.ceil(3 * sigma_px)
    bell = [math.exp(-0.5 * (k / sigma_px) ** 2) for k in range(-reach, reach + 1)]
    side = [round(256 * one / sum(bell)) for one in bell[:reach]]
    return (*side, 256 - 2 * sum(side), *reversed(side))


def low_pass(image: Image, sigma_px: float) -> np.ndarray:
    """A picture without detail finer than a Gaussian of `sigma_px`, uint8 of the same shape; edge pixels are
    repeated outwards.

    Exactly the rounded integer sum, on every machine: sum of w[i] * w[j] * pixel, plus 32768, over 65536,
    with the weights w of `low_pass_weights`. All that arises is a multiple of 2^-16 below 256, which float32
    holds exactly.

        >>> low_pass(np.full((32, 64, 3), 77, np.uint8), 2.0).max()
        np.uint8(77)
    """
    if not sigma_px:
        return image
    taps = np.array(low_pass_weights(sigma_px), np.float32) / 256
    smooth = cv2.sepFilter2D(image, cv2.CV_32F, taps, taps, delta=0.5, borderType=cv2.BORDER_REPLICATE)
    return smooth.astype(np.uint8).reshape(image.shape)


def position_vectors(
    box: Box, frame_width_px: int, frame_height_px: int, width_px: int, height_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """The two position channels of a crop, which are separable: float32 (width_px,) for x and (height_px,)
    for y.

    Each pixel's place in the whole frame, -1 at its left and top edge, 1 at its right and bottom one, clipped
    to [-1, 1] ("grid embedding", arXiv 2307.07813).
    """
    xs = np.linspace(
        2 * box.x_px / frame_width_px - 1, 2 * (box.x_px + box.width_px) / frame_width_px - 1, width_px
    )
    ys = np.linspace(
        2 * box.y_px / frame_height_px - 1, 2 * (box.y_px + box.height_px) / frame_height_px - 1, height_px
    )
    return np.clip(xs, -1, 1).astype(np.float32), np.clip(ys, -1, 1).astype(np.float32)


def on_grid(box: Box, frame_width_px: int, frame_height_px: int) -> Box:
    """A box rounded to the cells of GazeCapture's face grid (`grid_cells`), whose x and y count from 1, back
    in pixels: where networks that were trained on positions of that grid think that a face is, a cell to the
    right and below.

    >>> on_grid(Box(64, 24, 192, 192), 400, 250)
    Box(x_px=80.0, y_px=30.0, width_px=192.0, height_px=190.0)
    """
    x, y, width, height = grid_cells(box, frame_width_px, frame_height_px)
    cell_width_px, cell_height_px = frame_width_px / GRID_SIZE, frame_height_px / GRID_SIZE
    return Box(x * cell_width_px, y * cell_height_px, width * cell_width_px, height * cell_height_px)


def position_channels(
    box: Box, frame_width_px: int, frame_height_px: int, width_px: int, height_px: int
) -> np.ndarray:
    """The position channels of a crop as float32 (height_px, width_px, 2), x then y."""
    xs, ys = position_vectors(box, frame_width_px, frame_height_px, width_px, height_px)
    return np.stack(np.broadcast_arrays(xs[None, :], ys[:, None]), axis=-1)


def face_box_numbers(box: Box, frame_width_px: int, frame_height_px: int) -> np.ndarray:
    """The `face_box` and `eye_band_box` inputs: (x, y, width, height) over the frame's width and height, from
    [0, 1] to [-1, 1], float32 (4,)."""
    lengths_px = np.array([box.x_px, box.y_px, box.width_px, box.height_px])
    frame_px = np.array([frame_width_px, frame_height_px, frame_width_px, frame_height_px])
    return np.asarray(lengths_px / frame_px * 2 - 1, np.float32)


def grid_cells(box: Box, frame_width_px: int, frame_height_px: int) -> tuple[int, int, int, int]:
    """GazeCapture's face grid as parameters: (x, y, width, height) in 25 x 25 cells, x and y counted from 1.

    Halves round away from zero, as in the dataset's own files, not to even.
    """

    def cells(length_px: float, frame_px: int) -> int:
        scaled = length_px * GRID_SIZE / frame_px
        return int(np.sign(scaled) * np.floor(abs(scaled) + 0.5))

    x, y = cells(box.x_px, frame_width_px) + 1, cells(box.y_px, frame_height_px) + 1
    return x, y, cells(box.width_px, frame_width_px), cells(box.height_px, frame_height_px)


def face_grid(x: int, y: int, width: int, height: int) -> np.ndarray:
    """The binary face grid of `grid_cells`' parameters, float32 (625,), row by row; both ends clamped into
    the grid."""
    grid = np.zeros((GRID_SIZE, GRID_SIZE), np.float32)
    left, right = np.clip([x, x + width - 1], 1, GRID_SIZE)
    top, bottom = np.clip([y, y + height - 1], 1, GRID_SIZE)
    grid[top - 1 : bottom, left - 1 : right] = 1
    return grid.reshape(-1)
