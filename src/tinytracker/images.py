"""Pictures in and out: RGB inside, whatever the file has outside. What is damaged or absurdly large is
refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tinytracker.domain import Image
from tinytracker.errors import ImageError, UsageError
from tinytracker.files import write_bytes
from tinytracker.image_headers import JPEG_START, announced_size_px, is_whole_jpeg, kind_of_picture
from tinytracker.quiet import quiet_stderr

LIMIT_VARIABLE = "TINYTRACKER_MAX_MEGAPIXELS"
DEFAULT_LIMIT_MEGAPIXELS = 100.0
KINDS = "JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF"
DEPTHS_BITS = (8, 10, 12, 14, 16)  # what cameras have
_SILENT = cv2.utils.logging.LOG_LEVEL_SILENT
_set_loudness = cv2.utils.logging.setLogLevel  # returns the level before


@dataclass(frozen=True, slots=True)
class TimedImage:
    """One picture of an animation: uint8 (height, width, 3) RGB, and how long it is shown (0: the file
    does not say)."""

    image: Image
    duration_ms: float = 0.0


@contextmanager
def opencv_silent() -> Iterator[None]:
    """Keeps OpenCV from writing warnings and errors of its own to standard error."""
    loudness = _set_loudness(_SILENT)
    try:
        yield
    finally:
        _set_loudness(loudness)


def decode(content: bytes, name: str, upright: bool = False) -> Image:
    """Decodes a JPEG, PNG, ... to uint8 (height, width, 3) RGB; of an animation, the first picture.

    `name` is for the message. upright: turn the picture as its EXIF tag says, for looking at it; without, the
    pixels are as stored, which the boxes of recordings refer to. 16 bits become 8 as in `eight_bits`. Raises
    ImageError if it does not decode, announces more than `limit_px` pixels, or is damaged: decoders fill up
    what is missing of a JPEG with grey, which would pass for a picture.
    """
    refuse_incomplete(content, name)
    refuse_too_large(announced_size_px(content), name)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        with opencv_silent(), quiet_stderr() as heard:  # the errors here say it in one line
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name} does not decode as a picture: {error.err}") from error
    if image is None:
        raise ImageError(f"{name} does not decode as a picture; expected {KINDS} of 8 or 16 bits")
    if heard.text and content.startswith(JPEG_START):
        # libjpeg has no other way to say that it went on with what is no longer the picture.
        raise ImageError(f"{name} is a damaged JPEG ({heard.text.splitlines()[0]}); copy it again")
    return eight_bits(image, name)


def decode_animation(content: bytes, name: str, upright: bool = False) -> Iterator[TimedImage]:
    """All pictures of a file: those of an animated GIF, WebP, PNG or AVIF, the pages of a TIFF; else the one
    it holds.

    Raises ImageError as `decode` does. Memory is that of `limit_px` pixels, however many pictures there are.
    """
    first = decode(content, name, upright)
    kind, batch = kind_of_picture(content), max(1, int(limit_px() // max(1, first.size // 3)))
    if kind == "TIFF":
        with opencv_silent():
            flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH
            several, pages = cv2.imdecodemulti(np.frombuffer(content, np.uint8), flags)
        if several and len(pages) > 1:
            yield from (TimedImage(eight_bits(page, name)) for page in pages)
            return
    elif kind in ("GIF", "WebP", "PNG", "AVIF"):
        start, several = 0, False
        while True:
            with opencv_silent():
                read, animation = cv2.imdecodeanimation(np.frombuffer(content, np.uint8)[None], start, batch)
            if not read or (start == 0 and len(animation.frames) < 2 and batch > 1):
                break
            several = True
            for image, duration_ms in zip(animation.frames, animation.durations, strict=True):
                rgb = np.ascontiguousarray(eight_bits(image, name)[..., 2::-1])  # from BGR or BGRA
                yield TimedImage(rgb, float(duration_ms))
            if len(animation.frames) < batch:
                break
            start += batch
        if several:
            return
    yield TimedImage(first)


def eight_bits(image: np.ndarray, name: str, smallest_depth_bits: int = 8) -> Image:
    """uint8 as it is; uint16 divided by what is there: the smallest of 8, 10, 12, 14 and 16 bits that holds
    its largest value.

    Infrared and depth cameras store 10 or 12 bits in 16; by 256, they would come out black.
    smallest_depth_bits: at least so many are there, from pictures before. Raises ImageError for floats and
    other types.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype != np.uint16:
        raise ImageError(f"{name} holds values of type {image.dtype}; expected 8 or 16 bits")
    return (image >> (max(depth_bits(image), smallest_depth_bits) - 8)).astype(np.uint8)


def depth_bits(image: np.ndarray) -> int:
    """The smallest depth of DEPTHS_BITS that holds the largest value of a uint8 or uint16 array."""
    needed = int(image.max(initial=0)).bit_length()
    return next(bits for bits in DEPTHS_BITS if needed <= bits)


def limit_px() -> float:
    """The most pixels that a picture may have: 100 million, or TINYTRACKER_MAX_MEGAPIXELS million.

    Raises UsageError if that is not a positive number.
    """
    said = os.environ.get(LIMIT_VARIABLE, "")
    try:
        megapixels = float(said) if said else DEFAULT_LIMIT_MEGAPIXELS
    except ValueError:
        megapixels = float("nan")
    if not megapixels > 0:
        raise UsageError(f"{LIMIT_VARIABLE} is {said!r}; expected a number of megapixels, such as 100")
    return megapixels * 1e6


def refuse_too_large(size_px: tuple[int, int] | None, name: str) -> None:
    """Raises ImageError for an announced size (width, height) of more than `limit_px` pixels, or for none
    at all."""
    if size_px is None:
        raise ImageError(f"{name} is no picture that can be read; expected {KINDS}")
    width, height = size_px
    if width * height > limit_px():
        raise ImageError(
            f"{name} announces {width} x {height} pixels; expected at most {limit_px() / 1e6:g} million "
            f"(set {LIMIT_VARIABLE} to allow more)"
        )


def refuse_incomplete(content: bytes, name: str) -> None:
    """Raises ImageError for an empty file, a kind that is not read, and a JPEG without its end marker (see
    `decode`)."""
    if not content:
        raise ImageError(f"{name} is empty; expected a picture")
    kind = kind_of_picture(content)
    if kind == "HEIC":
        raise ImageError(f"{name} is a HEIC picture, for which there is no decoder here; convert it to JPEG")
    if kind is None:
        raise ImageError(f"{name} is no picture that can be read; expected {KINDS}")
    if kind == "JPEG" and not is_whole_jpeg(content):
        raise ImageError(f"{name} is a JPEG that breaks off after {len(content)} bytes; copy it again")


def read_image(path: Path, upright: bool = False) -> Image:
    """Reads a picture as uint8 (height, width, 3) RGB (see `decode`); raises ImageError naming the file."""
    return decode(read_content(path), str(path), upright)


def read_content(path: Path) -> bytes:
    """The bytes of a picture's file; raises ImageError naming it if it cannot be read or is no regular
    file."""
    try:
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is no file; expected a picture")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; expected a picture") from error


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """JPEG bytes of a uint8 (height, width, 3) RGB image; the same bytes for the same pixels and quality."""
    _, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return encoded.tobytes()


def encode_png(image: Image) -> bytes:
    """PNG bytes of a uint8 (height, width, 3) RGB image."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def write_image(path: Path, image: Image, quality: int = 90) -> None:
    """Writes a JPEG (.jpg, .jpeg) or else a PNG, whole or not at all."""
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    write_bytes(path, encode_jpeg(image, quality) if is_jpeg else encode_png(image))
