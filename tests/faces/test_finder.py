"""Finding faces: a real portrait at several sizes and places, and what is no face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tinytracker.domain import Box
from tinytracker.errors import ModelError
from tinytracker.faces.finder import FaceFinder, HaarFinder, YuNetFinder, open_finder

# The portrait's eyes, [left, right][x, y], marked by hand on an enlarged picture.
EYES_PX = np.array([[248.0, 104.6], [203.4, 102.1]])


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return open_finder()


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_portrait_is_found_at_any_size(finder: FaceFinder, portrait: np.ndarray, scale: float) -> None:
    found = finder.find(cv2.resize(portrait, None, fx=scale, fy=scale))
    assert len(found) == 1
    apart = scale * np.linalg.norm(EYES_PX[0] - EYES_PX[1])
    assert np.abs(found[0].eyes_px / scale - EYES_PX).max() * scale < 0.2 * apart


def test_region_gives_the_same_face_in_pixels_of_the_frame(finder: FaceFinder, portrait: np.ndarray) -> None:
    whole = finder.find(portrait)[0].box
    region = Box(whole.x_px - 40, whole.y_px - 40, whole.width_px + 80, whole.height_px + 80)
    near = finder.find(portrait, region, (0.8 * whole.width_px, 1.25 * whole.width_px))[0].box
    assert (
        np.hypot(near.centre_px[0] - whole.centre_px[0], near.centre_px[1] - whole.centre_px[1])
        < 0.1 * whole.width_px
    )
    assert near.width_px == pytest.approx(whole.width_px, rel=0.25)


def test_region_beside_the_face_is_empty(finder: FaceFinder, portrait: np.ndarray) -> None:
    assert finder.find(portrait, Box(300, 250, 200, 250)) == []


@pytest.mark.parametrize(
    "region", [Box(-50, -50, 20, 20), Box(600, 10, 50, 50), Box(10, 10, 5, 5), Box(100, 100, 0, 0)]
)
def test_region_with_no_room_is_empty(finder: FaceFinder, portrait: np.ndarray, region: Box) -> None:
    assert finder.find(portrait, region, (30, 60)) == []


def test_two_faces_come_largest_first(finder: FaceFinder, portrait: np.ndarray) -> None:
    head = portrait[20:240, 110:330]
    frame = np.full((480, 640, 3), 110, np.uint8)
    frame[40:260, 20:240] = head
    frame[60:390, 290:620] = cv2.resize(head, (330, 330))
    found = finder.find(frame)
    assert len(found) == 2
    assert found[0].box.x_px > 290 > found[1].box.x_px
    assert found[0].box.width_px > found[1].box.width_px


def test_wall_and_noise_have_no_face(finder: FaceFinder) -> None:
    assert finder.find(np.full((480, 640, 3), 90, np.uint8)) == []
    assert finder.find(np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)) == []


def test_tiny_frame_is_no_error(finder: FaceFinder) -> None:
    assert finder.find(np.zeros((8, 8, 3), np.uint8)) == []


def test_haar_is_the_default() -> None:
    assert isinstance(open_finder(), HaarFinder)


def test_missing_face_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx does not exist"):
        open_finder(tmp_path / "gone.onnx")


def test_file_that_is_no_face_model(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("hello")
    with pytest.raises(ModelError, match=r"text\.onnx is not a YuNet face detector"):
        YuNetFinder(path)
