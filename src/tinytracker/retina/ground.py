"""What a network of pupils is quantised on: windows along recordings, in order, so that what it said last is
what it would have said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from tinytracker.cards import ModelCard
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.events.dataset import SPLITS, EventDataset
from tinytracker.inputs import KINDS
from tinytracker.models import Network
from tinytracker.progress import Progress
from tinytracker.retina.model import PupilModel
from tinytracker.retina.running import outputs_of_track
from tinytracker.retina.sequences import Track, tracks_of, window_of

MOST_WINDOWS = 12_000  # of a split; of its recordings the beginnings


class PupilGround:
    """A dataset of event recordings as `quantization.ground.Ground`.

    Samples are the windows of all splits, one recording after the other; a split's are those with a pupil to
    find. every_us: between windows.
    """

    def __init__(
        self, dataset: EventDataset, network: Network, card: ModelCard, every_us: int = 5000
    ) -> None:
        self.name, self.unit, self.limit = dataset.folder.name, "px", 0.05
        self._network, self._card = network.eval(), card
        window = window_of(network.spec.inputs[0])
        self._tracks: list[tuple[str, Track]] = []
        for split in SPLITS:
            names = dataset.names(split)
            if names:
                found = tracks_of(dataset.recordings(split), window, every_us)
                self._tracks += [(split, track) for track in _shortened(found)]
        self._starts = np.cumsum([0, *(len(track) for _, track in self._tracks)])
        self._said: dict[int, np.ndarray] = {}

    @property
    def samples(self) -> PupilGround:
        return self

    def split(self, split: str) -> np.ndarray:
        places = [np.empty(0, np.int64)]
        for start, (belongs, track) in zip(self._starts, self._tracks, strict=False):
            if belongs == split:
                places.append(start + np.flatnonzero(track.known))
        return np.concatenate(places)

    def read(self, indices: np.ndarray) -> list[np.ndarray]:
        arrays = [np.empty((len(indices), *spec.shape), np.float32) for spec in self._card.inputs]
        for rows, number, places in self._by_track(indices):
            track = self._tracks[number][1]
            for array, spec in zip(arrays, self._card.inputs, strict=True):
                if KINDS[spec.kind].planes:
                    array[rows] = track.planes(places).transpose(0, 2, 3, 1)
                else:
                    array[rows] = self._said_before(number)[places]
        return arrays

    def one_by_one(self, indices: np.ndarray) -> Iterator[list[np.ndarray]]:
        for index in indices:
            yield self.read(np.array([index]))

    def outputs(self, tflite: bytes, indices: np.ndarray, progress: Progress) -> np.ndarray:
        """Centres in cells: every recording from its beginning, for what is said of a window depends on
        those before it."""
        model = PupilModel(self._card, LiteRTEngine(tflite))
        found = np.empty((len(indices), 2), np.float32)
        done = 0
        for rows, number, places in self._by_track(indices):
            track = self._tracks[number][1]
            model.forget()
            if model.remembers:
                centres = model.estimates(track.planes(slice(0, int(places.max()) + 1))).centre[places]
            else:
                centres = model.estimates(track.planes(places)).centre
            found[rows] = centres * track.crop.size
            done += len(places)
            progress(done, len(indices))
        return found

    def truth(self, indices: np.ndarray) -> np.ndarray:
        truth = np.empty((len(indices), 2), np.float32)
        for rows, number, places in self._by_track(indices):
            track = self._tracks[number][1]
            truth[rows] = track.centre[places] * track.crop.size
        return truth

    def _by_track(self, indices: np.ndarray) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
        """(rows of `indices`, number of the track, windows of it)."""
        numbers = np.searchsorted(self._starts, indices, side="right") - 1
        for number in np.unique(numbers):
            rows = np.flatnonzero(numbers == number)
            yield rows, int(number), indices[rows] - self._starts[number]

    def _said_before(self, number: int) -> np.ndarray:
        """What the float network said of the window before each one, (n, 16)."""
        if number not in self._said:
            with torch.inference_mode():
                outputs = outputs_of_track(self._network, self._tracks[number][1])
            self._said[number] = np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])
        return self._said[number]


def _shortened(tracks: list[Track]) -> list[Track]:
    """The beginnings of tracks, together MOST_WINDOWS at most."""
    each = max(1, MOST_WINDOWS // len(tracks))
    columns = ("packed", "at_us", "newest_us", "centre", "closed", "openness")
    return [
        replace(track, **{column: getattr(track, column)[:each] for column in columns}) for track in tracks
    ]
