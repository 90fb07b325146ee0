"""The released eye locator on a real face: it has seen rendered people only, so this is its test of
reality."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tinytracker.domain import Box, EyeLandmarks
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.eyes import EyeLocator, eyes_closed, implausibility, roll_deg, unsteadiness
from tinytracker.faces.finder import HaarFinder
from tinytracker.faces.tracker import FaceTracker, TrackerSettings
from tinytracker.tracking.assemble import open_locator

# Marked by hand on the portrait enlarged 30 times, in pixels (a pixel spans [i, i + 1)); good to about half a
# pixel.
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


@pytest.mark.parametrize(
    "change", ["as it is", "brighter", "darker", "mirrored", "twice as large", "half as large"]
)
def test_corners_and_irises_lie_where_a_person_marked_them(
    portrait: np.ndarray, locator: EyeLocator, change: str
) -> None:
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
def test_box_of_a_detector_may_be_off(
    portrait: np.ndarray, locator: EyeLocator, off: float, allowed: float
) -> None:
    """The face box moved each way by a share of its width: the corners stay, less exactly the farther it
    is off."""
    good = FaceTracker(HaarFinder(), locator).update(portrait).face
    assert good is not None
    width = good.box.width_px
    for dx in (-off, 0.0, off):
        for dy in (-off, 0.0, off):
            found = locator.locate(
                portrait, Box(good.box.x_px + dx * width, good.box.y_px + dy * width, width, width)
            )
            assert implausibility(found, good.box) == ""
            assert np.linalg.norm(found.corners_px - CORNERS_PX, axis=-1).mean() <= allowed * interocular_px(
                CORNERS_PX
            )


def rolled(image: np.ndarray, roll_deg: float) -> np.ndarray:
    """The portrait turned clockwise about the face."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((226.0, 110.0), -roll_deg, 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("with_locator", [True, False])
def test_an_upside_down_face_gives_no_gaze(
    portrait: np.ndarray, locator: EyeLocator, with_locator: bool
) -> None:
    """Haar cascades find some faces that stand on their heads; looked at wherever it stands in the frame."""
    upside_down = np.ascontiguousarray(portrait[::-1, ::-1])
    for shift in range(0, 60, 12):
        image = np.roll(upside_down, shift, axis=1)
        tracked = FaceTracker(HaarFinder(), locator if with_locator else None).update(image)
        if tracked.face is None:
            continue
        assert not with_locator, f"shifted by {shift}: {tracked}"
        x_px, y_px = tracked.face.box.centre_px  # without a locator a thing may pass, but not the face
        assert np.hypot(x_px - (512 - 226 + shift), y_px - (512 - 125)) > 50


def test_a_head_that_rolls_on_is_followed_as_far_as_it_is_read_right(
    portrait: np.ndarray, locator: EyeLocator
) -> None:
    """Turned by 2 degrees from frame to frame: while there is a face its roll is right, and upside down
    there is none."""
    tracker = FaceTracker(HaarFinder(), locator)
    farthest = 0
    for roll in range(0, 181, 2):
        face = tracker.update(rolled(portrait, roll)).face
        if face is None:
            continue
        assert face.landmarks is not None
        assert abs(roll_deg(face.landmarks) - roll - 3) < 8, f"at {roll} degrees"  # she holds her head by 3
        farthest = roll
    assert 10 <= farthest <= 40


@pytest.mark.parametrize(
    ("x_px", "y_px", "width_px", "height_px"), [(160, 40, 130, 140), (170, 55, 115, 125), (150, 30, 150, 160)]
)
def test_a_face_that_fills_the_picture_is_found(
    portrait: np.ndarray, locator: EyeLocator, x_px: int, y_px: int, width_px: int, height_px: int
) -> None:
    cut = np.ascontiguousarray(portrait[y_px : y_px + height_px, x_px : x_px + width_px])
    face = FaceTracker(HaarFinder(), locator).update(cv2.resize(cut, None, fx=3, fy=3)).face
    assert face is not None
    assert face.landmarks is not None
    found = face.landmarks.corners_px / 3 + (x_px, y_px)
    assert np.linalg.norm(found - CORNERS_PX, axis=-1).mean() < 0.08 * interocular_px(CORNERS_PX)


def test_what_is_no_face_is_not_read(portrait: np.ndarray, locator: EyeLocator) -> None:
    """Wherever a detector may point in it: the mouth, the suit, other pictures. What is believed must be
    her eyes, but for two of a hundred boxes at most."""
    data = pytest.importorskip("skimage.data")
    rng = np.random.default_rng(0)
    boxes = believed = wrong = 0
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        image = getattr(data, name)()
        for _ in range(120):
            boxes += 1
            side = rng.uniform(50, 160)
            box = Box(
                rng.uniform(0, image.shape[1] - side), rng.uniform(0, image.shape[0] - side), side, side
            )
            found = locator.locate(image, box)
            if (
                implausibility(found, box)
                or unsteadiness(locator, image, found, box) > TrackerSettings().unsteady
            ):
                continue
            error = np.linalg.norm(found.corners_px - CORNERS_PX, axis=-1).mean() / interocular_px(CORNERS_PX)
            if name == "astronaut" and error < 0.3:
                believed += 1
            else:
                wrong += 1
    assert wrong <= 0.02 * boxes, f"{wrong} of {boxes} boxes believed that show no face"
    mouth = Box(190.0, 115.0, 70.0, 70.0)
    found = locator.locate(portrait, mouth)
    assert (
        implausibility(found, mouth)
        or unsteadiness(locator, portrait, found, mouth) > TrackerSettings().unsteady
    )
