"""The thread that turns frames into gaze for as long as the page is open, and goes on when a camera comes
back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import TinytrackerError
from tinytracker.tracking.pipeline import GazePipeline
from tinytracker.tracking.sources import Source

RETRY_S = 1.0
_log = logging.getLogger(__name__)


class Audience(Protocol):
    """Who is told what the camera and the network say; called in the tracking thread."""

    def seen(self, frame: Frame, sample: GazeSample) -> None:
        """A frame and what was made of it."""
        ...

    def camera_gone(self, why: str) -> None:
        """No frames for now; `why` is for the person. Tried again until it works."""
        ...


class TrackingThread:
    """Runs a source through a pipeline, again and again.

    open_source: called anew whenever the source has failed or ended, or another one was chosen by `use`.
    """

    def __init__(self, open_source: Callable[[], Source], pipeline: GazePipeline, audience: Audience) -> None:
        self._open_source = open_source
        self._pipeline = pipeline
        self._audience = audience
        self._leaving = threading.Event()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Ends the thread, waiting for the frame at hand."""
        self._leaving.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def use(self, open_source: Callable[[], Source]) -> None:
        """Goes on with another source."""
        self._open_source = open_source
        self._changed.set()

    def _run(self) -> None:
        while not self._leaving.is_set():
            self._changed.clear()
            try:
                self._follow(self._open_source())
                why = "the camera's pictures have ended"
            except TinytrackerError as error:
                why = str(error)
            except Exception as error:  # a bug of ours must be seen, and must not end the sitting
                _log.exception("tracking failed")
                why = f"tracking failed ({type(error).__name__}: {error}); this is a bug of ours, the log has it"  # noqa: E501
            if self._leaving.is_set():
                return
            if not self._changed.is_set():
                self._audience.camera_gone(why)
                self._changed.wait(RETRY_S)

    def _follow(self, source: Source) -> None:
        self._pipeline.tracker.reset()
        self._pipeline.lose()
        shape: tuple[int, ...] | None = None
        with source:
            for frame in source:
                if self._changed.is_set():
                    return
                if frame.image.size:
                    shape = frame.image.shape
                elif shape is None:
                    continue
                else:  # lost on the way: black on the page and in a recording, and a row that says why
                    frame = replace(frame, image=np.zeros(shape, np.uint8))
                self._audience.seen(frame, self._pipeline.process(frame))
                if self._changed.is_set():
                    return


class PacedSource:
    """A file as if it were a camera: at its own pace, over and over, stamped with the monotonic clock.

    open_file: gives the file's source anew for each round. A stream, which has a pace of its own, is passed
    on as it comes.
    """

    is_live = True

    def __init__(self, open_file: Callable[[], Source]) -> None:
        self._open_file = open_file
        self.name = open_file().name
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self.notes: list[str] = []

    def __enter__(self) -> PacedSource:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            began_ns = time.monotonic_ns()
            with self._open_file() as file:
                for frame in file:
                    wait_s = (began_ns + frame.t_ns - time.monotonic_ns()) / 1e9
                    if wait_s > 0 and not file.is_live:
                        time.sleep(wait_s)
                    yield replace(frame, index=index, t_ns=time.monotonic_ns())
                    index += 1
