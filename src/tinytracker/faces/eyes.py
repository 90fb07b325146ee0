"""The eye locator at run time: where the eyes are in a face, whether that makes sense, whether they are open.

The locator (`tinytracker.models.eye_locator`, int8) sees a face crop and gives 14 numbers, x and y in the crop from -1 at
its left and top edge to 1 at its right and bottom edge:

    0-3    left eye: inner corner x, y, outer corner x, y
    4-7    right eye: inner corner x, y, outer corner x, y
    8-11   iris centres: left x, y, right x, y
    12-13  openness of the left and right eye: height of the opening over its width
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Protocol

import numpy as np

from tinytracker.domain import Box, EyeLandmarks, FaceBox
from tinytracker.errors import ModelError
from tinytracker.faces.boxes import eye_middles_px, interocular_px

logger = logging.getLogger(__name__)

# Both eyes below it on average: closed, or blinking. Rendered eyes are open 0.15 to 0.35, looking down and squinting rarely
# below 0.08; the released locator puts shut ones at 0.06 to 0.10, so a good half of the blinks is found, hardly an open eye.
CLOSED_OPENNESS = 0.08
# Distance between the corners of an eye over the distance between the eyes: palpebral fissure of 30 mm, 63 mm between.
EYE_WIDTH_OVER_INTEROCULAR = 0.476

# What a face crop may hold (see `implausibility`): generous, for heads turned and boxes badly placed.
INTEROCULAR_OVER_BOX = (0.18, 0.75)
EYE_WIDTHS = (0.22, 0.85)
WIDEST_TO_NARROWEST = 2.6
STEEPEST_DEG = 45.0


class CropNetwork(Protocol):
    """A network that sees the face crop only."""

    def __call__(self, image: np.ndarray, face: Box) -> np.ndarray:
        """14 floats for the part of `image` (uint8 (height, width, 3) RGB) inside `face`."""
        ...


def open_locator(weights: str | Path | None = None) -> EyeLocator | None:
    """The eye locator in a file or of a released name; by default the released one, None where there is none.

    Raises ModelError if the file is no eye locator.
    """
    from tinytracker.engines.model import GazeModel
    from tinytracker.released import find_released, list_released

    if weights is None:
        weights = next((name for name in list_released() if find_released(name)[0].output == "eyes"), None)
        if weights is None:
            logger.warning("there is no released eye locator: eyes are placed by proportion, and closed ones go unnoticed")
            return None
    model = GazeModel.load(weights)
    if model.card.output != "eyes":
        raise ModelError(f"{weights} is a gaze network, not an eye locator; expected 14 outputs and a card that says 'eyes'")
    return EyeLocator(lambda image, face: model.run(image, FaceBox(face)))


class EyeLocator:
    """Finds eye corners, iris centres and openness in a face.

    network: the fed network, see CropNetwork; `open_locator` makes one from a model file.
    """

    def __init__(self, network: CropNetwork) -> None:
        self._network = network

    def locate(self, image: np.ndarray, face: Box) -> EyeLandmarks:
        """The eyes in the face inside the box `face` of a uint8 (height_px, width_px, 3) RGB frame, in its pixels.

        It always gives an answer; `implausibility` says whether to believe it.
        """
        numbers = np.asarray(self._network(image, face), dtype=float).reshape(-1)
        points = numbers[:12].reshape(6, 2)
        corner, size = np.array([face.x_px, face.y_px]), np.array([face.width_px, face.height_px])
        points_px = corner + (points + 1) / 2 * size
        return EyeLandmarks(points_px[:4].reshape(2, 2, 2), points_px[4:], numbers[12:14])


def implausibility(landmarks: EyeLandmarks, face: Box) -> str:
    """What cannot be true of eyes located in the box `face`; "" if all is well.

    The locator finds eyes wherever it looks. On what is no face they come out of proportion more often than not.
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
    if not all(_within(width, EYE_WIDTHS) for width in widths) or widths.max() > WIDEST_TO_NARROWEST * widths.min():
        return "the eyes' widths do not fit"
    from_middle = np.linalg.norm(landmarks.centres_px - middles, axis=1) / (widths * apart_px)
    if from_middle.max() > 0.7:
        return "an iris lies outside its eye"
    return ""


def eyes_closed(landmarks: EyeLandmarks) -> bool:
    """Whether the eyes are closed, for good or in a blink; one closed eye alone is a wink, and one eye is enough to look."""
    return float(np.mean(landmarks.openness)) < CLOSED_OPENNESS


def corners_from_eyes(eyes_px: np.ndarray) -> np.ndarray:
    """Corners (2, 2, 2) as in `domain.EyeLandmarks` by usual proportions, from the eyes' middles (2, 2), [left, right]."""
    left, right = np.asarray(eyes_px, float)
    half_eye = (left - right) * EYE_WIDTH_OVER_INTEROCULAR / 2  # to the image's right
    return np.array([[left - half_eye, left + half_eye], [right + half_eye, right - half_eye]])


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
