"""Events as arrays, one place in them for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_PX = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What a sensor sent, in the order of time.

    t_us: int64 (n,), microseconds since a moment of the recording's own; never goes back.
    x_px, y_px: uint16 (n,), pixel of the sensor, from its top left.
    on: bool (n,), the pixel grew brighter (else darker).
    width_px, height_px: size of the sensor.

    Raises ValueError for arrays of other lengths or dtypes, time that goes back, or a pixel outside the
    sensor.

    >>> events = Events.of([10, 12], [3, 4], [0, 1], [True, False], width_px=8, height_px=4)
    >>> len(events), len(events.between(11, 99)), events.duration_us
    (2, 1, 2)
    """

    t_us: NDArray[np.int64]
    x_px: NDArray[np.uint16]
    y_px: NDArray[np.uint16]
    on: NDArray[np.bool_]
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if not (0 < self.width_px <= MOST_PX and 0 < self.height_px <= MOST_PX):
            raise ValueError(f"a sensor of {self.width_px} x {self.height_px} pixels")
        types = {"t_us": np.int64, "x_px": np.uint16, "y_px": np.uint16, "on": np.bool_}
        for name, dtype in types.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != self.t_us.shape or array.ndim != 1:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, expected {np.dtype(dtype)} {self.t_us.shape}"
                )
        if not len(self):
            return
        backwards = np.flatnonzero(self.t_us[1:] < self.t_us[:-1])
        if len(backwards):
            place = int(backwards[0]) + 1
            raise ValueError(
                f"time goes back at event {place}: {self.t_us[place]} us after {self.t_us[place - 1]} us"
            )
        furthest_x, furthest_y = int(self.x_px.max()), int(self.y_px.max())
        if furthest_x >= self.width_px or furthest_y >= self.height_px:
            raise ValueError(
                f"an event at x {furthest_x} or y {furthest_y} is outside of {self.width_px} x "
                f"{self.height_px}"
            )

    def __len__(self) -> int:
        return len(self.t_us)

    @property
    def duration_us(self) -> int:
        """From the first event to the last; 0 without events."""
        return int(self.t_us[-1] - self.t_us[0]) if len(self) else 0

    def between(self, start_us: int, end_us: int) -> Events:
        """The events with start_us <= t < end_us; the arrays are views."""
        first, end = np.searchsorted(self.t_us, [start_us, end_us], side="left")
        return self.rows(int(first), int(end))

    def rows(self, first: int, end: int) -> Events:
        """The events from place `first` up to, not with, `end`; the arrays are views."""
        part = slice(first, end)
        return Events(
            self.t_us[part], self.x_px[part], self.y_px[part], self.on[part], self.width_px, self.height_px
        )

    @classmethod
    def of(
        cls,
        t_us: Sequence[int] | NDArray[np.integer],
        x_px: Sequence[int] | NDArray[np.integer],
        y_px: Sequence[int] | NDArray[np.integer],
        on: Sequence[bool] | NDArray[np.generic],
        *,
        width_px: int,
        height_px: int,
    ) -> Events:
        """Events from whatever counts as whole numbers; raises ValueError if a number does not fit."""
        columns = {"t_us": t_us, "x_px": x_px, "y_px": y_px}
        fitted: dict[str, Any] = {}
        for name, values in columns.items():
            array = np.asarray(values) if len(values) else np.empty(0, np.int64)
            limits = np.iinfo(np.int64) if name == "t_us" else np.iinfo(np.uint16)
            if array.dtype.kind not in "iu":
                raise ValueError(f"{name} is {array.dtype}, expected whole numbers")
            if len(array) and (int(array.min()) < limits.min or int(array.max()) > limits.max):
                raise ValueError(f"{name} reaches from {array.min()} to {array.max()}")
            fitted[name] = array.astype(limits.dtype)
        return cls(**fitted, on=np.asarray(on, np.bool_), width_px=width_px, height_px=height_px)

    @classmethod
    def none(cls, width_px: int, height_px: int) -> Events:
        """A stream without events."""
        return cls.of([], [], [], [], width_px=width_px, height_px=height_px)

    @classmethod
    def joined(cls, parts: Sequence[Events]) -> Events:
        """Parts one after the other; raises ValueError without parts, for parts of several sensors, or if
        one begins before the last one ended."""
        if not parts:
            raise ValueError("no parts to join")
        sizes = {(part.width_px, part.height_px) for part in parts}
        if len(sizes) > 1:
            raise ValueError(f"parts of sensors of several sizes: {sorted(sizes)}")
        names = ("t_us", "x_px", "y_px", "on")
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(**arrays, width_px=parts[0].width_px, height_px=parts[0].height_px)
