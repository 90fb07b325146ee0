"""Whatever kind of picture, however many rows are wanted: the pixels are those of `images.decode`."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.recordings import random_jpeg
from tinytracker.data import pictures
from tinytracker.data.pictures import PictureDecoder
from tinytracker.errors import ImageError
from tinytracker.images import decode, encode_png

WIDTH_PX, HEIGHT_PX = 101, 147
GRAIN = np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)
RESTARTS, PROGRESSIVE, OPTIMIZE = cv2.IMWRITE_JPEG_RST_INTERVAL, cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_OPTIMIZE
SAMPLING = {
    name: [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}")]
    for name in ("411", "420", "422", "440", "444")
}


def jpeg(*options: int, image: np.ndarray = GRAIN) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85, *options])[1].tobytes()


SEQUENTIAL = {name: jpeg(*options) for name, options in SAMPLING.items()} | {
    "restarts": jpeg(RESTARTS, 2),
    "own tables": jpeg(OPTIMIZE, 1),
}
OTHERS = {"progressive": jpeg(PROGRESSIVE, 1), "grey": jpeg(image=GRAIN[:, :, 0]), "png": encode_png(GRAIN)}


@pytest.mark.parametrize("kind", [*SEQUENTIAL, *OTHERS])
def test_pixels_are_the_same(kind: str) -> None:
    content = (SEQUENTIAL | OTHERS)[kind]
    wanted, decoder = decode(content, kind), PictureDecoder()
    for rows in [*range(34), 79, 80, 81, HEIGHT_PX - 1, HEIGHT_PX, 1000]:
        picture = decoder.decode(content, kind, rows)
        shown = min(rows, HEIGHT_PX)
        assert (picture.width_px, picture.height_px, picture.top.shape[1:]) == (WIDTH_PX, HEIGHT_PX, (WIDTH_PX, 3))
        assert len(picture.top) >= shown
        assert np.array_equal(picture.top[:shown], wanted[:shown]), rows


@pytest.mark.skipif(pictures.decode_jpeg is None, reason="simplejpeg is not installed: pip install 'tinytracker[data]'")
@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_rows_below_are_not_decoded(kind: str) -> None:
    assert len(PictureDecoder().decode(SEQUENTIAL[kind], kind, 40).top) == 48


def test_without_the_extras_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "decode_jpeg", None)
    assert np.array_equal(PictureDecoder().decode(SEQUENTIAL["420"], "a", 40).top, decode(SEQUENTIAL["420"], "a"))


def test_pictures_of_any_size_after_one_another() -> None:
    decoder, rng = PictureDecoder(), np.random.default_rng(1)
    for width_px, height_px in ((64, 80), (320, 240), (17, 500), (1, 1)):
        content = random_jpeg(rng, width_px, height_px)
        assert np.array_equal(decoder.decode(content, "any", 1000).top, decode(content, "any"))


@pytest.mark.parametrize("kind", [*SEQUENTIAL, *OTHERS])
def test_broken_pictures_are_refused(kind: str) -> None:
    content = (SEQUENTIAL | OTHERS)[kind]
    for broken in (b"", content[:-20], content[: len(content) // 2], content[:30]):
        with pytest.raises(ImageError, match=r"frames/00007\.jpg"):
            PictureDecoder().decode(broken, "frames/00007.jpg", 10)
