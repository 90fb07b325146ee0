"""A camera as the kernels take it: from where and along which ray each sample is seen, head frame."""

from __future__ import annotations

import math
from typing import NamedTuple

from tinytracker.synthetic.colours import Triple
from tinytracker.synthetic.jit import njit


class View(NamedTuple):
    """The camera in the head frame: its origin; what turns camera axes to head axes, row by row; sample
    (i, j) looks along ((j + .5) * step_x + x0, (i + .5) * step_y + y0, -1) before turning."""

    origin: Triple
    turn: tuple[Triple, Triple, Triple]
    x0: float
    y0: float
    step_x: float
    step_y: float


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def direction(view, row, column):
    """Unit direction of a sample's ray in the head frame."""
    x, y = (column + 0.5) * view.step_x + view.x0, (row + 0.5) * view.step_y + view.y0
    inverse = 1 / math.sqrt(x * x + y * y + 1)
    a, b, c = view.turn
    return (
        (a[0] * x + a[1] * y - a[2]) * inverse,
        (b[0] * x + b[1] * y - b[2]) * inverse,
        (c[0] * x + c[1] * y - c[2]) * inverse,
    )
