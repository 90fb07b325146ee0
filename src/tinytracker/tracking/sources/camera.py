"""A camera as a source: read in a thread of its own, so that a silent camera is noticed and old frames are
dropped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, Self

import cv2
import numpy as np

from tinytracker.domain import Frame, Image
from tinytracker.errors import DeviceError, ImageError
from tinytracker.images import depth_bits, eight_bits, opencv_silent
from tinytracker.tracking.sources.newest import Newest

_log = logging.getLogger(__name__)


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...

    def read(self) -> tuple[bool, np.ndarray | None]: ...

    def release(self) -> None: ...


class CameraSource:
    """The newest frame of a camera, each at most once; t_ns is the monotonic clock when the frame had
    arrived.

    device: the camera's number or a path such as "/dev/video0". timeout_s: a camera that gives no frame for
    so long, at first or later, raises DeviceError. A frame that comes while the last one is still being
    worked on replaces any older one that waits, and is counted in `dropped`; frame numbers count the frames
    handed out. size_px: width and height that the camera is asked for; it may give others.
    """

    is_live = True

    def __init__(
        self,
        device: int | str,
        timeout_s: float = 5.0,
        open_capture: Callable[[int | str], Capture] | None = None,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        self.name = f"camera {device}"
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self.notes: list[str] = []
        self._device = device
        self._open_capture = open_capture or (lambda place: _open_capture(place, size_px))
        self._newest = Newest[tuple[np.ndarray, int]](self.name, timeout_s)
        self._depth_bits = 8
        self._leaving = False

    @property
    def dropped(self) -> int:
        """How many frames came faster than they were used."""
        return self._newest.dropped

    def __enter__(self) -> Self:
        # A daemon: a driver that hangs inside open or read must not keep the program from ending.
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving = True
        self._thread.join(timeout=1.0)
        if self.dropped:
            _log.info(
                "%s: %d frames came faster than they were used and were dropped", self.name, self.dropped
            )

    def __iter__(self) -> Iterator[Frame]:
        """Raises DeviceError when the camera falls silent, or gives what is no picture."""
        index = 0
        while True:
            raw, t_ns = self._newest.take()
            if raw.dtype == np.uint16:
                self._depth_bits = max(self._depth_bits, depth_bits(raw))  # a dark frame is not another depth
            try:
                image = rgb_of_capture(raw, self._depth_bits)
            except ImageError as error:
                raise DeviceError(f"{self.name} {error}") from error
            yield Frame(image, index, t_ns, self.name)
            index += 1

    def _read(self) -> None:
        """The thread: opens the camera and keeps its newest frame."""
        capture = self._open_capture(self._device)
        try:
            if not capture.isOpened():
                self._newest.fail(
                    "does not open; expected a camera's number (0, 1, ...) or a device such as /dev/video0"
                )
                return
            while not self._leaving:
                came, raw = capture.read()
                t_ns = time.monotonic_ns()
                if not came or raw is None or raw.size == 0:
                    # Some drivers give a few empty frames at first; a lasting silence ends in the reader's
                    # time-out.
                    time.sleep(0.01)
                    continue
                self._newest.put((raw, t_ns))
        except cv2.error as error:
            self._newest.fail(f"failed: {error.err}")
        finally:
            capture.release()


def rgb_of_capture(raw: np.ndarray, smallest_depth_bits: int = 8) -> Image:
    """What OpenCV gave for a frame -> uint8 (height, width, 3) RGB.

    BGR and BGRA are its usual; without its conversion, or from infrared and depth cameras, come grey of 8 to
    16 bits (see `images.eight_bits` for smallest_depth_bits) and YUYV, (height, width, 2). Raises ImageError
    for anything else.
    """
    shape = raw.shape
    if raw.ndim == 3 and shape[2] == 1:
        raw = raw[..., 0]
    conversions = {2: cv2.COLOR_YUV2RGB_YUYV, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    code = cv2.COLOR_GRAY2RGB if raw.ndim == 2 else conversions.get(shape[2]) if raw.ndim == 3 else None
    # A single row is a packed or compressed frame that the driver did not unpack.
    if code is None or shape[0] < 2 or shape[1] < 2:
        raise ImageError(
            f"gives frames of shape {shape} and type {raw.dtype}; expected (height, width, 3) BGR, (height, "
            "width, 2) YUYV or (height, width) grey: choose another pixel format of the camera (v4l2-ctl "
            "--list-formats)"
        )
    return cv2.cvtColor(eight_bits(raw, "a frame", smallest_depth_bits), code)  # type: ignore[return-value]


def _open_capture(device: int | str, size_px: tuple[int, int] | None) -> Capture:
    with opencv_silent():  # what goes wrong is said in one line, by whoever asked for the camera
        capture = cv2.VideoCapture(device)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    if size_px is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_px[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_px[1])
    return capture
