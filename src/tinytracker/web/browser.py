"""Frames from the browser's own camera: JPEG over the WebSocket, one at a time. For SSH, WSL, containers."""

from __future__ import annotations

import math
import struct
import threading
import time
from collections.abc import Iterator
from typing import Self

from tinytracker.domain import Frame
from tinytracker.errors import DeviceError, ImageError, UsageError
from tinytracker.image_headers import JPEG_START, announced_size_px
from tinytracker.images import decode

HEADER = struct.Struct(">Id")  # number of the frame; when it was taken, milliseconds of the page's clock
LARGEST_FRAME = 4_000_000
LARGEST_SIDE_PX = 4096
SILENCE_S = 5.0


class BrowserSource:
    """The newest frame that the page has sent, each at most once. `push` is called by the server, iteration
    by the tracker.

    t_ns is when the camera took it: the page's time mapped to our clock (`page_offset_ms`, page minus ours),
    or the arrival where the page gives none that makes sense.
    """

    is_live = True

    def __init__(self) -> None:
        self.name = "the browser's camera"
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self.notes: list[str] = []
        self.page_offset_ms: float | None = None
        self.dropped = 0
        self._news = threading.Condition()
        self._waiting: tuple[bytes, float, int] | None = None
        self._left = False

    def push(self, message: bytes) -> int:
        """Takes a frame's message, header and JPEG; gives its number.

        Raises UsageError for a message that is no frame, ImageError for a picture that is none, too large or
        cut off; the frames before it are not touched.
        """
        if len(message) > LARGEST_FRAME or len(message) <= HEADER.size:
            raise UsageError(f"a frame of {len(message)} bytes; expected up to {LARGEST_FRAME}")
        number, taken_ms = HEADER.unpack_from(message)
        jpeg = message[HEADER.size :]
        _refuse_unless_jpeg(jpeg)
        with self._news:
            self.dropped += self._waiting is not None
            self._waiting = (jpeg, taken_ms, time.monotonic_ns())
            self._news.notify()
        return int(number)

    def leave(self) -> None:
        """No more frames will come."""
        with self._news:
            self._left = True
            self._news.notify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        index, last_ns = 0, 0
        while True:
            jpeg, taken_ms, arrived_ns = self._next()
            try:
                image = decode(jpeg, "a frame of the browser's camera")
            except ImageError:
                continue  # rubbish inside a well-formed shell; the next frame is 30 ms away
            t_ns = max(self._taken_ns(taken_ms, arrived_ns), last_ns + 1)
            last_ns = t_ns
            yield Frame(image, index, t_ns, self.name)
            index += 1

    def _next(self) -> tuple[bytes, float, int]:
        with self._news:
            self._news.wait_for(lambda: self._waiting is not None or self._left, SILENCE_S)
            waiting, self._waiting = self._waiting, None
            if waiting is None:
                self._left = False
                raise DeviceError(
                    "the browser sends no frames; allow the camera in the page, or choose another one there"
                )
            return waiting

    def _taken_ns(self, taken_ms: float, arrived_ns: int) -> int:
        """The capture time on our clock if it lies within the last second, else the arrival."""
        if self.page_offset_ms is None or math.isnan(taken_ms):
            return arrived_ns
        taken_ns = int((taken_ms - self.page_offset_ms) * 1e6) if abs(taken_ms) < 1e15 else 0
        return taken_ns if arrived_ns - 1_000_000_000 <= taken_ns <= arrived_ns else arrived_ns


def _refuse_unless_jpeg(content: bytes) -> None:
    """Raises ImageError unless it is a JPEG of a size that a camera gives: before anything is decoded."""
    if not content.startswith(JPEG_START):
        raise ImageError("a frame that is no JPEG; expected what the page's camera gives")
    size_px = announced_size_px(content)
    if size_px is None:
        raise ImageError("a JPEG without a size; expected what the page's camera gives")
    if not all(0 < side <= LARGEST_SIDE_PX for side in size_px):
        raise ImageError(
            f"a frame of {size_px[0]} x {size_px[1]} pixels; expected up to {LARGEST_SIDE_PX} a side"
        )
