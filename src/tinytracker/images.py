"""Pictures in and out: RGB inside, whatever the file has outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from tinytracker.errors import ImageError
from tinytracker.files import write_bytes

JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
JPEG_START_OF_SCAN = 0xDA
_SILENT = cv2.utils.logging.LOG_LEVEL_SILENT
_set_loudness = cv2.utils.logging.setLogLevel  # returns the level before


@contextmanager
def opencv_silent() -> Iterator[None]:
    """Keeps OpenCV from writing warnings and errors of its own to standard error."""
    loudness = _set_loudness(_SILENT)
    try:
        yield
    finally:
        _set_loudness(loudness)


def decode(content: bytes, name: str, upright: bool = False) -> np.ndarray:
    """Decodes a JPEG, PNG, ... to uint8 (height, width, 3) RGB.

    `name` is for the message. upright: turn the picture as its EXIF tag says, for looking at it; without, the pixels are
    as stored, which the boxes of recordings refer to. Raises ImageError if it does not decode, or if it is a JPEG that
    breaks off early (decoders fill up the rest with grey, which would pass for a picture).
    """
    refuse_incomplete(content, name)
    flags = cv2.IMREAD_COLOR_RGB | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        with opencv_silent():  # the errors here say it in one line
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name} does not decode as a picture: {error.err}") from error
    if image is None:
        raise ImageError(f"{name} does not decode as a picture; expected JPEG, PNG or another format OpenCV reads")
    return image


def refuse_incomplete(content: bytes, name: str) -> None:
    """Raises ImageError for an empty file, and for a JPEG without its end marker (see `decode`)."""
    if not content:
        raise ImageError(f"{name} is empty; expected a picture")
    if content.startswith(JPEG_START) and not _is_whole_jpeg(content):
        raise ImageError(f"{name} is a JPEG that breaks off after {len(content)} bytes; copy it again")


def _is_whole_jpeg(content: bytes) -> bool:
    """Whether the end marker comes after the start of the picture's data.

    The segments before it are walked over, as they may hold a whole JPEG themselves (a thumbnail); in the data the marker
    cannot occur by chance, and what cameras append behind it does no harm.
    """
    return any(marker == JPEG_START_OF_SCAN and content.rfind(_JPEG_END, end) >= 0 for marker, _, end in jpeg_segments(content))


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment of a JPEG's header, with the start of the first scan as the last one; start and
    end are those of what the segment holds (ITU T.81, annex B)."""
    place = len(JPEG_START)
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a marker may be preceded by any number of fill bytes
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        yield marker, place + 4, end
        if marker == JPEG_START_OF_SCAN:
            return
        place = end


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
