"""The eye locator at run time: where the eyes are in a face, whether that makes sense, whether they are open.

The locator (`tinytracker.models.eye_locator`, int8) sees a face crop and gives the numbers that
`inputs.OUTPUTS` names.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from tinytracker.domain import Box, EyeLandmarks, Image
from tinytracker.faces.boxes import eye_middles_px, interocular_px
from tinytracker.inputs import EYE_OPENNESS, EYE_POINTS

# Both eyes below it on average: closed, or blinking, as far as one frame tells; `faces.lids` knows the person
# too. On rendered people (benchmarks/blinks.py) the released locator puts nine of ten shut eyes below it and
# one or two of a hundred open ones, those that look far down.
CLOSED_OPENNESS = 0.06
# Distance between the corners of an eye over the distance between the eyes: palpebral fissure of 30 mm, 63 mm
# between.
FISSURE_OVER_INTEROCULAR = 0.476

# What a face crop may hold (see `implausibility`): generous, for heads turned and boxes badly placed.
INTEROCULAR_OVER_BOX = (0.18, 0.75)
EYE_WIDTHS = (0.22, 0.85)
WIDEST_TO_NARROWEST = 2.6
STEEPEST_DEG = 45.0
# How a crop is moved to see whether the eyes stay (see `unsteadiness`): right, down, as shares of the box;
# growth.
PROBES = ((0.1, 0.1, 1.1), (-0.1, -0.1, 1.1), (0.0, 0.12, 0.95), (0.0, -0.12, 1.15))


class CropNetwork(Protocol):
    """A network that sees the face crop only."""

    def __call__(self, image: Image, face: Box) -> np.ndarray:
        """The locator's numbers for the part of `image` (uint8 (height, width, 3) RGB) inside `face`."""
        ...


class EyeLocator:
    """Finds eye corners, iris centres and openness in a face.

    network: the fed network, see CropNetwork; `tracking.assemble.open_locator` makes one from a model file.
    """

    def __init__(self, network: CropNetwork) -> None:
        self._network = network

    def locate(self, image: Image, face: Box) -> EyeLandmarks:
        """The eyes in the face inside the box `face` of a uint8 (height_px, width_px, 3) RGB frame, in its
        pixels.

        It always gives an answer; `implausibility` says whether to believe it.
        """
        return landmarks_of(np.asarray(self._network(image, face), dtype=float).reshape(-1), face)


def landmarks_of(numbers: np.ndarray, face: Box) -> EyeLandmarks:
    """An eye locator's numbers, float (14,) in the order of `inputs.OUTPUTS["eyes"]`, as landmarks in the
    frame of `face`."""
    corner, size = np.array([face.x_px, face.y_px]), np.array([face.width_px, face.height_px])
    points_px = corner + (numbers[EYE_POINTS].reshape(-1, 2) + 1) / 2 * size
    return EyeLandmarks(points_px[:4].reshape(2, 2, 2), points_px[4:], numbers[EYE_OPENNESS])


def implausibility(landmarks: EyeLandmarks, face: Box) -> str:
    """What cannot be true of eyes located in the box `face`; "" if all is well.

    The locator finds eyes wherever it looks. On what is no face they come out of proportion more often than
    not.
    """
    corners = landmarks.corners_px
    middles = eye_middles_px(corners)
    across = middles[0] - middles[1]  # from the right eye to the left one: to the image's right
    apart_px = interocular_px(corners)
    if not np.isfinite(corners).all() or not _within(apart_px / face.width_px, INTEROCULAR_OVER_BOX):
        return "the eyes' distance does not fit the face"
    if abs(math.degrees(math.atan2(across[1], across[0]))) > STEEPEST_DEG:
        return "the line through the eyes is too steep"
    along = corners @ (across / apart_px)  # [left, right][inner, outer], growing to the image's right
    if not along[1, 1] < along[1, 0] < along[0, 0] < along[0, 1]:
        return "the eyes' corners are out of order"
    widths = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1) / apart_px
    if (
        not all(_within(width, EYE_WIDTHS) for width in widths)
        or widths.max() > WIDEST_TO_NARROWEST * widths.min()
    ):
        return "the eyes' widths do not fit"
    from_middle = np.linalg.norm(landmarks.centres_px - middles, axis=1) / (widths * apart_px)
    if from_middle.max() > 0.7:
        return "an iris lies outside its eye"
    return ""


class Locator(Protocol):
    def locate(self, image: Image, face: Box) -> EyeLandmarks: ...


def unsteadiness(locator: Locator, image: Image, landmarks: EyeLandmarks, face: Box) -> float:
    """How far the eyes' corners move in the picture when only the crop does: the largest mean distance of the
    PROBES, in distances between the eyes.

    On a face the locator finds the same corners from wherever it looks. On anything else - a wall, a mouth, a
    face that is upside down or rolled too far - it answers with an average face, which moves along with the
    crop. Measured with the released locator on a portrait and 26 frames of another person (5th, 50th, 95th
    percentile): upright 0.02, 0.03, 0.03; rolled by 20 degrees 0.03, 0.05, 0.16; by 30, where its corners err
    by 0.04, 0.10, 0.26, 0.39; by 40, where they err by 0.15, 0.26, 0.37, 0.62; upside down 0.39, 0.48, 0.79;
    on pictures without a face 0.28, 0.48, 0.78.
    """
    apart_px = max(1.0, interocular_px(landmarks.corners_px))
    moved = []
    for right, down, growth in PROBES:
        width, height = face.width_px * growth, face.height_px * growth
        x_px = face.x_px + face.width_px * (right + (1 - growth) / 2)
        y_px = face.y_px + face.height_px * (down + (1 - growth) / 2)
        probe = locator.locate(image, Box(x_px, y_px, width, height))
        moved.append(
            float(np.linalg.norm(probe.corners_px - landmarks.corners_px, axis=-1).mean()) / apart_px
        )
    return max(moved)


def roll_deg(landmarks: EyeLandmarks) -> float:
    """By how much the line through the eyes is turned clockwise as seen in the picture."""
    across = eye_middles_px(landmarks.corners_px)
    x, y = across[0] - across[1]
    return math.degrees(math.atan2(y, x))


def eyes_closed(landmarks: EyeLandmarks) -> bool:
    """Whether the eyes are closed, for good or in a blink; one closed eye alone is a wink, and one eye is
    enough to look."""
    return float(np.mean(landmarks.openness)) < CLOSED_OPENNESS


def corners_from_eyes(eyes_px: np.ndarray) -> np.ndarray:
    """Corners (2, 2, 2) as in `domain.EyeLandmarks` by usual proportions, from the eyes' middles (2, 2),
    [left, right]."""
    left, right = np.asarray(eyes_px, float)
    half_eye = (left - right) * FISSURE_OVER_INTEROCULAR / 2  # to the image's right
    return np.array([[left - half_eye, left + half_eye], [right + half_eye, right - half_eye]])


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
