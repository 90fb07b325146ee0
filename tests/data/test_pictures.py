"""Whatever kind of picture: the pixels are those of `images.decode`, and what is damaged is refused."""

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
RESTARTS, PROGRESSIVE, OPTIMIZE = (
    cv2.IMWRITE_JPEG_RST_INTERVAL,
    cv2.IMWRITE_JPEG_PROGRESSIVE,
    cv2.IMWRITE_JPEG_OPTIMIZE,
)
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
    assert np.array_equal(PictureDecoder().decode(content, kind), decode(content, kind))


def test_without_the_extras_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "decode_jpeg", None)
    assert np.array_equal(PictureDecoder().decode(SEQUENTIAL["420"], "a"), decode(SEQUENTIAL["420"], "a"))


def test_pictures_of_any_size_after_one_another() -> None:
    decoder, rng = PictureDecoder(), np.random.default_rng(1)
    for width_px, height_px in ((64, 80), (320, 240), (17, 500), (1, 1)):
        content = random_jpeg(rng, width_px, height_px)
        assert np.array_equal(decoder.decode(content, "any"), decode(content, "any"))


@pytest.mark.parametrize("kind", [*SEQUENTIAL, *OTHERS])
def test_broken_pictures_are_refused(kind: str) -> None:
    content = (SEQUENTIAL | OTHERS)[kind]
    for broken in (b"", content[:-20], content[: len(content) // 2], content[:30]):
        with pytest.raises(ImageError, match=r"frames/00007\.jpg"):
            PictureDecoder().decode(broken, "frames/00007.jpg")


@pytest.mark.parametrize("with_extra", [True, False])
@pytest.mark.parametrize("kind", [*SEQUENTIAL, "progressive", "grey"])
def test_missing_data_is_refused_though_the_end_is_there(
    kind: str, with_extra: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoders fill up what is missing with grey, and say so in a warning only."""
    if not with_extra:
        monkeypatch.setattr(pictures, "decode_jpeg", None)
    content = (SEQUENTIAL | OTHERS)[kind]
    for kept in (0.3, 0.5, 0.9):
        holed = content[: max(700, int(kept * len(content)))] + content[-2:]
        with pytest.raises(ImageError, match=r"frames/00007\.jpg is a damaged JPEG"):
            PictureDecoder().decode(holed, "frames/00007.jpg")
