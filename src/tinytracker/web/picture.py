"""The camera's picture for the page: small, not too often, as JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from tinytracker.domain import Frame
from tinytracker.images import encode_jpeg

WIDTH_PX = 480
EVERY_NS = 66_000_000  # 15 a second look alive; more would cost the tracking
QUALITY = 75


class PreviewMaker:
    """Makes a picture of a frame unless the last one is too recent."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def make(self, frame: Frame) -> bytes | None:
        """JPEG bytes at most `WIDTH_PX` wide, or None for now."""
        if self._last_ns is not None and 0 <= frame.t_ns - self._last_ns < EVERY_NS:
            return None
        self._last_ns = frame.t_ns
        scale = min(1.0, WIDTH_PX / frame.width_px)
        size = round(frame.width_px * scale), round(frame.height_px * scale)
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
        return encode_jpeg(np.asarray(small, np.uint8), QUALITY)
