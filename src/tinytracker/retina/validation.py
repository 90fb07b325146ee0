"""Validation while a network of pupils is trained: one number to choose weights by."""

from __future__ import annotations

import numpy as np
import torch

from tinytracker.errors import DatasetError
from tinytracker.inputs import KINDS
from tinytracker.models import Network
from tinytracker.retina.estimates import estimates_of
from tinytracker.retina.running import outputs_along
from tinytracker.retina.sequences import Track
from tinytracker.training.validation import Score

LENGTH = 150  # windows run one after the other; fewer where a recording is shorter
AT_ONCE = 8  # sequences
SETTLED = 20  # windows of a sequence that are left out: a tracker that runs has seen others before


class Validation:
    """Sequences of windows, evenly of all tracks, cut once."""

    def __init__(self, tracks: list[Track], at_most: int) -> None:
        self._size = tracks[0].crop.size
        self._length = min(LENGTH, max(2 * SETTLED, min(map(len, tracks))))
        each = max(1, round(at_most / self._length / len(tracks)))
        self._cuts = []
        for track in tracks:
            wanted = min(each, len(track) // self._length)
            firsts = np.linspace(0, max(0, len(track) - self._length), wanted).astype(int)
            self._cuts += [(track, slice(int(first), int(first) + self._length)) for first in firsts]
        if not self._cuts:
            raise DatasetError(
                f"no val recording holds {self._length} windows one after the other; record longer"
            )

    def __len__(self) -> int:
        return len(self._cuts) * self._length

    @torch.inference_mode()
    def score(self, network: Network, bf16: bool = False) -> Score:
        """Mean and median distance in cells over windows with a pupil to find, of people the network does
        not learn from; beside them always-the-mean's and, where it says so, how well it knows closed eyes."""
        outputs = []
        for start in range(0, len(self._cuts), AT_ONCE):
            chosen = self._cuts[start : start + AT_ONCE]
            planes = np.stack([track.planes(rows) for track, rows in chosen]).astype(np.float32)
            last = torch.zeros(len(chosen), KINDS["last_output"].numbers)
            outputs.append(outputs_along(network, torch.from_numpy(planes), last, bf16)[:, SETTLED:].numpy())
        said = np.concatenate(outputs).reshape(-1, outputs[0].shape[-1])
        estimates = estimates_of(said, network.spec.output)
        truth = np.concatenate([track.centre[rows][SETTLED:] for track, rows in self._cuts])
        known = np.concatenate([track.known[rows][SETTLED:] for track, rows in self._cuts])
        closed = np.concatenate([track.closed[rows][SETTLED:] for track, rows in self._cuts])
        apart = np.linalg.norm((estimates.centre - truth)[known] * self._size, axis=1)
        middle = truth[known].mean(axis=0)
        always = np.linalg.norm((truth[known] - middle) * self._size, axis=1)
        parts = {
            "error_cells": float(apart.mean()),
            "median_cells": float(np.median(apart)),
            "always_mean_cells": float(always.mean()),
        }
        if np.isfinite(estimates.closed).all():
            parts["closed_right"] = float(((estimates.closed > 0.5) == closed).mean())
        return Score(parts["error_cells"], parts)
