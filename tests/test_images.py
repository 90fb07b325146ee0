from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.recordings import random_jpeg
from tinytracker.errors import ImageError
from tinytracker.images import decode, encode_jpeg, encode_png, read_image, write_image

JPEG = random_jpeg(np.random.default_rng(0))
RED = np.full((20, 30, 3), (250, 10, 20), np.uint8)


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """The JPEG with an application segment after its start."""
    return jpeg[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content + jpeg[2:]


def turned(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF orientation."""
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation]) + b"\0\0\0\0\0\0"
    return with_segment(jpeg, 0xE1, exif)


@pytest.mark.parametrize("name", ["red.png", "red.jpg", "red.jpeg"])
def test_red_stays_red(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / name, RED)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - RED).max() <= (0 if name.endswith("png") else 8)


def test_grey_and_alpha_become_rgb() -> None:
    grey = cv2.imencode(".png", np.full((4, 5), 77, np.uint8))[1].tobytes()
    assert (decode(grey, "grey") == 77).all()
    alpha = cv2.imencode(".png", np.full((4, 5, 4), (20, 10, 250, 128), np.uint8))[1].tobytes()
    assert decode(alpha, "alpha").shape == (4, 5, 3)
    assert decode(alpha, "alpha")[0, 0].tolist() == [250, 10, 20]


def test_same_pixels_same_bytes() -> None:
    assert encode_jpeg(RED, 80) == encode_jpeg(RED.copy(), 80)
    assert encode_png(RED) == encode_png(RED.copy())


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 20, 200, len(JPEG) // 2, len(JPEG) - 2, len(JPEG) - 1])
def test_truncated_jpeg_is_refused(kept: int) -> None:
    with pytest.raises(ImageError, match=r"frames/00007\.jpg"):
        decode(JPEG[:kept], "frames/00007.jpg")


def test_thumbnail_does_not_pass_for_the_end() -> None:
    """A thumbnail in the header is a whole JPEG of its own, end marker included."""
    picture = with_segment(JPEG, 0xE1, b"Exif\0\0" + encode_jpeg(RED))
    assert decode(picture, "whole").shape == (160, 120, 3)
    with pytest.raises(ImageError, match="breaks off"):
        decode(picture[:-300], "cut")


def test_what_cameras_append_is_no_fault() -> None:
    assert decode(JPEG + b"\0" * 5000, "padded").shape == (160, 120, 3)


def test_progressive_jpeg() -> None:
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    content = cv2.imencode(".jpg", RED, options)[1].tobytes()
    assert decode(content, "progressive").shape == RED.shape
    with pytest.raises(ImageError):
        decode(content[:-2], "progressive")


def test_exif_orientation_only_when_asked_for() -> None:
    content = turned(JPEG, 6)
    assert decode(content, "stored").shape == (160, 120, 3)
    assert decode(content, "upright", upright=True).shape == (120, 160, 3)


NO_PICTURES = [b"", b"hello", b"\x89PNG\r\n\x1a\n", encode_png(RED)[:60], b"\xff\xd8\xff\xe0\x00"]


@pytest.mark.parametrize("content", NO_PICTURES, ids=range(5))
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"broken\.png"):
        read_image(tmp_path / "broken.png")
    assert "ERROR" not in capfd.readouterr().err


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere\.jpg"):
        read_image(tmp_path / "nowhere.jpg")
