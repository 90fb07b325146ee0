"""Decoding the frames of a recording, one after the other into the same memory; whatever the decoder warns of
is refused.

A label is worth nothing beside half a picture: where a JPEG is damaged, decoders go on with grey or shifted
blocks and say so in a warning only. It may stand anywhere in the file, so that all of it is decoded.
"""

from __future__ import annotations

import numpy as np

from tinytracker.domain import Image
from tinytracker.image_headers import announced_size_px, kind_of_picture
from tinytracker.images import decode, refuse_incomplete, refuse_too_large

try:
    from simplejpeg import (
        decode_jpeg,
    )  # of the extra `data`; without it OpenCV gives the same pixels in more time
except ImportError:
    decode_jpeg = None


class PictureDecoder:
    """Decodes one picture after another. Fresh memory for each would cost half as much again as decoding: the
    system clears it page by page."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)

    def decode(self, content: bytes, name: str) -> Image:
        """The pixels of `images.decode`, uint8 (height, width, 3) RGB, in memory that the next picture takes
        over.

        Raises ImageError, naming the picture, if it does not decode, breaks off, is damaged or absurdly
        large.
        """
        refuse_incomplete(content, name)
        size_px = announced_size_px(content)
        refuse_too_large(size_px, name)
        if decode_jpeg is not None and size_px is not None and kind_of_picture(content) == "JPEG":
            width_px, height_px = size_px
            if len(self._memory) < height_px * width_px * 3:
                self._memory = np.empty(height_px * width_px * 3, np.uint8)
            try:
                return decode_jpeg(content, buffer=self._memory, strict=True)
            except ValueError:  # a kind that this decoder does not know, or damaged: `decode` says which
                pass
        return decode(content, name)
