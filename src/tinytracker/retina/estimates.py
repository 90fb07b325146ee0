"""From what a network gives to where the pupil is: the middle of a box, the middles of a grid's boxes by how
sure each is, or the numbers themselves. Arrays of numpy in and out; `losses.py` has the same for training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.inputs import GRID_BOXES, GRID_SIDE, OutputName

PUPIL_OUTPUTS: tuple[OutputName, ...] = ("pupil", "pupil_box", "pupil_grid")
CLOSED = 0.5  # from this chance on an eye counts as closed
SURENESS = 4  # the power of a confidence by which its box weighs: the surest ones count alone
LEAST_CONFIDENCE = 0.02  # added to each, so that a grid that is sure of nothing says, and learns, something


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
    >>> grid = np.zeros((1, 16, 2, 5), np.float32)
    >>> grid[0, 5, 0], grid[0, 6, 1] = (1.0, 0.5, 0.6, 0.6, 1.0), (0.1, 0.5, 0.6, 0.6, 1.0)  # of two cells
    >>> [round(float(place), 3) for place in estimates_of(grid.reshape(1, 160), "pupil_grid").centre[0]]
    [0.512, 0.375]
    """
    outputs = np.asarray(outputs, np.float32)
    unknown = np.full(len(outputs), np.nan, np.float32)
    if kind == "pupil":
        return Estimates(outputs[:, :2], outputs[:, 2], outputs[:, 3])
    if kind == "pupil_box":
        middle = (outputs[:, :2] + outputs[:, 2:4]) / np.float32(2)
        return Estimates(middle.astype(np.float32), unknown, unknown)
    boxes = outputs.reshape(len(outputs), GRID_SIDE * GRID_SIDE, GRID_BOXES, 5)
    cell = np.arange(GRID_SIDE * GRID_SIDE)
    corners = np.stack([cell % GRID_SIDE, cell // GRID_SIDE], axis=1)[:, None]
    # A pupil at the edge of a cell is in the boxes of both: of their middles the mean, not one or the other.
    weights = (boxes[..., 4:].clip(min=0) + np.float32(LEAST_CONFIDENCE)) ** SURENESS
    middles = (corners + boxes[..., :2]) / GRID_SIDE
    centre = (weights * middles).sum(axis=(1, 2)) / weights.sum(axis=(1, 2))
    return Estimates(centre.astype(np.float32), unknown, boxes[..., 4].max(axis=(1, 2)).clip(0, 1))
