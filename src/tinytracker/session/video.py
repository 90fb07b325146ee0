"""The camera's pictures of a session, kept so that a crash loses a second at most: Matroska, a cluster a
second, flushed."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from tinytracker.domain import Frame
from tinytracker.errors import OutputError
from tinytracker.session.folder import VIDEO_FILE

TICKS_PER_SECOND = 1000  # Matroska's own clock
# near enough to the camera's picture for eyes: the gaze of what is read back is tested to differ little
CRF = 14


class PictureLog:
    """camera.mkv: the frames as H.264, in order. mp4 would need its index, which a killed program does not
    write.

    Raises OutputError if the frames change their size, OSError if the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / VIDEO_FILE
        self._stream: av.VideoStream | None = None
        self._first_ns = 0
        self._last_tick = -1

    def __enter__(self) -> Self:
        options = {"cluster_time_limit": "1000", "flush_packets": "1"}
        self._container = av.open(str(self.path), "w", format="matroska", options=options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._stream is not None:
            self._container.mux(self._stream.encode(None))
        with suppress(av.error.FFmpegError):
            self._container.close()

    def write(self, frame: Frame) -> None:
        """Takes the next frame."""
        height, width = (side - side % 2 for side in frame.image.shape[:2])
        if self._stream is None:
            self._stream = self._begin(width, height, frame.t_ns)
        if (self._stream.width, self._stream.height) != (width, height):
            was = f"{self._stream.width} x {self._stream.height}"
            raise OutputError(
                f"the camera's pictures changed from {was} to {width} x {height}; start a new recording"
            )
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame.image[:height, :width]), format="rgb24"
        )
        tick = round((frame.t_ns - self._first_ns) * TICKS_PER_SECOND / 1e9)
        picture.pts = self._last_tick = max(tick, self._last_tick + 1)
        picture.time_base = Fraction(1, TICKS_PER_SECOND)
        self._container.mux(self._stream.encode(picture))

    def _begin(self, width: int, height: int, t_ns: int) -> av.VideoStream:
        options = {"preset": "superfast", "tune": "zerolatency", "crf": str(CRF)}
        stream = self._container.add_stream("libx264", options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS_PER_SECOND)
        self._first_ns = t_ns
        return stream
