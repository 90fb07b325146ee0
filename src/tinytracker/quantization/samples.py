"""A dataset's samples as the real-valued arrays a float network eats: for calibration, fake-quant
training, comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinytracker.cards import InputSpec
from tinytracker.engines.feed import CropSource, Feed, read_crops
from tinytracker.engines.protocol import TensorSpec


class FloatSamples:
    """Reads samples by index. inputs: of the network, in its order."""

    def __init__(self, source: CropSource, inputs: Sequence[InputSpec]) -> None:
        self._source = source
        self._feed = Feed(inputs, [TensorSpec(spec.name, (1, *spec.shape), "float32") for spec in inputs])

    def read(self, indices: np.ndarray) -> list[np.ndarray]:
        """Per input float32 (n, *shape), pictures channels last."""
        return self._feed.from_crops(read_crops(self._source, indices, self._feed.kinds))

    def one_by_one(self, indices: np.ndarray) -> Iterator[list[np.ndarray]]:
        """The same, a sample at a time, each array with a leading 1."""
        for index in indices:
            yield self.read(np.array([index]))


def evenly(indices: np.ndarray, at_most: int) -> np.ndarray:
    """At most so many of the indices, evenly spread: the same ones every time."""
    if len(indices) <= at_most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, at_most).round().astype(int)]
