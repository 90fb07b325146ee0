"""A window that shows the annotated frames, where OpenCV has one."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import cv2

from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import UsageError
from tinytracker.tracking.drawing import annotated

ESCAPE = 27


class WindowSink:
    """Shows each frame as it comes; `closed` is true once the person pressed q or Escape in it.

    Raises UsageError when entered if this OpenCV was built without windows, as opencv-python-headless is.
    """

    def __init__(self, title: str = "tinytracker (q closes)") -> None:
        self._title = title
        self.closed = False

    def __enter__(self) -> Self:
        try:
            cv2.namedWindow(self._title)
        except cv2.error as error:
            raise UsageError(
                "no window: the installed OpenCV is the headless build, or there is no display; "
                "use --save FILE.mp4 to look at the video, or put opencv-python<5 in place of "
                "opencv-python-headless"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cv2.destroyWindow(self._title)

    def write(self, frame: Frame, sample: GazeSample) -> None:
        if frame.image.size == 0:
            return
        cv2.imshow(self._title, cv2.cvtColor(annotated(frame.image, sample), cv2.COLOR_RGB2BGR))
        self.closed = self.closed or cv2.waitKey(1) & 0xFF in (ord("q"), ESCAPE)
