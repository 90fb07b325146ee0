"""A recording's picture, of which only a part is wanted: decoded by whichever decoder takes less time.

Both give the same pixels, so that a dataset's bytes do not depend on which of them was there, or took over when.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from tinytracker.errors import MissingExtraError
from tinytracker.images import decode

if TYPE_CHECKING:
    from tinytracker.data.jpeg import Jpeg

PAYS_AFTER_PICTURES = 500
"""Loading our decoder takes a process as long as this many pictures save, compiling it (once) as long as some thousands."""

_opened = itertools.count()


class Picture:
    """A picture by the bytes of its file; raises ImageError, naming it, if it does not decode (see `images.decode`)."""

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name = content, name
        self._jpeg = _open_jpeg(content)
        if self._jpeg:
            self.width_px, self.height_px = self._jpeg.width_px, self._jpeg.height_px
        else:
            self.height_px, self.width_px = self._all.shape[:2]

    def region(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The pixels of columns left to right and rows top to bottom, uint8 RGB; the region must lie in the picture."""
        pixels = self._jpeg.region(left, top, right, bottom) if self._jpeg else None
        # None where the data is damaged: libjpeg makes something of it.
        return self._all[top:bottom, left:right] if pixels is None else pixels

    @cached_property
    def _all(self) -> np.ndarray:
        return decode(self._content, self._name)


def _open_jpeg(content: bytes) -> Jpeg | None:
    """The picture for our own decoder, or None if it is none for it, or while OpenCV's costs less."""
    if next(_opened) < PAYS_AFTER_PICTURES:
        return None
    opener = _our_decoder()
    return opener(content) if opener else None


@cache
def _our_decoder() -> Callable[[bytes], Jpeg | None] | None:
    """`jpeg.open_jpeg`, where numba is installed and has a place to keep what it compiled."""
    try:
        from tinytracker.data.jpeg import open_jpeg
    except (MissingExtraError, RuntimeError):
        return None
    return open_jpeg
