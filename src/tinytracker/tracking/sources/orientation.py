"""Turning a video's pictures as its display matrix says: the eight orientations that phones and editors
write.

The matrix (ISO 14496-12, 8.3.2; FFmpeg's AV_FRAME_DATA_DISPLAYMATRIX) is nine 32-bit numbers in rows, a b u,
c d v, x y w, fixed point: a point (p, q) of the stored picture, q down, is shown at (a p + c q + x, b p + d q
+ y). PyAV's `VideoFrame.rotation` tells an angle only and drops the mirroring that front cameras write.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from tinytracker.domain import Image
from tinytracker.errors import VideoError

_TOLERANCE = 0.01
_BYTES = 36


@dataclass(frozen=True, slots=True)
class Orientation:
    """What is done to a stored picture to show it: first rows and columns changed for each other, then the
    flips."""

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    def apply(self, image: Image) -> np.ndarray:
        """(height, width, 3) as stored -> as shown; contiguous."""
        if self.transposed:
            image = image.swapaxes(0, 1)
        if self.flipped_x:
            image = image[:, ::-1]
        if self.flipped_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


AS_STORED = Orientation()


def orientation_of(picture: av.VideoFrame, name: str) -> Orientation:
    """How a decoded picture is to be shown; raises VideoError for what is none of the eight orientations."""
    side_data: Any = picture.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if side_data is None:
        return AS_STORED
    return orientation_of_matrix(bytes(side_data)[:_BYTES], name)


def orientation_of_matrix(matrix: bytes, name: str) -> Orientation:
    """The orientation in a display matrix of 36 bytes, in this machine's order; raises VideoError if it is
    none of eight."""
    a, b, _, c, d, *_ = (number / 65536 for number in struct.unpack("=9i", matrix))
    along, across = (a, d), (b, c)  # whichever pair is not zero says whether rows become columns
    for (first, second), others, transposed in ((along, across, False), (across, along, True)):
        size = abs(first)
        if (
            size > 0
            and abs(abs(second) - size) <= _TOLERANCE * size
            and max(map(abs, others)) <= _TOLERANCE * size
        ):
            x, y = (second, first) if transposed else (first, second)
            return Orientation(transposed, flipped_x=x < 0, flipped_y=y < 0)
    raise VideoError(
        f"{name} is to be shown turned or skewed by [{a:g} {b:g}; {c:g} {d:g}]; expected quarter turns and "
        "mirrors: re-encode it upright"
    )
