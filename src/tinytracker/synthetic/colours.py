"""Colours and directions as the kernels pass them on: tuples of three floats.

Not arrays: numba counts the references to every array that it hands to another function, and that took longer
than all the arithmetic of a pixel. It leaves out more of the counting where nothing can raise, so divisions
go by numpy's rules, without a check for zero (`error_model`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tinytracker.synthetic.jit import njit

Triple = tuple[float, float, float]
"""A colour (linear red, green, blue) or a vector (x, y, z)."""


def triple(values: ArrayLike) -> Triple:
    """Three numbers (3,) of any kind.

    >>> triple([1, 2, 3])
    (1.0, 2.0, 3.0)
    """
    a, b, c = np.asarray(values, float)
    return float(a), float(b), float(c)


def rows_of(matrix: ArrayLike) -> tuple[Triple, Triple, Triple]:
    """A matrix (3, 3), row by row."""
    a, b, c = np.asarray(matrix, float)
    return triple(a), triple(b), triple(c)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def scaled(colour, factor):
    """A colour times a number."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def blended(colour, other, share):
    """From one colour (share 0) to another (share 1)."""
    return (
        colour[0] + (other[0] - colour[0]) * share,
        colour[1] + (other[1] - colour[1]) * share,
        colour[2] + (other[2] - colour[2]) * share,
    )
