"""The eye locator's logic, on a network that replays what it is told."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.domain import Box, EyeLandmarks
from tinytracker.faces.boxes import eye_middles_px, interocular_px
from tinytracker.faces.eyes import EyeLocator, corners_from_eyes, eyes_closed, implausibility

FACE = Box(100.0, 50.0, 200.0, 200.0)


def landmarks(
    interocular_px: float = 80.0, roll_deg: float = 0.0, openness: tuple[float, float] = (0.3, 0.3)
) -> EyeLandmarks:
    """Eyes by usual proportions round (200, 110), turned clockwise by `roll_deg`."""
    half = interocular_px / 2 * np.array([np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))])
    eyes = np.array([200.0, 110.0]) + np.array([half, -half])
    return EyeLandmarks(corners_from_eyes(eyes), eyes, np.array(openness))


def test_outputs_become_pixels_of_the_frame() -> None:
    numbers = np.array([0.1, -0.4, 0.5, -0.5, -0.1, -0.4, -0.5, -0.5, 0.3, -0.45, -0.3, -0.45, 0.35, 0.02])
    seen: list[Box] = []

    def network(image: np.ndarray, face: Box) -> np.ndarray:
        seen.append(face)
        return numbers[None]

    found = EyeLocator(network).locate(np.zeros((300, 400, 3), np.uint8), FACE)
    assert seen == [FACE]
    np.testing.assert_allclose(found.corners_px[0], [[210, 110], [250, 100]])  # left inner, outer
    np.testing.assert_allclose(found.corners_px[1], [[190, 110], [150, 100]])  # right inner, outer
    np.testing.assert_allclose(found.centres_px, [[230, 105], [170, 105]])
    np.testing.assert_allclose(found.openness, [0.35, 0.02])
    assert implausibility(found, FACE) == ""


def test_corners_by_proportion() -> None:
    eyes = np.array([[240.0, 110.0], [160.0, 100.0]])
    corners = corners_from_eyes(eyes)
    np.testing.assert_allclose(eye_middles_px(corners), eyes)
    assert interocular_px(corners) == pytest.approx(np.hypot(80, 10))
    left, right = corners
    assert (
        right[1, 0] < right[0, 0] < left[0, 0] < left[1, 0]
    )  # outer, inner, inner, outer from the image's left
    assert implausibility(EyeLandmarks(corners, eyes, np.ones(2)), FACE) == ""


@pytest.mark.parametrize("roll_deg", [-40, -10, 0, 30])
@pytest.mark.parametrize("interocular", [40, 80, 140])
def test_faces_large_small_and_tilted_are_believed(roll_deg: float, interocular: float) -> None:
    assert implausibility(landmarks(interocular, roll_deg), FACE) == ""


def changed(**parts: object) -> EyeLandmarks:
    good = landmarks()
    corners, centres = good.corners_px.copy(), good.centres_px.copy()
    match parts:
        case {"swap": (first, second)}:
            corners[first], corners[second] = good.corners_px[second], good.corners_px[first]
        case {"narrow": eye}:
            corners[eye] = good.corners_px[eye].mean(axis=0) + 0.25 * (
                good.corners_px[eye] - good.corners_px[eye].mean(axis=0)
            )
        case {"iris": shift}:
            centres[0] += shift
        case {"nan": where}:
            corners[where] = np.nan
    return EyeLandmarks(corners, centres, good.openness)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (landmarks(interocular_px=20), "distance"),
        (landmarks(interocular_px=180), "distance"),
        (landmarks(roll_deg=60), "steep"),
        (landmarks(roll_deg=180), "steep"),
        (changed(swap=((0, 0), (0, 1))), "order"),
        (changed(swap=((0, 0), (1, 0))), "order"),
        (changed(narrow=0), "widths"),
        (changed(iris=(0, 40)), "iris"),
        (changed(nan=(0, 0)), "distance"),
    ],
)
def test_nonsense_is_not_believed(found: EyeLandmarks, reason: str) -> None:
    assert reason in implausibility(found, FACE)


@pytest.mark.parametrize(
    ("openness", "closed"),
    [
        ((0.35, 0.35), False),
        ((0.02, 0.03), True),
        ((0.02, 0.30), False),
        ((0.05, 0.06), True),
        ((0.07, 0.07), False),  # eyes that look down
    ],
)
def test_closed_means_both(openness: tuple[float, float], closed: bool) -> None:
    assert eyes_closed(landmarks(openness=openness)) is closed
