from __future__ import annotations

import io
import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.recordings import random_jpeg
from tinytracker.data.pictures import PictureDecoder
from tinytracker.errors import ImageError, UsageError
from tinytracker.image_headers import announced_size_px, kind_of_picture
from tinytracker.images import decode, decode_animation, encode_jpeg, encode_png, read_image, write_image

JPEG = random_jpeg(np.random.default_rng(0))
RED = np.full((20, 30, 3), (250, 10, 20), np.uint8)


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """The JPEG with an application segment after its start."""
    return jpeg[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content + jpeg[2:]


def turned(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF orientation."""
    exif = (
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation]) + b"\0\0\0\0\0\0"
    )
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
def test_what_is_no_picture_is_named(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"broken\.png"):
        read_image(tmp_path / "broken.png")
    assert "ERROR" not in capfd.readouterr().err


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere\.jpg"):
        read_image(tmp_path / "nowhere.jpg")


def test_every_exif_orientation_in_every_format() -> None:
    """Against Pillow's own turning; AVIF keeps its orientation elsewhere, so that OpenCV turns nothing
    there."""
    from PIL import Image, ImageOps

    marked = np.zeros((48, 64, 3), np.uint8)
    marked[:24, :32], marked[:24, 32:], marked[24:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for orientation in range(1, 9):
            exif, file = Image.Exif(), io.BytesIO()
            exif[0x0112] = orientation
            Image.fromarray(marked).save(file, kind, exif=exif)
            wanted = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))
            upright = decode(file.getvalue(), kind, upright=True)
            assert upright.shape == wanted.shape, (kind, orientation)
            assert np.abs(upright.astype(int) - wanted).mean() < 12, (kind, orientation)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_the_header_tells_kind_and_size(kind: str) -> None:
    from PIL import Image

    for lossless in (False, True):
        file = io.BytesIO()
        Image.fromarray(RED).save(file, kind, **({"lossless": lossless} if kind == "WEBP" else {}))
        assert (kind_of_picture(file.getvalue()) or "").upper() == kind
        assert announced_size_px(file.getvalue()) == (30, 20)
        assert announced_size_px(file.getvalue()[:12]) is None or kind == "GIF"
        assert decode(file.getvalue(), kind).shape == (20, 30, 3)


def announcing(kind: str, side_px: int) -> bytes:
    """A small file whose header announces a square of so many pixels."""
    content = bytearray(encode_png(RED) if kind == "png" else encode_jpeg(RED))
    if kind == "png":
        content[16:24] = side_px.to_bytes(4, "big") * 2
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    else:
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = side_px.to_bytes(2, "big") * 2
    return bytes(content)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_announced_gigabytes_are_refused_before_they_are_taken(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (decode, PictureDecoder().decode):
        with pytest.raises(
            ImageError, match="bomb announces 30000 x 30000 pixels; expected at most 100 million"
        ):
            read(announcing(kind, 30_000), "bomb")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    monkeypatch.setenv("TINYTRACKER_MAX_MEGAPIXELS", "0.0005")
    with pytest.raises(ImageError, match="announces 30 x 20 pixels"):
        decode(encode_png(RED), "small")
    monkeypatch.setenv("TINYTRACKER_MAX_MEGAPIXELS", "many")
    with pytest.raises(UsageError, match="expected a number of megapixels"):
        decode(encode_png(RED), "small")


def test_directories_in_a_circle_are_refused_at_once() -> None:
    """786 kB of a TIFF that names itself as its next page took minutes to read the size of."""
    entry, count = struct.pack("<HHII", 256, 4, 1, 10), 65_535
    content = b"II*\0" + struct.pack("<IH", 8, count) + entry * count + struct.pack("<I", 8)
    assert announced_size_px(content) is None
    with pytest.raises(ImageError, match="circle is no picture that can be read"):
        decode(content, "circle")


@pytest.mark.parametrize(("bits", "brightest"), [(10, 1000), (12, 4000), (14, 16000), (16, 64000)])
def test_depths_in_sixteen_bits_are_scaled_by_what_is_there(bits: int, brightest: int) -> None:
    """Infrared cameras store 10 or 12 bits in 16: by 256 they would come out black."""
    ramp = np.linspace(0, brightest, 640).astype(np.uint16).reshape(20, 32)
    content = cv2.imencode(".png", ramp)[1].tobytes()
    assert np.array_equal(decode(content, "deep")[..., 1], (ramp >> (bits - 8)).astype(np.uint8))


def test_floats_and_other_kinds_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "float.tif"), np.random.default_rng(0).random((20, 30)).astype(np.float32))
    with pytest.raises(
        ImageError, match=r"float\.tif does not decode as a picture; expected .* of 8 or 16 bits"
    ):
        read_image(tmp_path / "float.tif")
    heic = (24).to_bytes(4, "big") + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(100)
    with pytest.raises(ImageError, match="is a HEIC picture, for which there is no decoder here; convert it"):
        decode(heic, "IMG_0001.HEIC")
    with pytest.raises(ImageError, match="is no file"):
        read_image(Path("/dev/zero"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_files_with_several_pictures_give_them_all(kind: str) -> None:
    from PIL import Image

    pictures = [Image.fromarray(np.full((20, 30, 3), 40 * (number + 1), np.uint8)) for number in range(4)]
    durations = {} if kind == "TIFF" else {"duration": [100, 50, 30, 20]}
    file = io.BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], **durations)
    played = list(decode_animation(file.getvalue(), kind))
    assert np.abs([float(timed.image.mean()) for timed in played] - np.array([40, 80, 120, 160])).max() < 3
    assert [timed.duration_ms for timed in played] == ([0] * 4 if kind == "TIFF" else [100, 50, 30, 20])
    assert np.array_equal(decode(file.getvalue(), kind), played[0].image)
