"""Small numba functions every kernel uses: smooth steps and value noise on an integer hash (no random
state)."""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def smoothstep(start, end, value):
    """0 before `start`, 1 after `end`, a cubic between; start may be larger than end (then it falls)."""
    t = (value - start) / (end - start)
    t = min(1.0, max(0.0, t))
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, nogil=True, inline="always")
def hashed(i, j, seed):
    """A pseudo-random number in [0, 1] for a lattice point."""
    n = (i * 374761393 + j * 668265263 + seed * 974711) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 65535.0


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def noise(x, y, seed):
    """Value noise in [-0.5, 0.5], smooth, one bump per unit."""
    return inlined_noise(x, y, seed)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def inlined_noise(x, y, seed):
    """`noise`, for loops that are to take many places at once."""
    i, j = math.floor(x), math.floor(y)
    u, v = x - i, y - j
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    a, b, c, d = (
        hashed(i, j, seed),
        hashed(i + 1, j, seed),
        hashed(i, j + 1, seed),
        hashed(i + 1, j + 1, seed),
    )
    return (a + (b - a) * u) * (1.0 - v) + (c + (d - c) * u) * v - 0.5


@njit(cache=True, nogil=True)
def noise_at(places, seed):
    """Value noise at places (n, 2): float64 (n,) in [-0.5, 0.5]."""
    out = np.empty(places.shape[0])
    for k in range(places.shape[0]):
        out[k] = noise(places[k, 0], places[k, 1], seed)
    return out
