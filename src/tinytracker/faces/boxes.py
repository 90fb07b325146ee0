"""Face and eye boxes from eye corners: the one definition, for rendered people and for live faces alike.

Measured on Apple's detector (GazeCapture): the eyes lie at 28 % of the face box's height and the distance between the
eyes is 0.41 of its width. Eye boxes are square, centred midway between the corners.
"""

from __future__ import annotations

import numpy as np

from tinytracker.domain import Box

INTEROCULAR_OVER_FACE_WIDTH = 0.41
EYE_HEIGHT_OVER_FACE_HEIGHT = 0.28
EYE_WIDTH_OVER_INTEROCULAR = 0.704


def eye_middles_px(corners_px: np.ndarray) -> np.ndarray:
    """The midpoints between the corners, (2, 2): [left, right eye][x, y]; corners as in `domain.EyeLandmarks`."""
    return np.asarray(corners_px, float).mean(axis=1)


def interocular_px(corners_px: np.ndarray) -> float:
    """The distance between the midpoints of the two eyes' corners."""
    left, right = eye_middles_px(corners_px)
    return float(np.hypot(*(left - right)))


def square(centre_px: np.ndarray, size_px: float) -> Box:
    """A square box round a centre."""
    return Box(float(centre_px[0] - size_px / 2), float(centre_px[1] - size_px / 2), float(size_px), float(size_px))


def face_box_from_corners(corners_px: np.ndarray) -> Box:
    """The square face box that a detector would have put round these eyes."""
    size_px = interocular_px(corners_px) / INTEROCULAR_OVER_FACE_WIDTH
    middle_px = eye_middles_px(corners_px).mean(axis=0)
    return square(middle_px + [0, (0.5 - EYE_HEIGHT_OVER_FACE_HEIGHT) * size_px], size_px)


def eye_boxes_from_corners(corners_px: np.ndarray) -> tuple[Box, Box]:
    """The square boxes of the (left, right) eye."""
    size_px = interocular_px(corners_px) * EYE_WIDTH_OVER_INTEROCULAR
    left, right = eye_middles_px(corners_px)
    return square(left, size_px), square(right, size_px)


def eye_boxes_from_face_box(face: Box) -> tuple[Box, Box]:
    """Where the (left, right) eye boxes lie in a face box by proportion alone, for want of eye corners."""
    interocular = face.width_px * INTEROCULAR_OVER_FACE_WIDTH
    middle = np.array([face.x_px + face.width_px / 2, face.y_px + face.height_px * EYE_HEIGHT_OVER_FACE_HEIGHT])
    size_px = interocular * EYE_WIDTH_OVER_INTEROCULAR
    return square(middle + [interocular / 2, 0], size_px), square(middle - [interocular / 2, 0], size_px)
