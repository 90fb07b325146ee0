"""The camera of `tinytracker live --demo`: a rendered person who looks where the page's dot is, in real
time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

from tinytracker.devices import Device
from tinytracker.domain import Frame, GazePoint
from tinytracker.extras import need

MOST_FRAMES_PER_SECOND = 30.0  # as a camera; rendering may be slower
MOST_PLACES = 50  # that a dot is shown at while one picture is rendered


class RenderedSource:
    """Frames of a `synthetic.sitter.Sitter`, as fast as they can be rendered.

    screen: what the person sits at. person: which one. tell_fov: told the rendered camera's field of view
    before the first frame. `look_at` may be called from any thread, in screen pixels.
    """

    is_live = True

    def __init__(
        self, screen: Device, person: int, tell_fov: Callable[[float], None] = lambda fov_deg: None
    ) -> None:
        need("numba", "demo")
        self.name = f"rendered person {person}"
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self.notes: list[str] = []
        self.looked_at: GazePoint | None = None
        self.sittings = 1  # how often the person has sat down
        self._screen, self._person, self._tell_fov = screen, person, tell_fov
        self._lock = threading.Lock()
        self._places: list[tuple[float, float, int]] = []  # px, and when each was shown
        self._stands_up = False

    def look_at(self, x_px: float, y_px: float) -> None:
        """The page shows a dot there, now: however long a picture takes, the eyes set out in time."""
        with self._lock:
            self._places = [*self._places[-MOST_PLACES:], (x_px, y_px, time.monotonic_ns())]

    def sit_down_anew(self) -> None:
        """The person changes posture, distance and light before the next frame."""
        with self._lock:
            self._stands_up = True

    def __enter__(self) -> Self:
        from tinytracker.synthetic.sitter import Sitter

        self._sitter = Sitter(self._screen, self._person)
        self._tell_fov(self._sitter.fov_deg)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        began_s, index = time.monotonic(), 0
        while True:
            with self._lock:
                places, stands_up = self._places, self._stands_up
                self._places, self._stands_up = [], False
            if stands_up:
                self._sitter.sit_down_anew()
                self.sittings += 1
            for x_px, y_px, shown_ns in places:
                self._sitter.look_at(x_px, y_px, shown_ns / 1e9 - began_s)
            taken_ns = (
                time.monotonic_ns()
            )  # when the eyes were as rendered: rendering is the camera's own delay
            sight = self._sitter.at(taken_ns / 1e9 - began_s)
            self.looked_at = sight.looked_at
            yield Frame(sight.image, index, taken_ns, self.name)
            index += 1
            spare_s = 1 / MOST_FRAMES_PER_SECOND - (time.monotonic() - taken_ns / 1e9)
            if spare_s > 0:
                time.sleep(spare_s)
