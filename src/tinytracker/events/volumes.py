"""Causal volumes: the newest events counted in bins of time, for networks that look at motion.

A bin is `bin_us` long and begins at a multiple of it, so that no event has to be counted again when time goes
on; the newest bin, which is not over yet, comes last. Nothing of what is yet to come is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events

LARGEST_COUNT = 255


@dataclass(frozen=True, slots=True)
class Volume:
    """How events are counted. bins: how many; bin_us: how long each is. Raises UsageError unless above 0."""

    bins: int = 4
    bin_us: int = 5_000

    def __post_init__(self) -> None:
        if self.bins < 1 or self.bin_us < 1:
            raise UsageError(f"a volume of {self.bins} bins of {self.bin_us} us; expected both above 0")


def volume_at(events: Events, end: int, crop: SensorCrop, volume: Volume) -> NDArray[np.uint8]:
    """The volume of the events before place `end`: uint8 (bins, 2, size, size), counts up to 255; the
    definition that `VolumeBuilder` is compared with.

    Of a sensor's events those outside of the crop count for the time, not for the cells.
    """
    earlier = events.rows(0, end)
    counts = np.zeros((volume.bins, 2, crop.size**2), np.int64)
    if len(earlier):
        inside, cells = crop.cells_of(earlier)
        newest = earlier.t_us[-1] // volume.bin_us
        bins = earlier.t_us[inside] // volume.bin_us - newest + volume.bins - 1
        seen = bins >= 0
        np.add.at(counts, (bins[seen], earlier.on[inside][seen].astype(int), cells[seen]), 1)
    counts = np.minimum(counts, LARGEST_COUNT)
    return counts.astype(np.uint8).reshape(volume.bins, 2, crop.size, crop.size)


class VolumeBuilder:
    """The volume of the events so far: a ring of bins, the oldest cleared when a new one begins.

    Raises MissingExtraError without numba.
    """

    def __init__(self, crop: SensorCrop, volume: Volume) -> None:
        from tinytracker.events.kernels import push_into_volume

        self.crop, self.volume = crop, volume
        self._push = push_into_volume
        self._ring = np.zeros((volume.bins, 2, crop.size**2), np.uint8)
        self._newest_bin = -1

    def push(self, events: Events) -> None:
        """Takes events in, which come after those taken before; their times are not negative."""
        if len(events):
            self._newest_bin = self._push(
                (events.t_us, events.x_px, events.y_px, events.on),
                (self.crop.left_px, self.crop.top_px, self.crop.scale, self.crop.size),
                self.volume.bin_us,
                self._ring,
                self._newest_bin,
            )

    def counts(self) -> NDArray[np.uint8]:
        """uint8 (bins, 2, size, size), the newest bin last; a copy."""
        order = (self._newest_bin + 1 + np.arange(self.volume.bins)) % self.volume.bins
        return self._ring[order].reshape(self.volume.bins, 2, self.crop.size, self.crop.size)
