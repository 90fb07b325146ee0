"""Face and eye boxes from eye corners: the one definition, for rendered people and for live faces alike.

Measured on Apple's detector (GazeCapture): the eyes lie at 28 % of the face box's height and the distance
between the eyes is 0.41 of its width. Eye boxes are square, centred midway between the corners. The eye band
is one rectangle over both eyes, as wide as the face box: for a camera that can look at one rectangle only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinytracker.domain import Box, Face

INTEROCULAR_OVER_FACE_WIDTH = 0.41
EYE_HEIGHT_OVER_FACE_HEIGHT = 0.28
EYE_BOX_OVER_INTEROCULAR = 0.704
# Datasets store more than the band, so that a band that lies a little otherwise still finds real pixels: a
# rectangle about the same middle, 1.25 face boxes wide and half as high.
STORED_OVER_BAND_WIDTH = 1.25
STORED_HEIGHT_OVER_WIDTH = 0.5


def eye_middles_px(corners_px: np.ndarray) -> NDArray[np.float64]:
    """The midpoints between the corners, (2, 2): [left, right eye][x, y]; corners as in
    `domain.EyeLandmarks`."""
    middles: NDArray[np.float64] = np.asarray(corners_px, float).mean(axis=1)
    return middles


def interocular_px(corners_px: np.ndarray) -> float:
    """The distance between the midpoints of the two eyes' corners."""
    left, right = eye_middles_px(corners_px)
    return float(np.hypot(*(left - right)))


def square(centre_px: np.ndarray, size_px: float) -> Box:
    """A square box round a centre."""
    return Box(
        float(centre_px[0] - size_px / 2), float(centre_px[1] - size_px / 2), float(size_px), float(size_px)
    )


def face_box_from_corners(corners_px: np.ndarray) -> Box:
    """The square face box that a detector would have put round these eyes."""
    size_px = interocular_px(corners_px) / INTEROCULAR_OVER_FACE_WIDTH
    middle_px = eye_middles_px(corners_px).mean(axis=0)
    return square(middle_px + [0, (0.5 - EYE_HEIGHT_OVER_FACE_HEIGHT) * size_px], size_px)


def eye_boxes_from_corners(corners_px: np.ndarray) -> tuple[Box, Box]:
    """The square boxes of the (left, right) eye."""
    size_px = interocular_px(corners_px) * EYE_BOX_OVER_INTEROCULAR
    left, right = eye_middles_px(corners_px)
    return square(left, size_px), square(right, size_px)


def eye_boxes_from_face_box(face: Box) -> tuple[Box, Box]:
    """Where the (left, right) eye boxes lie in a face box by proportion alone, for want of eye corners."""
    interocular = face.width_px * INTEROCULAR_OVER_FACE_WIDTH
    middle = np.array(
        [face.x_px + face.width_px / 2, face.y_px + face.height_px * EYE_HEIGHT_OVER_FACE_HEIGHT]
    )
    size_px = interocular * EYE_BOX_OVER_INTEROCULAR
    return square(middle + [interocular / 2, 0], size_px), square(middle - [interocular / 2, 0], size_px)


def eye_band(face: Face, height_over_width: float) -> Box:
    """The rectangle over both eyes: as wide as the face box, its middle midway between the eyes' boxes.

    Where the eyes are not located, their place follows from the face box by proportion.
    """
    if face.left_eye is None or face.right_eye is None:
        left, right = eye_boxes_from_face_box(face.box)
    else:
        left, right = face.left_eye, face.right_eye
    middle = (np.array(left.centre_px) + right.centre_px) / 2
    return _centred(middle, face.box.width_px, face.box.width_px * height_over_width)


def stored_eye_band(face: Face) -> Box:
    """What a dataset stores of an eye band; `eye_band_of_stored` is the inverse."""
    width_px = face.box.width_px * STORED_OVER_BAND_WIDTH
    return _centred(np.array(eye_band(face, 1.0).centre_px), width_px, width_px * STORED_HEIGHT_OVER_WIDTH)


def eye_band_of_stored(stored: Box, height_over_width: float) -> Box:
    """The eye band in the middle of what a dataset stores of it."""
    width_px = stored.width_px / STORED_OVER_BAND_WIDTH
    return _centred(np.array(stored.centre_px), width_px, width_px * height_over_width)


def band_share_of_stored(height_over_width: float) -> tuple[float, float]:
    """How much of the stored rectangle's width and height the eye band is; the height's share exceeds 1 from
    a height of 0.625 widths on."""
    across = 1 / STORED_OVER_BAND_WIDTH
    return across, across * height_over_width / STORED_HEIGHT_OVER_WIDTH


def _centred(middle_px: np.ndarray, width_px: float, height_px: float) -> Box:
    x_px, y_px = float(middle_px[0]) - width_px / 2, float(middle_px[1]) - height_px / 2
    return Box(x_px, y_px, float(width_px), float(height_px))
