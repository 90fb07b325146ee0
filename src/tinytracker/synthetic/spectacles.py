"""Spectacles, drawn over what is behind them: lenses, rims and bridge in a plane before the eyes. Numba
kernels, head frame."""

from __future__ import annotations

import math
from typing import NamedTuple

from tinytracker.synthetic.colours import blended, scaled
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep
from tinytracker.synthetic.view import direction

_BRIDGE_CM = 0.75
"""From the middle of spectacles to each lens."""
_LENS_REACH = 1.4
"""How far rims may reach from a lens's centre, as a share of the lens."""


class Lenses(NamedTuple):
    """Spectacles; half_width 0 = none. See `subject.Glasses`."""

    half_width: float
    half_height: float
    rim: float
    drop: float
    roundness: float
    tint: float
    distance: float
    reflection: float


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def wear(pixels, i, left, right, lenses, look, lamps, view, factor):
    """Spectacles over columns left to right of row `i` of pixels."""
    rim_light = _rim_light(lamps.table, lamps.ambient)
    for j in range(max(0, left), min(len(pixels), right)):
        ray = direction(view, i * factor + 0.5 * (factor - 1), j * factor + 0.5 * (factor - 1))
        colour = pixels[j, 0], pixels[j, 1], pixels[j, 2]
        pixels[j, 0], pixels[j, 1], pixels[j, 2] = _spectacles(
            lenses, view.origin, ray, factor * view.step_x, look, lamps.ambient, rim_light, colour
        )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def worn(lenses, view, rows, columns, factor):
    """Where pixels may lie behind spectacles: first row, row after the last, and so for columns."""
    if lenses.half_width <= 0:
        return 0, 0, 0, 0
    aside = (1 + _LENS_REACH) * lenses.half_width + _BRIDGE_CM
    above = max(_LENS_REACH * lenses.half_height, 0.35 * lenses.half_height + 0.45 * lenses.rim + 0.15)
    a, b, c = view.turn
    top, left, bottom, right = 1e9, 1e9, -1e9, -1e9
    for corner in range(4):
        x = (aside if corner % 2 else -aside) - view.origin[0]
        y = lenses.drop + (above if corner < 2 else -above) - view.origin[1]
        z = lenses.distance - view.origin[2]
        depth = -(a[2] * x + b[2] * y + c[2] * z)
        if depth < 0.5:  # cm: too near for a pinhole
            return 0, rows, 0, columns
        column = ((a[0] * x + b[0] * y + c[0] * z) / depth - view.x0) / (factor * view.step_x)
        row = ((a[1] * x + b[1] * y + c[1] * z) / depth - view.y0) / (factor * view.step_y)
        top, bottom = min(top, row), max(bottom, row)
        left, right = min(left, column), max(right, column)
    return math.floor(top), math.ceil(bottom), math.floor(left), math.ceil(right)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _spectacles(lenses, origin, ray, pixel, look, ambient, rim_light, colour):
    """A pixel's colour behind lenses and rims. pixel: angle of a pixel (for smooth edges)."""
    if ray[2] > -0.2:
        return colour
    t = (lenses.distance - origin[2]) / ray[2]
    x, y = origin[0] + t * ray[0], origin[1] + t * ray[1]
    u, v = (
        (abs(x) - lenses.half_width - _BRIDGE_CM) / lenses.half_width,
        (y - lenses.drop) / lenses.half_height,
    )
    soft = 0.6 * pixel * t
    bridge = (
        abs(x) < 0.80
        and abs(y - lenses.drop - 0.35 * lenses.half_height - 0.12 * math.cos(2 * x))
        < lenses.rim * 0.45 + 0.03
    )
    if abs(u) < _LENS_REACH and abs(v) < _LENS_REACH:
        radius = (abs(u) ** lenses.roundness + abs(v) ** lenses.roundness) ** (1 / lenses.roundness)
        outside = (radius - 1) * min(lenses.half_width, lenses.half_height)
        if outside < 0:
            colour = scaled(colour, 1 - 0.08 - 0.2 * lenses.tint)
            if lenses.reflection > 0:
                patch = lenses.reflection * smoothstep(
                    0.18, 0.30, noise(x * 0.6 + 0.8 * y + 5, y * 0.7 - x * 0.3, look.seed + 51)
                )
                colour = (
                    colour[0] + ambient[0] * patch * 0.4,
                    colour[1] + ambient[1] * patch * 0.4,
                    colour[2] + ambient[2] * patch * 0.4,
                )
        rim = smoothstep(lenses.rim * 0.5 + soft, lenses.rim * 0.5 - soft, abs(outside - lenses.rim * 0.5))
        colour = _frame(rim, x, y, look, rim_light, colour)
    if bridge:
        colour = _frame(1.0, x, y, look, rim_light, colour)
    return colour


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _frame(cover, x, y, look, rim_light, colour):
    if cover <= 0:
        return colour
    sheen = 0.7 + 0.9 * max(0.0, noise(x * 1.2, y * 2, look.seed + 55))
    frame = (
        look.frame[0] * sheen * rim_light[0],
        look.frame[1] * sheen * rim_light[1],
        look.frame[2] * sheen * rim_light[2],
    )
    return blended(colour, frame, cover)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _rim_light(lamps, ambient):
    """What lights the frame of spectacles: the surroundings and some of the first lamp."""
    direct = (0.0, 0.0, 0.0)
    if lamps.shape[0] > 0:
        direct = (lamps[0, 3] * 0.4, lamps[0, 4] * 0.4, lamps[0, 5] * 0.4)
    return 2 * ambient[0] + direct[0], 2 * ambient[1] + direct[1], 2 * ambient[2] + direct[2]
