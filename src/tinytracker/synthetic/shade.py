"""From rasterised samples to pixels: the kernel that colours what was hit and averages the samples of each
pixel.

Where all samples of a pixel lie on plain skin, hair or cloth the pixel is shaded once (as multisampling
does); eyes and outlines are shaded at every sample.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.colours import Triple, blended, scaled
from tinytracker.synthetic.eyeball import Eye, EyeLook, EyeState, draw_eye
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep
from tinytracker.synthetic.surfaces import FACE, Look, cloth_colour, is_covered, surface_colour

EYE_REACH_CM = (1.95, 1.05, 1.30)
"""The region around an eye's centre that is drawn sample by sample: to either side, below, above."""


_BRIDGE_CM = 0.75
"""From the middle of spectacles to each lens."""
_LENS_REACH = 1.4
"""How far rims may reach from a lens's centre, as a share of the lens."""


class Surface(NamedTuple):
    """A person's mesh as the kernel takes it; see `mesh.HeadMesh`. eye: uint8 (T,) 0 plain, 1 left eye's
    region, 2 right's. is_bare: bool (T,), see `surfaces.is_bare`. chart: (V, 5) per vertex: chart x, y, z,
    share of hair, cm within clothes."""

    triangles: np.ndarray
    kind: np.ndarray
    eye: np.ndarray
    is_bare: np.ndarray
    chart: np.ndarray
    painting: np.ndarray


class Lamps(NamedTuple):
    """Lights, head frame. table: (n, 8) per lamp [direction x, y, z, colour r, g, b, cosine of the angular
    radius, glint]."""

    table: np.ndarray
    ambient: Triple


class View(NamedTuple):
    """The camera in the head frame: its origin; what turns camera axes to head axes, row by row; sample
    (i, j) looks along ((j + .5) * step_x + x0, (i + .5) * step_y + y0, -1) before turning."""

    origin: Triple
    turn: tuple[Triple, Triple, Triple]
    x0: float
    y0: float
    step_x: float
    step_y: float


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
def resolve(
    out,
    hit,
    weight_b,
    weight_c,
    light,
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

    hit, weight_b, weight_c: from `raster.rasterise` on a grid `factor` times finer. light: (V, 6) from
    `light.illuminate`. moved: float32 (V, 3) vertices, head frame.
    """
    rows, columns = out.shape[0], out.shape[1]
    # Arrays leave their tuples once, not at every pixel: each time costs a count of references. So does, at
    # every pixel, one that an inlined function reads in some branch only.
    triangles, kind, eye, is_bare = surface.triangles, surface.kind, surface.eye, surface.is_bare
    chart, painting = surface.chart, surface.painting
    margins, lamp_table = eye_state.margins, lamps.table
    rim_light = _rim_light(lamp_table, lamps.ambient)
    worn_top, worn_bottom, worn_left, worn_right = _worn(lenses, view, rows, columns, factor)
    count = factor * factor
    for i in range(rows):
        top = i * factor
        first, beyond = _reached(hit, top, factor)
        if worn_top <= i < worn_bottom:
            first, beyond = min(first, worn_left), max(beyond, worn_right)
        for j in range(max(0, first), min(columns, beyond)):
            left = j * factor
            hits, special = 0, False
            first_kind = 0
            for p in range(factor):
                for q in range(factor):
                    t = hit[top + p, left + q]
                    if t >= 0:
                        hits += 1
                        if first_kind == 0:
                            first_kind = kind[t]
                        if eye[t] > 0 or kind[t] != first_kind:
                            special = True
            behind_lenses = worn_top <= i < worn_bottom and worn_left <= j < worn_right
            if hits == 0 and not behind_lenses:
                continue
            total = out[i, j, 0], out[i, j, 1], out[i, j, 2]
            if hits == count and not special:
                far = factor - 1
                total = _plain(
                    top,
                    left,
                    top + far,
                    left + far,
                    hit,
                    weight_b,
                    weight_c,
                    light,
                    triangles,
                    kind,
                    is_bare,
                    chart,
                    painting,
                    look,
                )
            elif hits > 0:
                total = scaled(total, (count - hits) / count)
                for p in range(factor):
                    for q in range(factor):
                        y, x = top + p, left + q
                        t = hit[y, x]
                        if t < 0:
                            continue
                        if eye[t] > 0:
                            colour = _eye_sample(
                                eye[t] - 1,
                                t,
                                weight_b[y, x],
                                weight_c[y, x],
                                light,
                                moved,
                                triangles,
                                chart,
                                painting,
                                margins,
                                lamp_table,
                                lamps.ambient,
                                eye_look,
                                eye_state.left if eye[t] == 1 else eye_state.right,
                                view.origin,
                                _direction(view, y, x),
                            )
                        else:
                            colour = _plain(
                                y,
                                x,
                                y,
                                x,
                                hit,
                                weight_b,
                                weight_c,
                                light,
                                triangles,
                                kind,
                                is_bare,
                                chart,
                                painting,
                                look,
                            )
                        total = (
                            total[0] + colour[0] / count,
                            total[1] + colour[1] / count,
                            total[2] + colour[2] / count,
                        )
            if behind_lenses:
                ray = _direction(view, top + 0.5 * (factor - 1), left + 0.5 * (factor - 1))
                total = _spectacles(
                    lenses, view.origin, ray, factor * view.step_x, look, lamps.ambient, rim_light, total
                )
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = total


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


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _direction(view, row, column):
    """Unit direction of a sample's ray in the head frame."""
    x, y = (column + 0.5) * view.step_x + view.x0, (row + 0.5) * view.step_y + view.y0
    inverse = 1 / math.sqrt(x * x + y * y + 1)
    a, b, c = view.turn
    return (
        (a[0] * x + a[1] * y - a[2]) * inverse,
        (b[0] * x + b[1] * y - b[2]) * inverse,
        (c[0] * x + c[1] * y - c[2]) * inverse,
    )


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


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _plain(y0, x0, y1, x1, hit, weight_b, weight_c, light, triangles, kind, is_bare, chart, painting, look):
    """Colour of a surface away from the eyes, from the mean of two samples (which may be one and the
    same)."""
    x = y = z = hair = cloth = 0.0
    r = g = b = sr = sg = sb = 0.0
    t = hit[y0, x0]
    same = hit[y1, x1] == t  # usual: pixels are finer than triangles
    what = kind[hit[y1, x1]]
    bare = is_bare[t] & is_bare[hit[y1, x1]]
    for k in range(1 if same else 2):
        row, column = (y0, x0) if k == 0 else (y1, x1)
        t = hit[row, column]
        wb, wc = weight_b[row, column], weight_c[row, column]
        part = 0.5
        if same:
            wb, wc = 0.5 * (wb + weight_b[y1, x1]), 0.5 * (wc + weight_c[y1, x1])
            part = 1.0
        for corner in range(3):
            v = triangles[t, corner]
            w = part * (1 - wb - wc if corner == 0 else (wb if corner == 1 else wc))
            r += w * light[v, 0]
            g += w * light[v, 1]
            b += w * light[v, 2]
            sr += w * light[v, 3]
            sg += w * light[v, 4]
            sb += w * light[v, 5]
            x += w * chart[v, 0]
            y += w * chart[v, 1]
            if not bare:
                z += w * chart[v, 2]
                hair += w * chart[v, 3]
                cloth += w * chart[v, 4]
    if not bare and is_covered(what, cloth):
        skin, gloss = cloth_colour(x, y, z, cloth, look)
    else:
        skin, gloss = _painted(painting, x, y) if what == FACE else ((0.0, 0.0, 0.0), 0.0)
        if not bare:
            skin, gloss = surface_colour(what, x, y, z, hair, cloth, skin, gloss, look)
    return skin[0] * r + gloss * sr, skin[1] * g + gloss * sg, skin[2] * b + gloss * sb


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _eye_sample(
    e,
    t,
    wb,
    wc,
    light,
    moved,
    triangles,
    chart,
    painting,
    margins,
    lamps,
    ambient,
    look,
    eye,
    origin,
    ray,
):
    """Colour of one sample in the region of eye `e`."""
    wa = 1 - wb - wc
    cx = cy = x = y = 0.0
    r = g = b = sr = sg = sb = 0.0
    for corner in range(3):
        v = triangles[t, corner]
        w = wa if corner == 0 else (wb if corner == 1 else wc)
        cx += w * chart[v, 0]
        cy += w * chart[v, 1]
        x += w * moved[v, 0]
        y += w * moved[v, 1]
        r += w * light[v, 0]
        g += w * light[v, 1]
        b += w * light[v, 2]
        sr += w * light[v, 3]
        sg += w * light[v, 4]
        sb += w * light[v, 5]
    skin, gloss = _painted(painting, cx, cy)
    return draw_eye(
        e,
        x,
        y,
        skin,
        (r, g, b),
        (sr * gloss, sg * gloss, sb * gloss),
        origin,
        ray,
        look,
        eye,
        margins,
        lamps,
        ambient,
    )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _worn(lenses, view, rows, columns, factor):
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
    "Lenses",
    "Look",
    "Surface",
    "View",
    "backdrop",
    "resolve",
]
