"""Decoding a part of a JPEG gives OpenCV's pixels, bit for bit; what is damaged or of another kind is left to OpenCV."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numba")

from tests.recordings import make_recording, tree_bytes
from tinytracker.data import pictures
from tinytracker.data.jpeg import LEAST_SIDE_PX, open_jpeg
from tinytracker.data.pictures import Picture
from tinytracker.data.prepare import PrepareOptions, prepare
from tinytracker.errors import ImageError
from tinytracker.images import decode


def picture(rng: np.random.Generator, width_px: int, height_px: int, grain: float = 20) -> np.ndarray:
    """Smooth colours to the ends of their range, with grain: every length of code occurs."""
    smooth = cv2.resize(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8), (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + rng.normal(0, grain, smooth.shape), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int = 85, **options: int) -> bytes:
    flags = [number for name, value in options.items() for number in (getattr(cv2, f"IMWRITE_JPEG_{name}"), int(value))]
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *flags])[1].tobytes()


@given(
    seed=st.integers(0, 1 << 32),
    size=st.tuples(st.integers(LEAST_SIDE_PX, 150), st.integers(LEAST_SIDE_PX, 150)),
    quality=st.integers(1, 100),
    grain=st.sampled_from([0, 3, 60]),
    is_optimised=st.booleans(),
    ends=st.tuples(*[st.floats(0, 1)] * 4),
)
@settings(max_examples=150, deadline=None)
def test_any_region_of_any_picture_is_opencvs(
    seed: int, size: tuple[int, int], quality: int, grain: float, is_optimised: bool, ends: tuple[float, ...]
) -> None:
    width, height = size
    content = jpeg(picture(np.random.default_rng(seed), width, height, grain), quality, OPTIMIZE=is_optimised)
    left, right = sorted(round(end * (width - 1)) for end in ends[:2])
    top, bottom = sorted(round(end * (height - 1)) for end in ends[2:])
    opened = open_jpeg(content)
    assert opened is not None
    assert (opened.width_px, opened.height_px) == size
    region = opened.region(left, top, right + 1, bottom + 1)
    assert region is not None
    assert region.dtype == np.uint8
    assert np.array_equal(region, decode(content, "")[top : bottom + 1, left : right + 1])


def test_pillows_pictures_too() -> None:
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    file = BytesIO()
    image.fromarray(picture(np.random.default_rng(1), 130, 90)).save(file, "JPEG", exif=image.Exif(), subsampling=2)
    opened = open_jpeg(file.getvalue())
    assert opened is not None
    assert np.array_equal(opened.region(0, 0, 130, 90), decode(file.getvalue(), ""))


@pytest.mark.parametrize(
    "options",
    [
        {"PROGRESSIVE": 1},
        {"RST_INTERVAL": 3},
        {"SAMPLING_FACTOR": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444},
        {"SAMPLING_FACTOR": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422},
    ],
)
def test_other_kinds_are_left_to_opencv(options: dict[str, int]) -> None:
    content = jpeg(picture(np.random.default_rng(0), 64, 64), **options)
    assert open_jpeg(content) is None
    assert open_jpeg(cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()) is None, "grey"
    assert open_jpeg(jpeg(np.zeros((16, 64, 3), np.uint8))) is None, "tiny"
    assert open_jpeg(cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes()) is None, "no JPEG"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our decoder from the first picture on."""
    monkeypatch.setattr(pictures, "PAYS_AFTER_PICTURES", 0)


@pytest.mark.usefixtures("quick")
class TestDamaged:
    def test_flipped_bytes_give_what_opencv_gives(self) -> None:
        rng = np.random.default_rng(5)
        whole = jpeg(picture(rng, 96, 128), 90)
        ours = 0
        for _ in range(400):
            content = bytearray(whole)
            content[rng.integers(2, len(content) - 2)] = rng.integers(256)
            try:
                wanted = decode(bytes(content), "x")
            except ImageError:
                with pytest.raises(ImageError):
                    Picture(bytes(content), "x").region(0, 0, 32, 32)
                continue
            opened = Picture(bytes(content), "x")
            assert (opened.height_px, opened.width_px) == wanted.shape[:2]
            left, top = min(16, opened.width_px - 1), min(48, opened.height_px - 1)
            right, bottom = opened.width_px, max(top + 1, min(100, opened.height_px))
            assert np.array_equal(opened.region(left, top, right, bottom), wanted[top:bottom, left:right])
            ours += open_jpeg(bytes(content)) is not None
        assert ours > 300, "hardly any was decoded by us"

    def test_cut_anywhere_is_refused(self) -> None:
        content = jpeg(picture(np.random.default_rng(0), 64, 64))
        for kept in range(0, len(content), 7):
            with pytest.raises(ImageError, match="x"):
                Picture(content[:kept], "x")

    def test_header_alone_with_an_end(self) -> None:
        content = jpeg(picture(np.random.default_rng(0), 64, 64))
        assert (opened := open_jpeg(content[:700] + b"\xff\xd9")) is not None
        assert opened.region(0, 0, 64, 64) is None

    def test_coefficients_beyond_all_bounds(self) -> None:
        """Quantities of 255 on a picture of quality 100: sums that no picture has, and that processors round differently."""
        content = bytearray(jpeg(picture(np.random.default_rng(0), 64, 64, 90), 100))
        place = content.index(b"\xff\xdb")
        length = struct.unpack(">H", content[place + 2 : place + 4])[0]
        content[place + 5 : place + 2 + length] = bytes([255]) * (length - 3)
        assert open_jpeg(bytes(content)) is not None
        assert np.array_equal(Picture(bytes(content), "x").region(0, 0, 64, 64), decode(bytes(content), "x"))


def test_a_dataset_does_not_depend_on_the_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_recording(tmp_path / "in", f"0000{number}", frames=6)
    options = PrepareOptions(24, 16)
    monkeypatch.setattr(pictures, "_open_jpeg", lambda content: None)
    prepare(tmp_path / "in", tmp_path / "opencv", options)
    used = []
    monkeypatch.setattr(pictures, "_open_jpeg", lambda content: used.append(open_jpeg(content)) or used[-1])
    prepare(tmp_path / "in", tmp_path / "ours", options)
    assert len(used) == 18
    assert None not in used
    assert tree_bytes(tmp_path / "ours") == tree_bytes(tmp_path / "opencv")


def test_without_numba_opencv_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_our_decoder", lambda: None)
    monkeypatch.setattr(pictures, "PAYS_AFTER_PICTURES", 0)
    content = jpeg(picture(np.random.default_rng(0), 64, 64))
    assert np.array_equal(Picture(content, "x").region(8, 9, 40, 50), decode(content, "x")[9:50, 8:40])
