"""Pictures in and out: RGB inside, whatever the file has outside."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tinytracker.errors import ImageError
from tinytracker.files import write_bytes

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


def decode(content: bytes, name: str, upright: bool = False) -> np.ndarray:
    """Decodes a JPEG, PNG, ... to uint8 (height, width, 3) RGB.

    `name` is for the message. upright: turn the picture as its EXIF tag says, for looking at it; without, the pixels are as
    stored, which the boxes of recordings refer to. Raises ImageError if it does not decode, or if it is a JPEG that breaks
    off early (decoders fill up the rest with grey, which would pass for a picture).
    """
    if not content:
        raise ImageError(f"{name} is empty; expected a picture")
    if content.startswith(_JPEG_START) and _JPEG_END not in content[-64:]:
        raise ImageError(f"{name} is a JPEG that breaks off after {len(content)} bytes; copy it again")
    try:
        flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name} does not decode as a picture: {error.err}") from error
    if image is None:
        raise ImageError(f"{name} does not decode as a picture; expected JPEG, PNG or another format OpenCV reads")
    return image


def read_image(path: Path, upright: bool = False) -> np.ndarray:
    """Reads a picture as uint8 (height, width, 3) RGB (see `decode`); raises ImageError naming the file."""
    try:
        return decode(path.read_bytes(), str(path), upright)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; expected a picture") from error


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """JPEG bytes of a uint8 (height, width, 3) RGB image; the same bytes for the same pixels and quality."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def encode_png(image: np.ndarray) -> bytes:
    """PNG bytes of a uint8 (height, width, 3) RGB image."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def write_image(path: Path, image: np.ndarray, quality: int = 90) -> None:
    """Writes a JPEG (.jpg, .jpeg) or else a PNG, whole or not at all."""
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    write_bytes(path, encode_jpeg(image, quality) if is_jpeg else encode_png(image))
