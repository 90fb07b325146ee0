"""Decoding frames of which only the rows down to the face's chin are wanted, into the same memory one after the other.

A JPEG's rows are stored from top to bottom. Written into its header, a smaller height makes a decoder stop there, with the
pixels it would have given otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.images import JPEG_START, JPEG_START_OF_SCAN, decode, jpeg_segments, refuse_incomplete

try:
    from simplejpeg import decode_jpeg  # of the extra `data`; without it OpenCV gives the same pixels in more time
except ImportError:
    decode_jpeg = None

_SEQUENTIAL = (0xC0, 0xC1)  # start of a frame that is stored from top to bottom (ITU T.81, table B.1)
_UNIT_ROWS = 16


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's size in pixels and its rows from the top, as far down as was asked for or farther: uint8 (rows, width_px, 3)
    RGB, in memory that the next picture takes over."""

    width_px: int
    height_px: int
    top: np.ndarray


class PictureDecoder:
    """Decodes one picture after another. Fresh memory for each would cost half as much again as decoding: the system clears
    it page by page."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)

    def decode(self, content: bytes, name: str, rows: int) -> Picture:
        """Decodes at least the first `rows` rows of a picture, or all if there are fewer; the pixels are `images.decode`'s.

        Raises ImageError, naming the picture, if it does not decode or breaks off.
        """
        refuse_incomplete(content, name)
        place = _place_of_size(content) if decode_jpeg else None
        if place is not None:
            height_px, width_px = (int.from_bytes(content[start : start + 2], "big") for start in (place, place + 2))
            # One row more than is wanted: chroma at half the resolution is interpolated from row to row.
            shown = min((rows // _UNIT_ROWS + 1) * _UNIT_ROWS, height_px)
            shortened = content[:place] + shown.to_bytes(2, "big") + content[place + 2 :]
            if len(self._memory) < shown * width_px * 3:
                self._memory = np.empty(shown * width_px * 3, np.uint8)
            try:
                return Picture(width_px, height_px, decode_jpeg(shortened, buffer=self._memory, strict=False))
            except ValueError:  # a kind that this decoder does not know, or damaged
                pass
        image = decode(content, name)
        return Picture(image.shape[1], image.shape[0], image)


def _place_of_size(content: bytes) -> int | None:
    """Where height and width stand in a JPEG, two bytes each; None if it is not stored from top to bottom in one scan, or has
    other than three colours of 8 bits."""
    if not content.startswith(JPEG_START):
        return None
    place = None
    for marker, start, _ in jpeg_segments(content):
        if marker in _SEQUENTIAL and content[start] == 8 and content[start + 5] == 3 and any(content[start + 1 : start + 3]):
            place = start + 1
        elif marker == JPEG_START_OF_SCAN and content[start] == 3:
            return place
    return None
