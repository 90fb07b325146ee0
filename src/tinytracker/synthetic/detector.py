"""Boxes as a real face detector would give them for a rendered face: tied to the eyes, with a detector's
errors.

Real detectors are off in the same way for a while (a beard, the light) and tremble from frame to frame; up
and down most of all, and for the face and both eyes together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.domain import Box
from tinytracker.faces.boxes import eye_boxes_from_corners, face_box_from_corners, interocular_px


@dataclass(frozen=True)
class Bias:
    """How a detector errs throughout a trial. face, eyes: (3,) right and down in box sizes, logarithm of
    the size."""

    face: np.ndarray
    eyes: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Bias:
        return cls(rng.normal(0, [0.012, 0.018, 0.025]), rng.normal(0, [0.015, 0.035, 0.06]))


@dataclass(frozen=True)
class Boxes:
    face: Box
    left_eye: Box
    right_eye: Box


def detect(
    corners_px: np.ndarray, bias: Bias, frame_px: tuple[int, int], rng: np.random.Generator
) -> Boxes | None:
    """Boxes round a face with eye corners (2, 2, 2) [left, right][inner, outer][x, y]; None if an eye is
    outside the frame.

    None also if the eyes are too close together to be seen as a face (fewer than 12 pixels).
    """
    jitter = rng.normal(0, 1, (4, 3))
    inside = (corners_px >= 0).all() and (corners_px < np.asarray(frame_px)).all()
    if not inside or interocular_px(corners_px) < 12:
        return None
    face = _moved(face_box_from_corners(corners_px), bias.face + jitter[0] * [0.012, 0.015, 0.025])
    common = bias.eyes + jitter[1] * [0.015, 0.03, 0.03]
    left, right = eye_boxes_from_corners(corners_px)
    return Boxes(
        face,
        _moved(left, common + jitter[2] * [0.02, 0.02, 0.015]),
        _moved(right, common + jitter[3] * [0.02, 0.02, 0.015]),
    )


def _moved(box: Box, by: np.ndarray) -> Box:
    """A box moved by shares of its size and scaled about its centre."""
    x, y = box.centre_px
    size = box.width_px * math.exp(by[2])
    return Box(x + by[0] * box.width_px - size / 2, y + by[1] * box.height_px - size / 2, size, size)
