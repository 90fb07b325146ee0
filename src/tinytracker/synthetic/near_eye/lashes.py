"""Lashes: where each grows, and drawing them over a picture. Numba kernels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.near_eye.anatomy import NearEye
from tinytracker.synthetic.near_eye.optics import project
from tinytracker.synthetic.near_eye.shade import along
from tinytracker.synthetic.near_eye.surface import height

SEGMENTS = 5


class Lashes(NamedTuple):
    """One row each, cm: x of the root, whether it is an upper one, length, width at the root, how much it
    leans aside, starts downwards, curls. reflectance: of all."""

    x: np.ndarray
    is_upper: np.ndarray
    length: np.ndarray
    width: np.ndarray
    lean: np.ndarray
    downward: np.ndarray
    curl: np.ndarray
    reflectance: float


def grow(person: NearEye, rng: np.random.Generator) -> Lashes:
    """Somebody's lashes: longest in the middle, fanned out, in tufts here and there."""
    hairs, lids = person.hairs, person.lids
    above, below = hairs.lashes_above, hairs.lashes_below
    share = np.concatenate([_spread(rng, above, 0.12, 0.985), _spread(rng, below, 0.2, 0.97)])
    is_upper = np.arange(above + below) < above
    x = person.side * (share * (lids.nasal_cm + lids.temporal_cm) - lids.nasal_cm)
    middle = 1 - 0.45 * np.abs(2 * share - 1.1) ** 2
    length = hairs.lash_length_cm * middle * rng.uniform(0.7, 1.1, len(x)) * np.where(is_upper, 1, 0.5)
    fan = person.side * (share - 0.5) * 1.1
    return Lashes(
        x=x,
        is_upper=is_upper,
        length=length,
        width=hairs.lash_width_cm * rng.uniform(0.8, 1.2, len(x)) * np.where(is_upper, 1, 0.75),
        lean=fan + rng.normal(0, 0.13, len(x)),
        downward=hairs.lash_downward + rng.normal(0, 0.1, len(x)),
        curl=hairs.lash_curl + rng.normal(0, 0.1, len(x)),
        reflectance=hairs.reflectance,
    )


def _spread(rng: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    even = low + (high - low) * (np.arange(count) + 0.5) / max(1, count)
    return np.clip(even + rng.normal(0, 0.012, count), low, high)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def draw_lashes(image, light, lashes, curves, surface, pixels):
    """Draws them into image (H, W), as bright as the light (H, W) at their place lets them be."""
    for k in range(lashes.x.shape[0]):
        x = lashes.x[k]
        at = (x + curves.reach) * curves.per_cm
        upward = 1.0 if lashes.is_upper[k] else -1.0
        y = along(curves.upper, at) if lashes.is_upper[k] else along(curves.lower, at)
        z = height(x, y, surface)
        scale = 1 / math.sqrt(0.25 * x * x + y * y + z * z)
        out_y, out_z = y * scale, z * scale
        out_y -= upward * lashes.downward[k]
        length = lashes.length[k]
        from_x, from_y, depth = project(x, y, z, pixels)
        for s in range(1, SEGMENTS + 1):
            q = s / SEGMENTS
            to_x, to_y, depth = project(
                x + length * q * lashes.lean[k],
                y + length * (q * out_y + q * q * upward * lashes.curl[k]),
                z + length * q * out_z * (1 - 0.3 * q),
                pixels,
            )
            if depth < 0.3:
                break
            width = lashes.width[k] * (1.05 - q) * pixels.focal / depth
            _draw_segment(image, light, from_x, from_y, to_x, to_y, width, lashes.reflectance)
            from_x, from_y = to_x, to_y


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def _draw_segment(image, light, ax, ay, bx, by, width, reflectance):
    h, w = image.shape
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    if square < 1e-6:
        return
    reach = 0.5 * width + 0.5
    length = math.sqrt(square)
    least, most = max(0, int(min(ax, bx) - reach)), min(w, int(max(ax, bx) + reach) + 2)
    for j in range(max(0, int(min(ay, by) - reach)), min(h, int(max(ay, by) + reach) + 2)):
        first, end = least, most
        if abs(dy) > 1e-6:  # of its row, what lies within reach of the segment's line
            middle, half = ax + (j - ay) * dx / dy, reach * length / abs(dy)
            first = max(first, int(min(middle - half, 1e6)))
            end = min(end, int(max(middle + half, -1.0)) + 2)
        for i in range(first, end):
            t = ((i - ax) * dx + (j - ay) * dy) / square
            if t < 0 or t >= 1:
                continue
            away = abs((i - ax) * dy - (j - ay) * dx) / length
            cover = min(min(1.0, width), reach - away)
            if cover > 0:
                image[j, i] += (reflectance * light[j, i] - image[j, i]) * cover
