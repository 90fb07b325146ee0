"""Windows that follow a stream: an event in, an event out."""

from __future__ import annotations

import numpy as np

from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events
from tinytracker.events.windows import Planes, Window


class WindowBuilder:
    """The window of the events so far, kept up to date event by event.

    Cells stand in a chain in the order in which they spoke last: one that speaks goes to its front, and what
    falls off the end leaves the window. So an event costs the same whatever the window's size.

    Raises UsageError for windows by majority, which need all of their events; MissingExtraError without
    numba.

        builder = WindowBuilder(crop_for(346, 260), Window(cells=300))
        builder.push(events.between(0, 5_000))
        network(builder.planes())
    """

    def __init__(self, crop: SensorCrop, window: Window) -> None:
        from tinytracker.events.kernels import push_events

        if window.polarity != "newest":
            raise UsageError("a window that follows a stream takes the newest polarity, not the majority's")
        self.crop, self.window = crop, window
        self._push = push_events
        cells = crop.size**2
        self._chain = np.full((2, cells + 1), cells, np.int32)
        self._spoke_us = np.zeros(cells, np.int64)
        self._planes = np.zeros((2, cells), np.uint8)
        self._latest = np.zeros((crop.size + 2, crop.size + 2), np.int64)
        self._about = np.array([-1, -1, 0, 0], np.int64)
        self._take(Events.none(1, 1))  # compiled or loaded now, not when the first event is waiting

    def push(self, events: Events) -> None:
        """Takes events in; they come after those taken before (a RuntimeError if one goes back)."""
        if not len(events):
            return
        if events.t_us[0] < self._about[0]:
            raise RuntimeError(f"time goes back from {self._about[0]} us to {events.t_us[0]} us")
        self._take(events)

    def _take(self, events: Events) -> None:
        self._push(
            (events.t_us, events.x_px, events.y_px, events.on),
            (self.crop.left_px, self.crop.top_px, self.crop.scale, self.crop.size),
            (self.window.most_cells(self.crop), self.window.reach_us, self.window.among),
            self._chain,
            self._spoke_us,
            self._planes,
            self._latest,
            self._about,
        )

    def planes(self) -> Planes:
        """The window: uint8 (2, size, size), a copy."""
        return self._planes.reshape(2, self.crop.size, self.crop.size).copy()

    @property
    def newest_us(self) -> int:
        """When the newest event inside the crop came; -1 before there is one."""
        return int(self._about[0])

    @property
    def oldest_us(self) -> int:
        """When the cell silent for longest spoke last; -1 before there is one."""
        return int(self._about[1])

    @property
    def cells(self) -> int:
        """How many cells are in the window."""
        return int(self._about[2])
