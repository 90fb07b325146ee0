"""A camera as a source: read in a thread of its own, so that a silent camera is noticed and old frames are dropped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, Self

import cv2
import numpy as np

from tinytracker.domain import Frame
from tinytracker.errors import DeviceError
from tinytracker.images import opencv_silent

logger = logging.getLogger(__name__)


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def release(self) -> None: ...


class CameraSource:
    """The newest frame of a camera, each at most once; t_ns is the monotonic clock when the frame had arrived.

    device: the camera's number or a path such as "/dev/video0". timeout_s: a camera that gives no frame for so long,
    at first or later, raises DeviceError. A frame that comes while the last one is still being worked on replaces any
    older one that waits, and is counted in `dropped`; frame numbers count the frames handed out.
    """

    is_live = True

    def __init__(
        self, device: int | str, timeout_s: float = 5.0, open_capture: Callable[[int | str], Capture] | None = None
    ) -> None:
        self.name = f"camera {device}"
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self.dropped = 0
        self._device = device
        self._timeout_s = timeout_s
        self._open_capture = open_capture or _open_capture
        self._news = threading.Condition()
        self._waiting: tuple[np.ndarray, int] | None = None
        self._failure: str | None = None
        self._leaving = False

    def __enter__(self) -> Self:
        # A daemon: a driver that hangs inside open or read must not keep the program from ending.
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leaving = True
        self._thread.join(timeout=1.0)
        if self.dropped:
            logger.info("%s: %d frames came faster than they were used and were dropped", self.name, self.dropped)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            image, t_ns = self._next()
            yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), index, t_ns, self.name)
            index += 1

    def _next(self) -> tuple[np.ndarray, int]:
        """Waits for a frame; raises DeviceError when none comes in time."""
        with self._news:
            self._news.wait_for(lambda: self._waiting is not None or self._failure is not None, self._timeout_s)
            taken, self._waiting = self._waiting, None
        if taken is not None:
            return taken
        if self._failure is not None:
            raise DeviceError(f"{self.name} {self._failure}")
        raise DeviceError(
            f"{self.name} gave no frame for {self._timeout_s:g} s; "
            "is another program using it, its shutter closed, or its cable loose?"
        )

    def _read(self) -> None:
        """The thread: opens the camera and keeps its newest frame."""
        capture = self._open_capture(self._device)
        try:
            if not capture.isOpened():
                self._fail("does not open; expected a camera's number (0, 1, ...) or a device such as /dev/video0")
                return
            while not self._leaving:
                came, image = capture.read()
                t_ns = time.monotonic_ns()
                if not came or image is None:
                    # Some drivers give a few empty frames at first; a lasting silence ends in the reader's time-out.
                    time.sleep(0.01)
                    continue
                with self._news:
                    self.dropped += self._waiting is not None
                    self._waiting = (image, t_ns)
                    self._news.notify()
        except cv2.error as error:
            self._fail(f"failed: {error}")
        finally:
            capture.release()

    def _fail(self, failure: str) -> None:
        with self._news:
            self._failure = failure
            self._news.notify()


def _open_capture(device: int | str) -> Capture:
    with opencv_silent():  # what goes wrong is said in one line, by whoever asked for the camera
        capture = cv2.VideoCapture(device)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture
