"""From a sensor's pixels to the cells a network sees: a square of the sensor, each cell a square of
pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import UsageError
from tinytracker.events.stream import Events

SIZE = 64
SHARE_OF_WIDTH = 0.8
Number = TypeVar("Number", float, NDArray[np.floating])


@dataclass(frozen=True, slots=True)
class SensorCrop:
    """The square of a sensor that becomes `size` x `size` cells of `scale` x `scale` pixels.

    left_px, top_px: its top left pixel; negative where the square reaches beyond the sensor.

    >>> crop = SensorCrop(left_px=96, top_px=-16, scale=8)
    >>> crop.to_cells(352.0, 240.0), crop.to_sensor(32.0, 32.0)
    ((32.0, 32.0), (352.0, 240.0))
    """

    left_px: int
    top_px: int
    scale: int
    size: int = SIZE

    def __post_init__(self) -> None:
        if self.scale < 1 or not 1 <= self.size <= 128:
            raise UsageError(
                f"a crop of {self.size} cells of {self.scale} pixels; expected 1 to 128 cells of at least one"
            )

    def cells_of(self, events: Events) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Places in `events` of those inside the square, and the cell (row * size + column) of each."""
        column = (events.x_px.astype(np.int64) - self.left_px) // self.scale
        row = (events.y_px.astype(np.int64) - self.top_px) // self.scale
        inside = np.flatnonzero((column >= 0) & (column < self.size) & (row >= 0) & (row < self.size))
        return inside, row[inside] * self.size + column[inside]

    def to_cells(self, x_px: Number, y_px: Number) -> tuple[Number, Number]:
        """A point of the sensor in cells, from the square's top left corner."""
        return (x_px - self.left_px) / self.scale, (y_px - self.top_px) / self.scale

    def to_sensor(self, x_cells: Number, y_cells: Number) -> tuple[Number, Number]:
        """The inverse of `to_cells`."""
        return x_cells * self.scale + self.left_px, y_cells * self.scale + self.top_px


OF_SETS = {"ini-30": SensorCrop(left_px=96, top_px=-16, scale=8)}
"""Crops that a set's authors chose: Ini-30's as Retina cuts it, 640 x 480 -> 512 x 512 (x from 96, y shifted
by 16) -> 64 x 64 (Bonazzi et al., arXiv 2312.00425)."""


def crop_for(width_px: int, height_px: int, recorded_in: str = "", size: int = SIZE) -> SensorCrop:
    """The square for a sensor of this size: the middle, with all of the height and at least 80 % of the
    width, at the finest whole scale.

    recorded_in: a set with a crop of its own (`OF_SETS`), which then holds if its size is asked for.

    >>> crop_for(346, 260)
    SensorCrop(left_px=13, top_px=-30, scale=5, size=64)
    >>> crop_for(128, 128).scale, crop_for(640, 480).scale, crop_for(640, 480, "ini-30").left_px
    (2, 8, 96)
    """
    of_set = OF_SETS.get(recorded_in)
    if of_set is not None and of_set.size == size:
        return of_set
    needed_px = max(height_px, int(np.ceil(SHARE_OF_WIDTH * width_px)))
    scale = -(-needed_px // size)
    return SensorCrop((width_px - size * scale) // 2, (height_px - size * scale) // 2, scale, size)
