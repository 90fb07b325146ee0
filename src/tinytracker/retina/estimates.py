"""From what a network gives to where the pupil is: the middle of a box, the surest box of a grid, or the
numbers themselves. Arrays of numpy in and out; `losses.py` has the same for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.inputs import GRID_BOXES, GRID_SIDE, OutputName

PUPIL_OUTPUTS: tuple[OutputName, ...] = ("pupil", "pupil_box", "pupil_grid")
CLOSED = 0.5  # from this chance on an eye counts as closed


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Where pupils are, one row a window.

    centre: float32 (n, 2), x and y in the window, from 0 at its left and top edge to 1. closed, confidence:
    float32 (n,), chances that the eye is closed and that the centre is right; NaN where a network does not
    say.
    """

    centre: NDArray[np.float32]
    closed: NDArray[np.float32]
    confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.centre)


def estimates_of(outputs: NDArray[np.floating], kind: OutputName) -> Estimates:
    """What a network's outputs (n, numbers of `inputs.OUTPUTS`) say.

    >>> found = estimates_of(np.array([[0.25, 0.5, 0.75, 1.0]], np.float32), "pupil_box")
    >>> found.centre.tolist(), found.closed.tolist()
    ([[0.5, 0.75]], [nan])
    """
    outputs = np.asarray(outputs, np.float32)
    unknown = np.full(len(outputs), np.nan, np.float32)
    if kind == "pupil":
        return Estimates(outputs[:, :2], outputs[:, 2], outputs[:, 3])
    if kind == "pupil_box":
        middle = (outputs[:, :2] + outputs[:, 2:4]) / np.float32(2)
        return Estimates(middle.astype(np.float32), unknown, unknown)
    boxes = outputs.reshape(len(outputs), GRID_SIDE * GRID_SIDE, GRID_BOXES, 5)
    sureness = boxes[..., 4].reshape(len(outputs), -1)
    surest = sureness.argmax(axis=1)
    cell, box = surest // GRID_BOXES, surest % GRID_BOXES
    within = boxes[np.arange(len(outputs)), cell, box, :2]
    corner = np.stack([cell % GRID_SIDE, cell // GRID_SIDE], axis=1)
    confidence = sureness[np.arange(len(outputs)), surest].clip(0, 1)
    return Estimates(((corner + within) / GRID_SIDE).astype(np.float32), unknown, confidence)
