"""What a network is quantised on: samples to calibrate with and to learn rounding from, and figures to choose
by. A ground for faces is here; one for event cameras is `retina.ground`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from tinytracker.cards import ModelCard
from tinytracker.data.dataset import Dataset
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DatasetError
from tinytracker.progress import Progress
from tinytracker.quantization.samples import FloatSamples


class Samples(Protocol):
    """Samples by index, as the real-valued arrays a float network eats."""

    def read(self, indices: np.ndarray) -> list[np.ndarray]:
        """Per input float32 (n, *shape), pictures channels last."""
        ...

    def one_by_one(self, indices: np.ndarray) -> Iterator[list[np.ndarray]]:
        """The same, a sample at a time, each array with a leading 1."""
        ...


class Ground(Protocol):
    """name: for messages. unit: of `outputs` and `truth` where errors are distances, else "". limit: the cost
    from which on calibration alone will not do. samples: of all splits."""

    name: str
    unit: str
    limit: float

    @property
    def samples(self) -> Samples: ...

    def split(self, split: str) -> np.ndarray:
        """Indices of the samples of "train", "val" or "test"; none if there are no such people."""
        ...

    def outputs(self, tflite: bytes, indices: np.ndarray, progress: Progress) -> np.ndarray:
        """What a float or int8 file gives for samples, (n, numbers), in `unit`."""
        ...

    def truth(self, indices: np.ndarray) -> np.ndarray | None:
        """What is true of samples, as `outputs` gives it; None where errors are not distances."""
        ...


def training_of(ground: Ground) -> np.ndarray:
    """Indices of the samples to calibrate with; raises DatasetError where there are none."""
    indices = ground.split("train")
    if not len(indices):
        raise DatasetError(
            f"{ground.name} has no training people to calibrate on; prepare a dataset with a train split"
        )
    return indices


class FaceGround:
    """A dataset of faces, for a gaze network or an eye locator (whose cost is its drift)."""

    def __init__(
        self, dataset: Dataset, card: ModelCard, limit_cm: float = 0.03, eyes_limit: float = 0.01
    ) -> None:
        self.name = dataset.name
        self.samples = FloatSamples(dataset, card.inputs)
        self._dataset, self._card = dataset, card
        self.unit = "cm" if card.output == "gaze" else ""
        self.limit = limit_cm if card.output == "gaze" else eyes_limit

    def split(self, split: str) -> np.ndarray:
        return self._dataset.split(split)

    def outputs(self, tflite: bytes, indices: np.ndarray, progress: Progress) -> np.ndarray:
        model = GazeModel(self._card, LiteRTEngine(tflite))
        return model.predict_batch(self._dataset, indices, progress)

    def truth(self, indices: np.ndarray) -> np.ndarray | None:
        if self._card.output != "gaze":
            return None
        labels = self._dataset.labels
        return np.stack([labels["gaze_x_cm"][indices], labels["gaze_y_cm"][indices]], axis=1)
