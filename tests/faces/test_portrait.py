"""The released eye locator on a real face: it has seen rendered people only, so this is its test of reality."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tinytracker.domain import Box, EyeLandmarks
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.eyes import EyeLocator, eyes_closed, implausibility, open_locator
from tinytracker.faces.finder import HaarFinder
from tinytracker.faces.tracker import FaceTracker

# Marked by hand on the portrait enlarged 30 times, in pixels (a pixel spans [i, i + 1)); good to about half a pixel.
CORNERS_PX = np.array([[[236.8, 105.0], [258.4, 104.0]], [[213.7, 103.7], [193.8, 101.6]]])
CENTRES_PX = np.array([[246.9, 102.8], [203.8, 101.0]])
ALLOWED = 0.06  # of the interocular distance, on the picture as it is
ALLOWED_CHANGED = 0.08  # on the picture changed: other light, other resolution


@pytest.fixture(scope="module")
def locator() -> EyeLocator:
    found = open_locator()
    assert found is not None
    return found


def landmarks_of(image: np.ndarray, locator: EyeLocator) -> EyeLandmarks:
    face = FaceTracker(HaarFinder(), locator).update(image).face
    assert face is not None
    assert face.landmarks is not None
    return face.landmarks


@pytest.mark.parametrize("change", ["as it is", "brighter", "darker", "mirrored", "twice as large", "half as large"])
def test_corners_and_irises_lie_where_a_person_marked_them(portrait: np.ndarray, locator: EyeLocator, change: str) -> None:
    image, corners, centres, scale = portrait, CORNERS_PX, CENTRES_PX, 1.0
    match change:
        case "brighter":
            image = cv2.convertScaleAbs(portrait, alpha=1.3, beta=15)
        case "darker":
            image = cv2.convertScaleAbs(portrait, alpha=0.55)
        case "mirrored":  # the left eye becomes the right one
            image = np.ascontiguousarray(portrait[:, ::-1])
            corners, centres = corners[::-1] * [-1, 1] + [512, 0], centres[::-1] * [-1, 1] + [512, 0]
        case "twice as large":
            image, scale = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2.0
        case "half as large":
            image, scale = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 0.5
    found = landmarks_of(image, locator)
    allowed_px = (ALLOWED if change == "as it is" else ALLOWED_CHANGED) * interocular_px(corners)
    corner_errors = np.linalg.norm(found.corners_px / scale - corners, axis=-1)
    assert corner_errors.max() <= allowed_px, f"corners off by {corner_errors.round(1)} px"
    assert np.linalg.norm(found.centres_px / scale - centres, axis=-1).max() <= allowed_px


def test_open_eyes_are_open(portrait: np.ndarray, locator: EyeLocator) -> None:
    assert not eyes_closed(landmarks_of(portrait, locator))


@pytest.mark.parametrize(("off", "allowed"), [(0.05, 0.06), (0.1, 0.1)])
def test_box_of_a_detector_may_be_off(portrait: np.ndarray, locator: EyeLocator, off: float, allowed: float) -> None:
    """The face box moved each way by a share of its width: the corners stay, less exactly the farther it is off."""
    good = FaceTracker(HaarFinder(), locator).update(portrait).face
    assert good is not None
    width = good.box.width_px
    for dx in (-off, 0.0, off):
        for dy in (-off, 0.0, off):
            found = locator.locate(portrait, Box(good.box.x_px + dx * width, good.box.y_px + dy * width, width, width))
            assert implausibility(found, good.box) == ""
            assert np.linalg.norm(found.corners_px - CORNERS_PX, axis=-1).mean() <= allowed * interocular_px(CORNERS_PX)
