"""A network of pupils ready to be asked, window after window: its card, an engine, and what it said last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.engines.fit import only_output
from tinytracker.engines.protocol import Engine
from tinytracker.engines.registry import open_engine
from tinytracker.errors import ModelError, UsageError
from tinytracker.inputs import KINDS
from tinytracker.progress import Progress, no_progress
from tinytracker.retina.estimates import PUPIL_OUTPUTS, Estimates, estimates_of
from tinytracker.zoo import find

AT_ONCE = 64


class PupilModel:
    """A network of pupils and its state. Not for several threads at once.

    >>> model = PupilModel.load("pupil")
    >>> nothing = np.zeros((2, model.window.height_px, model.window.width_px), np.uint8)
    >>> model.estimate(nothing).centre.shape
    (1, 2)
    """

    def __init__(self, card: ModelCard, engine: Engine, source: str = "") -> None:
        """source: what messages call it. Raises UsageError for a network that sees no events, or whose
        windows follow each other inside it (a spiking one), ModelError if card and tensors disagree."""
        self.card, self.engine, self.source = card, engine, source or card.name
        refuse_unless_pupil(card, self.source)
        if card.output == "pupil_grid":
            raise UsageError(
                f"{self.source} is a spiking network, whose neurons hold its state: `tinytracker evaluate` "
                f"runs its checkpoint, `export --target nir` makes a file for a neuromorphic chip"
            )
        only_output(card, engine.outputs, self.source)
        shapes = sorted((1, *spec.shape) for spec in card.inputs)
        if sorted(tensor.shape for tensor in engine.inputs) != shapes:
            raise ModelError(
                f"{self.source}: its card promises inputs {shapes}, the network has "
                f"{[tensor.shape for tensor in engine.inputs]}"
            )
        self._events = next(k for k, one in enumerate(engine.inputs) if one.shape == (1, *self.window.shape))
        self._last = next((k for k in range(len(engine.inputs)) if k != self._events), None)
        self._stored_last = self._silence()

    @classmethod
    def load(cls, model: str | Path, engine: str | None = None) -> PupilModel:
        """A released name or a file with its card; engine: of `engines.registry`, by default what fits the
        file. Raises ModelError, UsageError, MissingExtraError."""
        weights = find(model)
        card = weights.require_card()
        refuse_unless_pupil(card, str(model))
        return cls(card, open_engine(weights.path, engine), str(model))

    @property
    def window(self) -> InputSpec:
        """The window it sees: its size in cells and how many of them are filled."""
        return next(spec for spec in self.card.inputs if KINDS[spec.kind].planes)

    @property
    def remembers(self) -> bool:
        """Whether what it says depends on what it said before."""
        return self._last is not None

    def forget(self) -> None:
        """As if no window had been seen: before another recording."""
        self._stored_last = self._silence()

    def estimate(self, planes: NDArray[np.uint8]) -> Estimates:
        """The pupil in the next window, (2, height, width) of 0 and 1."""
        return self.estimates(planes[None])

    def estimates(self, planes: NDArray[np.uint8], progress: Progress = no_progress) -> Estimates:
        """The pupil in the next windows, (n, 2, height, width) of 0 and 1, one after the other."""
        return estimates_of(self.outputs(planes, progress), self.card.output)

    def outputs(self, planes: NDArray[np.uint8], progress: Progress = no_progress) -> NDArray[np.float32]:
        """What the network itself gives for the next windows, real values, (n, numbers)."""
        tensor, output = self.engine.inputs[self._events], self.engine.outputs[0]
        levels = tensor.quantize(np.array([0.0, 1.0]))
        at_once = 1 if self.remembers or self.engine.batch == 1 else AT_ONCE
        rows = [np.empty((0, len(self.card.outputs)), np.float32)]
        for start in range(0, len(planes), at_once):
            chosen = planes[start : start + at_once].transpose(0, 2, 3, 1)
            stored = self.engine.invoke(self._ordered(np.ascontiguousarray(levels[chosen])))[0]
            if self.remembers:
                self._stored_last = self._handed_on(stored)
            rows.append(output.dequantize(stored).reshape(len(chosen), -1))
            progress(start + len(chosen), len(planes))
        return np.concatenate(rows)

    def _ordered(self, events: np.ndarray) -> list[np.ndarray]:
        if self._last is None:
            return [events]
        return [events, self._stored_last] if self._events == 0 else [self._stored_last, events]

    def _silence(self) -> np.ndarray:
        if self._last is None:
            return np.empty(0)
        tensor = self.engine.inputs[self._last]
        return tensor.quantize(np.zeros(tensor.shape))

    def _handed_on(self, stored: np.ndarray) -> np.ndarray:
        """An output as the input that it becomes: the same bytes where both have one scale."""
        assert self._last is not None
        given, taken = self.engine.outputs[0], self.engine.inputs[self._last]
        same = (given.dtype, given.scale, given.zero_point) == (taken.dtype, taken.scale, taken.zero_point)
        return (stored if same else taken.quantize(given.dequantize(stored))).reshape(taken.shape)


def refuse_unless_pupil(card: ModelCard, source: str) -> None:
    """Raises UsageError for a network that sees something else than events."""
    if card.output not in PUPIL_OUTPUTS:
        raise UsageError(
            f"{source} gives {card.output} of faces; expected a network of pupils, such as pupil"
        )
