"""From rasterised samples to pixels: the kernel that colours what was hit and averages the samples of each
pixel.

Where all samples of a pixel lie on plain skin, hair or cloth the pixel is shaded once (as multisampling
does); eyes and outlines are shaded at every sample.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.eyeball import EyeLook, EyeState, draw_eye
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep

EYE_REACH_CM = (1.95, 1.05, 1.30)
"""The region around an eye's centre that is drawn sample by sample: to either side, below, above."""

_FACE, _HAIR, _TORSO, _MOUTH, _FRAME, _TEETH = 1, 2, 3, 4, 5, 6


class Surface(NamedTuple):
    """A person's mesh as the kernel takes it; see `mesh.HeadMesh`. eye: uint8 (T,) 0 plain, 1 left eye's
    region, 2 right's."""

    triangles: np.ndarray
    kind: np.ndarray
    eye: np.ndarray
    painting: np.ndarray


class Look(NamedTuple):
    """Colours beside the painting, float64 (3,) each; cloth_waves: (3,) [contrast, per cm across, per cm up].
    neck_light: light that the chin leaves on the neck, for heads whose shape does not tell."""

    hair: np.ndarray
    frame: np.ndarray
    cloth: np.ndarray
    headwear: np.ndarray
    neck_light: float
    cloth_waves: np.ndarray
    seed: int


class Lamps(NamedTuple):
    """Lights, head frame: directions, colours (n, 3); sizes (n,) cosine of the angular radius; glints
    (n,); ambient (3,)."""

    directions: np.ndarray
    colours: np.ndarray
    sizes: np.ndarray
    glints: np.ndarray
    ambient: np.ndarray


class View(NamedTuple):
    """The camera in the head frame: origin (3,), turn (3, 3) from camera to head axes; sample (i, j) looks
    along ((j + .5) * step_x + x0, (i + .5) * step_y + y0, -1) before turning."""

    origin: np.ndarray
    turn: np.ndarray
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


@njit(fastmath=True, cache=True, nogil=True)
def resolve(
    out,
    background,
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
    """Colour the pixels of `out`, float32 (rows, columns, 3) linear light.

    background: float32 (rows, columns, 3). hit, weight_b, weight_c: from `raster.rasterise` on a grid
    `factor` times finer. light: float32 (V, 11) per vertex: six columns from `light.illuminate`, chart x, y,
    z, share of hair, cm within clothes. moved: float32 (V, 3) vertices, head frame.
    """
    rows, columns = out.shape[0], out.shape[1]
    colour, total, skin, bright, gloss, ray = (
        np.empty(3),
        np.empty(3),
        np.empty(4),
        np.empty(3),
        np.empty(3),
        np.empty(3),
    )
    count = factor * factor
    for i in range(rows):
        for j in range(columns):
            hits, special = 0, False
            first_kind = 0
            for p in range(factor):
                for q in range(factor):
                    t = hit[i * factor + p, j * factor + q]
                    if t >= 0:
                        hits += 1
                        if first_kind == 0:
                            first_kind = surface.kind[t]
                        if surface.eye[t] > 0 or surface.kind[t] != first_kind:
                            special = True
            total[0] = total[1] = total[2] = 0.0
            if hits < count:
                for c in range(3):
                    total[c] = background[i, j, c] * ((count - hits) / count)
            at_once = hits == count and not special
            for p in range(factor):
                for q in range(factor):
                    if at_once and p + q > 0:
                        break
                    y, x = i * factor + p, j * factor + q
                    t = hit[y, x]
                    if t < 0:
                        continue
                    if surface.eye[t] > 0:
                        _direction(view, y, x, ray)
                        _eye_sample(
                            t,
                            weight_b[y, x],
                            weight_c[y, x],
                            light,
                            moved,
                            surface,
                            eye_look,
                            eye_state,
                            lamps,
                            view,
                            skin,
                            bright,
                            gloss,
                            ray,
                            colour,
                        )
                    else:
                        far = factor - 1 if at_once else 0
                        _plain(
                            y,
                            x,
                            y + far,
                            x + far,
                            hit,
                            weight_b,
                            weight_c,
                            light,
                            surface,
                            look,
                            skin,
                            colour,
                        )
                    for c in range(3):
                        total[c] += colour[c] if at_once else colour[c] / count
            if lenses.half_width > 0:
                _direction(view, i * factor + 0.5 * (factor - 1), j * factor + 0.5 * (factor - 1), ray)
                _spectacles(lenses, view.origin, ray, factor * view.step_x, look, lamps, total)
            for c in range(3):
                out[i, j, c] = total[c]


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _direction(view, row, column, ray):
    """Unit direction of a sample's ray in the head frame."""
    x, y = (column + 0.5) * view.step_x + view.x0, (row + 0.5) * view.step_y + view.y0
    inverse = 1 / math.sqrt(x * x + y * y + 1)
    for c in range(3):
        ray[c] = (view.turn[c, 0] * x + view.turn[c, 1] * y - view.turn[c, 2]) * inverse


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _painted(painting, x, y, out):
    """Bilinear sample of the skin's painting at chart position (x, y) cm: r, g, b, gloss."""
    v = min(max((13.0 - y) * 20.0 - 0.5, 0.0), painting.shape[0] - 1.01)
    u = min(max((x + 10.0) * 20.0 - 0.5, 0.0), painting.shape[1] - 1.01)
    i, j = int(v), int(u)
    v -= i
    u -= j
    a, b, c, d = (1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v
    for k in range(4):
        out[k] = (
            a * painting[i, j, k]
            + b * painting[i, j + 1, k]
            + c * painting[i + 1, j, k]
            + d * painting[i + 1, j + 1, k]
        )


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _plain(y0, x0, y1, x1, hit, weight_b, weight_c, light, surface, look, skin, out):
    """Colour of a surface away from the eyes, from the mean of two samples (which may be one and the
    same)."""
    x = y = z = hair = cloth = 0.0
    r = g = b = sr = sg = sb = 0.0
    t = hit[y0, x0]
    same = hit[y1, x1] == t  # usual: pixels are finer than triangles
    for k in range(1 if same else 2):
        row, column = (y0, x0) if k == 0 else (y1, x1)
        t = hit[row, column]
        wb, wc = weight_b[row, column], weight_c[row, column]
        part = 0.5
        if same:
            wb, wc = 0.5 * (wb + weight_b[y1, x1]), 0.5 * (wc + weight_c[y1, x1])
            part = 1.0
        for corner in range(3):
            v = surface.triangles[t, corner]
            w = part * (1 - wb - wc if corner == 0 else (wb if corner == 1 else wc))
            r += w * light[v, 0]
            g += w * light[v, 1]
            b += w * light[v, 2]
            sr += w * light[v, 3]
            sg += w * light[v, 4]
            sb += w * light[v, 5]
            x += w * light[v, 6]
            y += w * light[v, 7]
            z += w * light[v, 8]
            hair += w * light[v, 9]
            cloth += w * light[v, 10]
    kind = surface.kind[t]
    if kind == _FACE:
        _painted(surface.painting, x, y, skin)
        if y < -10.5 and z < 0:  # the neck lies in the chin's shadow
            dim = look.neck_light + (1 - look.neck_light) * smoothstep(-19.0, -12.5, y) * smoothstep(
                -7.0, 0.0, z
            )
            for c in range(3):
                skin[c] *= dim
    elif kind == _TORSO:
        fold = 1 + 0.35 * noise(x * 0.5, y * 0.5, look.seed + 31) + 0.25 * noise(x * 2, y * 2, look.seed + 32)
        if look.cloth_waves[0] > 0 and math.sin(x * look.cloth_waves[1] + y * look.cloth_waves[2]) > 0.3:
            fold *= look.cloth_waves[0]
        fold *= 0.5 + 0.5 * smoothstep(-16.5, -22.0, y)
        for c in range(3):
            skin[c] = look.cloth[c] * fold
        skin[3] = 0.02
    elif kind == _FRAME:
        for c in range(3):
            skin[c] = look.frame[c]
        skin[3] = 1.0
    else:
        for c in range(3):
            skin[c] = 0.012 if kind == _MOUTH else look.hair[c]
        skin[3] = 0.05
    if kind == _TEETH:
        skin[0], skin[1], skin[2], skin[3] = 0.34, 0.30, 0.24, 0.2
    if hair > 0.02 and kind != _MOUTH and cloth < 0.3:
        cover = (
            1.0
            if kind == _HAIR
            else min(1.0, max(0.0, hair * (1 + 0.8 * noise(x * 6, y * 2, look.seed + 13)) * 1.2))
        )
        strand = (
            1
            + 0.7 * noise(x * 7 + 2 * z, y * 0.9 + z * 0.3, look.seed + 11)
            + 0.5 * noise(x * 2.2 + z, y * 0.4, look.seed + 12)
        )
        for c in range(3):
            skin[c] += (look.hair[c] * strand - skin[c]) * cover
        skin[3] += (0.12 - skin[3]) * cover
    if cloth > -0.25 and kind != _HAIR:  # with a shadow along its edge
        k = smoothstep(-0.03, 0.03, cloth)
        edge = 1 - 0.45 * math.exp(-((cloth / 0.12) ** 2))
        fold = (
            1
            + 0.30 * noise(x * 0.5, y * 0.5, look.seed + 31)
            + 0.22 * noise(x * 2 + z, y * 2, look.seed + 32)
        )
        if (
            look.cloth_waves[0] > 0
            and y < -9
            and math.sin(x * look.cloth_waves[1] + y * look.cloth_waves[2]) > 0.3
        ):
            fold *= look.cloth_waves[0]
        for c in range(3):
            weave = (look.headwear[c] if y > -9 else look.cloth[c]) * fold
            skin[c] = (skin[c] + (weave - skin[c]) * k) * edge
        skin[3] += (0.02 - skin[3]) * k
    out[0] = skin[0] * r + skin[3] * sr
    out[1] = skin[1] * g + skin[3] * sg
    out[2] = skin[2] * b + skin[3] * sb


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _eye_sample(
    t, wb, wc, light, moved, surface, eye_look, eye_state, lamps, view, skin, bright, gloss, ray, out
):
    """Colour of one sample in an eye's region."""
    wa = 1 - wb - wc
    cx = cy = x = y = 0.0
    for c in range(3):
        bright[c] = gloss[c] = 0.0
    for corner in range(3):
        v = surface.triangles[t, corner]
        w = wa if corner == 0 else (wb if corner == 1 else wc)
        cx += w * light[v, 6]
        cy += w * light[v, 7]
        x += w * moved[v, 0]
        y += w * moved[v, 1]
        for c in range(3):
            bright[c] += w * light[v, c]
            gloss[c] += w * light[v, 3 + c]
    _painted(surface.painting, cx, cy, skin)
    for c in range(3):
        gloss[c] *= skin[3]
    draw_eye(
        surface.eye[t] - 1,
        x,
        y,
        skin,
        bright,
        gloss,
        view.origin,
        ray,
        eye_look,
        eye_state,
        lamps.directions,
        lamps.colours,
        lamps.sizes,
        lamps.glints,
        lamps.ambient,
        out,
    )


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _spectacles(lenses, origin, ray, pixel, look, lamps, colour):
    """Lay lenses and rims over a pixel's colour. pixel: angle of a pixel (for smooth edges)."""
    if ray[2] > -0.2:
        return
    t = (lenses.distance - origin[2]) / ray[2]
    x, y = origin[0] + t * ray[0], origin[1] + t * ray[1]
    u, v = (abs(x) - lenses.half_width - 0.75) / lenses.half_width, (y - lenses.drop) / lenses.half_height
    soft = 0.6 * pixel * t
    bridge = (
        abs(x) < 0.80
        and abs(y - lenses.drop - 0.35 * lenses.half_height - 0.12 * math.cos(2 * x))
        < lenses.rim * 0.45 + 0.03
    )
    if abs(u) < 1.4 and abs(v) < 1.4:
        radius = (abs(u) ** lenses.roundness + abs(v) ** lenses.roundness) ** (1 / lenses.roundness)
        outside = (radius - 1) * min(lenses.half_width, lenses.half_height)
        if outside < 0:
            through = 1 - 0.08 - 0.2 * lenses.tint
            for c in range(3):
                colour[c] *= through
            if lenses.reflection > 0:
                patch = lenses.reflection * smoothstep(
                    0.18, 0.30, noise(x * 0.6 + 0.8 * y + 5, y * 0.7 - x * 0.3, look.seed + 51)
                )
                for c in range(3):
                    colour[c] += lamps.ambient[c] * patch * 0.4
        rim = smoothstep(lenses.rim * 0.5 + soft, lenses.rim * 0.5 - soft, abs(outside - lenses.rim * 0.5))
        _frame(rim, x, y, look, lamps, colour)
    if bridge:
        _frame(1.0, x, y, look, lamps, colour)


@njit(fastmath=True, cache=True, nogil=True)
def _frame(cover, x, y, look, lamps, colour):
    if cover <= 0:
        return
    sheen = 0.7 + 0.9 * max(0.0, noise(x * 1.2, y * 2, look.seed + 55))
    for c in range(3):
        direct = lamps.colours[0, c] * 0.4 if lamps.colours.shape[0] > 0 else 0.0
        colour[c] += (look.frame[c] * sheen * (2 * lamps.ambient[c] + direct) - colour[c]) * cover


@njit(fastmath=True, cache=True, nogil=True)
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
