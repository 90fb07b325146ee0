"""From rasterised samples to pixels: the kernel that colours what was hit and averages the samples of each
pixel.

Where all samples of a pixel lie on plain skin, hair or cloth the pixel is shaded once (as multisampling
does); eyes and outlines are shaded at every sample.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.colours import Triple, scaled
from tinytracker.synthetic.eyeball import Eye, EyeLook, EyeState, draw_eye
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep
from tinytracker.synthetic.spectacles import wear, worn
from tinytracker.synthetic.surfaces import (
    BARE,
    CHEST,
    CLOTH_GLOSS,
    CLOTHED,
    LEFT_EYE,
    MIXED,
    PARTS,
    Look,
    cloth_colour,
    cloth_fold,
    edge_light,
    is_covered,
    surface_colour,
    torso_colour,
    torso_fold,
)
from tinytracker.synthetic.view import direction

EYE_REACH_CM = (1.95, 1.05, 1.30)
"""The region around an eye's centre that is drawn sample by sample: to either side, below, above."""


_VALUES = 15
"""At each place: light, gloss, chart (8), what covers it or where it is (3), reflectance and gloss (4)."""

_BAND = 8
"""Rows of pixels that are shaded at a time."""


class Surface(NamedTuple):
    """A person's mesh as the kernel takes it; see `mesh.HeadMesh`.

    triangles: uint32 (T, 3): of a signed index numba asks whether it is negative. sort: uint8 (T,) the kind,
    and 16 times the part, see `surfaces`. unlit: float32 (V, 8) per vertex, what `light.illuminate` has still
    to fill: light r, g, b, gloss r, g, b, and chart x, y. covering: float32 (V, 3) chart z, share of hair, cm
    within clothes.
    """

    triangles: np.ndarray
    sort: np.ndarray
    unlit: np.ndarray
    covering: np.ndarray
    painting: np.ndarray


class Lamps(NamedTuple):
    """Lights, head frame. table: (n, 8) per lamp [direction x, y, z, colour r, g, b, cosine of the angular
    radius, glint]."""

    table: np.ndarray
    ambient: Triple


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def resolve(
    out,
    hit,
    weight_b,
    weight_c,
    lit,
    moved,
    surface,
    look,
    eye_look,
    eye_state,
    lamps,
    view,
    lenses,
    factor,
):
    """Colour the pixels of `out`, float32 (rows, columns, 3) linear light, which holds the background.

    hit, weight_b, weight_c: from `raster.rasterise` on a grid `factor` times finer. lit: (V, 8) from
    `light.illuminate`. moved: float32 (V, 3) vertices, head frame.

    Some rows at a time, what is to be shaded is listed by what is seen there; each list is then gone through
    by loops so short that a processor is at many of their rounds at once.
    """
    rows, columns = out.shape[0], out.shape[1]
    worn_top, worn_bottom, worn_left, worn_right = worn(lenses, view, rows, columns, factor)
    most = _BAND * columns * factor * factor
    places, listed = np.empty((PARTS, most, 3), np.int32), np.empty(PARTS, np.int64)
    values = np.empty((_VALUES, most + 8))  # more, so that they do not lie a power of two apart
    pixels, reach = np.empty((_BAND * columns, 3)), np.empty((_BAND, 2), np.int64)
    share = 1 / (factor * factor)
    for top in range(0, rows, _BAND):
        bottom = min(rows, top + _BAND)
        for i in range(top, bottom):
            first, beyond = _reached(hit, i * factor, factor)
            if worn_top <= i < worn_bottom:
                first, beyond = min(first, worn_left), max(beyond, worn_right)
            reach[i - top, 0], reach[i - top, 1] = max(0, first), min(columns, beyond)
        first, beyond = top * factor, bottom * factor
        behind, reached = out[top:bottom], reach[: bottom - top]
        _list(behind, reached, hit[first:beyond], surface.sort, factor, pixels, places, listed)
        samples = (
            hit[first:beyond].reshape(-1),
            weight_b[first:beyond].reshape(-1),
            weight_c[first:beyond].reshape(-1),
        )
        _shade_bare(places[BARE, : listed[BARE]], samples, lit, surface, share, values, pixels)
        for part in (CLOTHED, CHEST):
            _shade_cloth(
                part, places[part, : listed[part]], samples, lit, surface, look, share, values, pixels
            )
        _shade_mixed(places[MIXED, : listed[MIXED]], samples, lit, surface, look, share, values, pixels)
        for e in range(2):
            eye = eye_state.left if e == 0 else eye_state.right
            seen = places[LEFT_EYE + e, : listed[LEFT_EYE + e]]
            margins = eye_state.margins[e]
            grid = first, columns * factor
            _shade_eye(
                e,
                seen,
                grid,
                samples,
                lit,
                moved,
                surface,
                eye_look,
                eye,
                margins,
                lamps,
                view,
                share,
                values,
                pixels,
            )
        for i in range(max(top, worn_top), min(bottom, worn_bottom)):
            row = pixels[(i - top) * columns : (i - top + 1) * columns]
            wear(row, i, worn_left, worn_right, lenses, look, lamps, view, factor)
        for i in range(bottom - top):
            for j in range(reach[i, 0], reach[i, 1]):
                for c in range(3):
                    behind[i, j, c] = pixels[i * columns + j, c]


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _list(behind, reach, hit, sort, factor, pixels, places, listed):
    """What is to be shaded within some rows of pixels: `places` [part][n] = [pixel, first sample, last
    sample], counted along all rows; `listed` says how many of each part. A pixel's samples are shaded as one,
    by the first and the last, or each by itself: then `pixels` is set to what is left of `behind`.

    reach: (rows, 2) the pixels of each row to look at.
    """
    columns, width, count = behind.shape[1], hit.shape[1], factor * factor
    last = (factor - 1) * (width + 1)
    listed[:] = 0
    for i in range(behind.shape[0]):
        for j in range(reach[i, 0], reach[i, 1]):
            pixel, sample = i * columns + j, i * factor * width + j * factor
            t = hit[i * factor, j * factor]
            usual = sort[t] & 15 if t >= 0 else 0
            alike, free = True, 0
            for y in range(i * factor, (i + 1) * factor):
                for x in range(j * factor, (j + 1) * factor):
                    t = hit[y, x]
                    free += t < 0
                    found = sort[t] if t >= 0 else 255
                    alike &= (found < 16 * LEFT_EYE) & (found & 15 == usual)
            if alike:
                part, other = _part(sort[hit[i * factor, j * factor]]), _part(sort[t])
                _add(places, listed, part if part == other else MIXED, pixel, sample, sample + last)
                continue
            for c in range(3):
                pixels[pixel, c] = behind[i, j, c] * (free / count)
            if free < count:
                for y in range(i * factor, (i + 1) * factor):
                    for x in range(j * factor, (j + 1) * factor):
                        t = hit[y, x]
                        if t >= 0:
                            _add(places, listed, _part(sort[t]), pixel, y * width + x, y * width + x)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _part(sort):
    return np.int64(sort) >> 4


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _add(places, listed, part, pixel, sample, other):
    n = listed[part]
    places[part, n, 0], places[part, n, 1], places[part, n, 2] = pixel, sample, other
    listed[part] = n + 1


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _shade_bare(places, samples, lit, surface, share, values, pixels):
    """Painted skin. share: of a pixel that a sample has. values: (_VALUES, n) to work with."""
    at, skin = values[:8], values[11:]
    _interpolate(places, samples, surface.triangles, lit, 8, at)
    _paint(surface.painting, at, skin, len(places))
    _colour(places, at, skin, share, pixels)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _shade_cloth(part, places, samples, lit, surface, look, share, values, pixels):
    """Where nothing but clothes, or but the torso, is seen."""
    at, on, fold, skin = values[:8], values[8:9], values[9], values[11:]
    _interpolate(places, samples, surface.triangles, lit, 8, at)
    if part == CLOTHED:
        _interpolate(places, samples, surface.triangles, surface.covering, 1, on)
        for n in range(len(places)):
            fold[n] = cloth_fold(at[6, n], at[7, n], on[0, n], look.seed)
        for n in range(len(places)):
            skin[0, n], skin[1, n], skin[2, n] = cloth_colour(at[6, n], at[7, n], fold[n], look)
    else:
        for n in range(len(places)):
            fold[n] = torso_fold(at[6, n], at[7, n], look.seed)
        for n in range(len(places)):
            skin[0, n], skin[1, n], skin[2, n] = torso_colour(at[6, n], at[7, n], fold[n], look)
    for n in range(len(places)):
        skin[3, n] = CLOTH_GLOSS
    _colour(places, at, skin, share, pixels)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _shade_mixed(places, samples, lit, surface, look, share, values, pixels):
    """Hair, and whatever may lie under something."""
    sort, painting, hit = surface.sort, surface.painting, samples[0]
    at, on, skin = values[:8], values[8:11], values[11:]
    _interpolate(places, samples, surface.triangles, lit, 8, at)
    _interpolate(places, samples, surface.triangles, surface.covering, 3, on)
    for n in range(len(places)):
        x, y, z, hair, cloth = at[6, n], at[7, n], on[0, n], on[1, n], on[2, n]
        kind = sort[np.uint32(hit[places[n, 2]])] & 15
        if is_covered(kind, cloth):
            colour = cloth_colour(x, y, cloth_fold(x, y, z, look.seed), look)
            colour, gloss = scaled(colour, edge_light(cloth)), CLOTH_GLOSS
        else:
            colour, gloss = _painted(painting, x, y)
            colour, gloss = surface_colour(kind, x, y, z, hair, cloth, colour, gloss, look)
        skin[0, n], skin[1, n], skin[2, n], skin[3, n] = colour[0], colour[1], colour[2], gloss
    _colour(places, at, skin, share, pixels)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _shade_eye(
    e, places, grid, samples, lit, moved, surface, look, eye, margins, lamps, view, share, values, pixels
):
    """The region of eye `e`. grid: row of the first sample, and samples in a row."""
    lamp_table, (top, width) = lamps.table, grid
    at, on, skin = values[:8], values[8:11], values[11:]
    _interpolate(places, samples, surface.triangles, lit, 8, at)
    _interpolate(places, samples, surface.triangles, moved, 3, on)
    _paint(surface.painting, at, skin, len(places))
    for n in range(len(places)):
        pixel, sample, gloss = places[n, 0], places[n, 1], skin[3, n]
        colour = draw_eye(
            e,
            on[0, n],
            on[1, n],
            (skin[0, n], skin[1, n], skin[2, n]),
            (at[0, n], at[1, n], at[2, n]),
            (at[3, n] * gloss, at[4, n] * gloss, at[5, n] * gloss),
            view.origin,
            direction(view, top + sample // width, sample % width),
            look,
            eye,
            margins,
            lamp_table,
            lamps.ambient,
        )
        for c in range(3):
            pixels[pixel, c] += share * colour[c]


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _interpolate(places, samples, triangles, values, count, out):
    """The first `count` of the vertices' values (V, n) at places: `out` (count, places)."""
    hit, weight_b, weight_c = samples
    for n in range(len(places)):
        sample, other = places[n, 1], places[n, 2]
        t, u = np.uint32(hit[sample]), np.uint32(hit[other])
        there = other if t == u else sample  # usual: pixels are finer than triangles
        wb, wc = 0.5 * (weight_b[sample] + weight_b[there]), 0.5 * (weight_c[sample] + weight_c[there])
        wa = 1 - wb - wc
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        for k in range(count):
            out[k, n] = wa * values[a, k] + wb * values[b, k] + wc * values[c, k]
        if t != u:
            wb, wc = weight_b[other], weight_c[other]
            wa = 1 - wb - wc
            a, b, c = triangles[u, 0], triangles[u, 1], triangles[u, 2]
            for k in range(count):
                out[k, n] = 0.5 * (out[k, n] + wa * values[a, k] + wb * values[b, k] + wc * values[c, k])


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _paint(painting, at, skin, count):
    """Painted colour and gloss (4, n) at `count` places on the chart."""
    for n in range(count):
        colour, gloss = _painted(painting, at[6, n], at[7, n])
        skin[0, n], skin[1, n], skin[2, n], skin[3, n] = colour[0], colour[1], colour[2], gloss


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _colour(places, at, skin, share, pixels):
    """Reflectance and gloss in their light."""
    for n in range(len(places)):
        pixel, sample, other = places[n, 0], places[n, 1], places[n, 2]
        is_whole = (sample != other) | (share == 1)
        part = 1.0 if is_whole else share
        for c in range(3):
            before = 0.0 if is_whole else pixels[pixel, c]
            pixels[pixel, c] = before + part * (skin[c, n] * at[c, n] + skin[3, n] * at[3 + c, n])


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _reached(hit, top, factor):
    """First pixel of a row, whose samples begin at row `top`, that anybody is in, and the one after the
    last."""
    first, beyond = hit.shape[1], 0
    for i in range(top, top + factor):
        j = 0
        while j < first and hit[i, j] < 0:
            j += 1
        first = j
        j = hit.shape[1]
        while j > beyond and hit[i, j - 1] < 0:
            j -= 1
        beyond = j
    return first // factor, (beyond + factor - 1) // factor


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _painted(painting, x, y):
    """Bilinear sample of the skin's painting at chart position (x, y) cm: colour and gloss."""
    v = min(max((13.0 - y) * 20.0 - 0.5, 0.0), painting.shape[0] - 1.01)
    u = min(max((x + 10.0) * 20.0 - 0.5, 0.0), painting.shape[1] - 1.01)
    i, j = int(v), int(u)
    v -= i
    u -= j
    a, b, c, d = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
    corners = a, b, c, d
    colour = (
        _channel(painting, i, j, 0, corners),
        _channel(painting, i, j, 1, corners),
        _channel(painting, i, j, 2, corners),
    )
    return colour, _channel(painting, i, j, 3, corners)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _channel(painting, i, j, channel, corners):
    """One channel of four texels, the upper left one at (i, j), by their weights."""
    return (
        corners[0] * painting[i, j, channel]
        + corners[1] * painting[i, j + 1, channel]
        + corners[2] * painting[i + 1, j, channel]
        + corners[3] * painting[i + 1, j + 1, channel]
    )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def backdrop(out, left, top, right, bottom, colours, slope, texture, shapes, seed):
    """Paint a room's background, float32 (h, w, 3), for the part [left, right] x [top, bottom] (fractions of
    the frame).

    colours: (2, 3) blended along slope (2,) [down, across]. shapes: (k, 8) [centre x, y, half-width,
    half-height (fractions), r, g, b, softness]. texture: 0 to 1.
    """
    for i in range(out.shape[0]):
        v = top + (i + 0.5) / out.shape[0] * (bottom - top)
        for j in range(out.shape[1]):
            u = left + (j + 0.5) / out.shape[1] * (right - left)
            k = min(1.0, max(0.0, v * slope[0] + u * slope[1] + 0.3))
            m = 1 + texture * (noise(u * 3, v * 4, seed + 101) + 0.5 * noise(u * 11, v * 13, seed + 102))
            for c in range(3):
                out[i, j, c] = (colours[0, c] * (1 - k) + colours[1, c] * k) * m
            for q in range(shapes.shape[0]):
                d = max(abs(u - shapes[q, 0]) - shapes[q, 2], abs(v - shapes[q, 1]) - shapes[q, 3])
                k = smoothstep(shapes[q, 7], -shapes[q, 7], d)
                if k > 0:
                    for c in range(3):
                        out[i, j, c] = out[i, j, c] * (1 - k) + shapes[q, 4 + c] * k


__all__ = [
    "EYE_REACH_CM",
    "Eye",
    "EyeLook",
    "EyeState",
    "Lamps",
    "Look",
    "Surface",
    "backdrop",
    "resolve",
]
