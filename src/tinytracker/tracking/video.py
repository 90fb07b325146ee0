"""Encoding frames as a video that browsers play: H.264, 4:2:0, index in front."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tinytracker.domain import Frame, GazePoint, GazeSample, Image
from tinytracker.errors import OutputError, UsageError
from tinytracker.tracking.drawing import annotated
from tinytracker.tracking.sinks import FileSink

TICKS_PER_SECOND = 90_000  # the clock of MPEG; fine enough for any camera


class VideoWriter(FileSink):
    """Writes pictures to an mp4 file, each at its own time, so that a live recording keeps its real pace.

    The first picture sets the size (its last column or row is left out if odd: 4:2:0 halves both); others
    must be as large, else OutputError. crf: x264's constant quality, lower is better. Seconds count from the
    first picture.
    """

    def __init__(self, path: Path, crf: int = 23) -> None:
        super().__init__(path)
        if path.suffix.lower() != ".mp4":
            raise UsageError(f"{path} cannot be written as a video; expected a name that ends in .mp4")
        self._crf = crf
        self._stream: av.VideoStream | None = None
        self._first_ns = 0
        self._last_tick = -1

    def _open(self, aside: Path, stack: ExitStack) -> None:
        try:
            options = {"movflags": "+faststart"}
            self._container = stack.enter_context(av.open(str(aside), "w", format="mp4", options=options))
        except av.error.FFmpegError as error:
            raise OutputError(f"cannot write {self.path} as a video: {error}") from error
        stack.push(self._flush_unless_failed)

    def write_picture(self, image: Image, t_ns: int) -> None:
        """image: uint8 (height_px, width_px, 3), RGB; t_ns must grow from call to call."""
        height, width = (side - side % 2 for side in image.shape[:2])
        if self._stream is None:
            self._begin(width, height, t_ns)
        assert self._stream is not None
        if (self._stream.width, self._stream.height) != (width, height):
            raise OutputError(
                f"{self.path} cannot take a picture of {width} x {height} after one of "
                f"{self._stream.width} x {self._stream.height}; leave --save out for pictures of different "
                f"sizes"
            )
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        tick = round((t_ns - self._first_ns) * TICKS_PER_SECOND / 1e9)
        picture.pts = self._last_tick = max(tick, self._last_tick + 1)
        picture.time_base = Fraction(1, TICKS_PER_SECOND)
        self._container.mux(self._stream.encode(picture))

    def _begin(self, width: int, height: int, t_ns: int) -> None:
        self._stream = self._container.add_stream(
            "libx264", options={"preset": "superfast", "crf": str(self._crf)}
        )
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._stream.time_base = Fraction(1, TICKS_PER_SECOND)
        self._first_ns = t_ns

    def _flush_unless_failed(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            return
        if self._stream is None:
            raise OutputError(f"{self.path} would hold no picture: the source gave no frame")
        self._container.mux(self._stream.encode(None))


class VideoSink(VideoWriter):
    """The frames with what was found drawn on them, and the true gaze point of each frame's number, if
    known."""

    def __init__(self, path: Path, truth: Sequence[GazePoint] = ()) -> None:
        super().__init__(path)
        self._truth = truth

    def write(self, frame: Frame, sample: GazeSample) -> None:
        if frame.image.size == 0:  # nothing there to show
            return
        truth = self._truth[frame.index] if frame.index < len(self._truth) else None
        self.write_picture(annotated(frame.image, sample, truth), frame.t_ns)
