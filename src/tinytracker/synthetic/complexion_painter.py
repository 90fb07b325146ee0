"""The skin of a MakeHuman head: what varies on real faces beside their shape, painted once per person.

The painting is a texture over the standard face, laid out as `paint` lays it out: reflectance and gloss.
Mottling, pores, redness of cheeks and nose, the darker skin above and below the eyes (each on its own),
freckles, moles, wrinkles by age, lips, brows, stubble and beards, make-up.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep
from tinytracker.synthetic.paint import BOTTOM_CM, HALF_WIDTH_CM, TEXELS_PER_CM, TOP_CM
from tinytracker.synthetic.subject import Subject


class _Brush(NamedTuple):
    eye_x: float
    above: float
    below: float
    inner: float
    pores: float
    mottling: float
    redness: float
    blush: float
    freckles: float
    wrinkles: float
    gloss: float
    beard: float
    moustache: float
    stubble: float
    eyeshadow: float
    brow_thickness: float
    brow_height: float
    brow_density: float
    brow_arc: float
    brow_tilt: float
    seed: int
    hair_seed: int


def paint_complexion(subject: Subject, eye_x_cm: float) -> np.ndarray:
    """The skin of a person, float32 (580, 400, 4): red, green, blue reflectance and gloss; rows and columns
    as `paint.paint`."""
    look, skin, hair = subject.complexion, subject.skin, subject.hair
    assert look is not None
    brush = _Brush(
        eye_x=eye_x_cm,
        above=look.above_eye,
        below=look.below_eye,
        inner=look.inner_corner,
        pores=look.pores,
        mottling=look.mottling,
        redness=skin.redness,
        blush=look.blush,
        freckles=skin.freckles,
        wrinkles=look.wrinkles,
        gloss=skin.gloss,
        beard=skin.beard,
        moustache=skin.moustache,
        stubble=look.stubble,
        eyeshadow=look.eyeshadow,
        brow_thickness=hair.brow_thickness_cm,
        brow_height=hair.brow_height_cm,
        brow_density=hair.brow_density,
        brow_arc=hair.brow_arc_cm,
        brow_tilt=hair.brow_tilt,
        seed=skin.seed,
        hair_seed=hair.seed,
    )
    rows, columns = int((TOP_CM - BOTTOM_CM) * TEXELS_PER_CM), int(2 * HALF_WIDTH_CM * TEXELS_PER_CM)
    out = np.empty((rows, columns, 4), np.float32)
    moles = np.random.default_rng([skin.seed, 3]).uniform([-6, -9, 0.02], [6, 6, 0.09], (look.moles, 3))
    brow = np.minimum(hair.colour * 0.9, 0.30)
    _paint(
        out,
        brush,
        skin.colour,
        skin.lip_colour,
        hair.colour,
        brow,
        look.shadow_tint,
        look.eyeshadow_colour,
        moles,
    )
    return out


@njit(fastmath=True, cache=True, nogil=True)
def _paint(out, brush, skin, lip, hair, brow_hair, tint, shadow_colour, moles):
    for i in range(out.shape[0]):
        y = 13.0 - (i + 0.5) / 20.0
        for j in range(out.shape[1]):
            x = (j + 0.5) / 20.0 - 10.0
            ax = abs(x)
            gloss = brush.gloss * (0.75 + 0.5 * math.exp(-((x / 1.3) ** 2)) * (y > -5) + 0.25 * (y > 2))
            r, g, b = _bare(x, y, brush, skin)
            for k in range(moles.shape[0]):
                d = math.hypot(x - moles[k, 0], y - moles[k, 1])
                if d < 0.3:
                    spot = 0.6 * smoothstep(moles[k, 2] + 0.05, moles[k, 2] - 0.03, d)
                    r, g, b = r * (1 - 0.7 * spot), g * (1 - 0.85 * spot), b * (1 - 0.9 * spot)
            line = _wrinkles(x, y, brush)
            r, g, b = r * (1 - 0.8 * line), g * (1 - line), b * (1 - line)
            shade = _round_the_eye(x, y, brush)
            if shade != 1.0:
                dark = min(1.0, max(0.0, 1 - shade))
                r *= shade * (1 + dark * (tint[0] - 1))
                g *= shade * (1 + dark * (tint[1] - 1) * 1.2)
                b *= shade * (1 + dark * (tint[2] - 1) * 1.2)
                gloss *= 1 - 0.6 * dark
            if brush.eyeshadow > 0:
                dx, dy = ax - brush.eye_x, y - 0.65
                k = brush.eyeshadow * math.exp(-((dx / 1.55) ** 4) - (dy / (0.5 if dy > 0 else 0.4)) ** 2)
                r, g, b = (
                    r + (shadow_colour[0] - r) * k,
                    g + (shadow_colour[1] - g) * k,
                    b + (shadow_colour[2] - b) * k,
                )
            r, g, b = _beard(x, y, r, g, b, brush, hair)
            r, g, b, gloss = _lips(x, y, r, g, b, gloss, brush, lip)
            k = _brow(x, y, brush)
            out[i, j, 0] = r * (1 - k) + brow_hair[0] * k
            out[i, j, 1] = g * (1 - k) + brow_hair[1] * k
            out[i, j, 2] = b * (1 - k) + brow_hair[2] * k
            out[i, j, 3] = gloss * (1 - k)


@njit(fastmath=True, cache=True, nogil=True)
def _bare(x, y, brush, skin):
    """Mottling, pores, freckles, redness."""
    ax = abs(x)
    blotch = noise(x * 0.5 + 31, y * 0.5 + 7, brush.seed)
    patch = noise(x * 1.9, y * 1.9, brush.seed + 5)
    fine = noise(x * 5.5, y * 5.5, brush.seed + 7)
    pore = noise(x * 9.5, y * 9.5, brush.seed + 9)
    middle = math.exp(-((ax / 3.6) ** 2) - ((y + 3.0) / 3.2) ** 2)
    m = brush.mottling
    shade = (
        1
        + m * (0.13 * blotch + 0.09 * patch + 0.05 * fine)
        + brush.pores * (0.07 + 0.13 * middle) * min(0.25, pore)
    )
    r, g, b = (
        skin[0] * shade,
        skin[1] * shade * (1 + 0.05 * m * patch),
        skin[2] * shade * (1 + 0.07 * m * blotch),
    )
    if brush.freckles > 0:
        spot = (
            brush.freckles
            * smoothstep(0.20, 0.38, noise(x * 6.5 + 11, y * 6.5, brush.seed + 21))
            * (0.15 + 0.5 * middle)
        )
        r, g, b = r * (1 - 0.5 * spot), g * (1 - spot), b * (1 - spot)
    red = 0.20 * math.exp(-(((ax - 3.9) / 1.9) ** 2) - ((y + 2.9) / 1.6) ** 2)
    red += 0.22 * math.exp(-((x / 1.1) ** 2) - ((y + 3.7) / 0.9) ** 2) + 0.08 * math.exp(
        -((x / 2) ** 2) - ((y + 9.6) / 1) ** 2
    )
    red *= brush.redness * (0.7 + 0.9 * (noise(x * 1.4, y * 1.4, brush.seed + 3) + 0.3))
    red += 0.30 * brush.blush * math.exp(-(((ax - 4.6) / 1.6) ** 2) - ((y + 2.4) / 1.3) ** 2)
    return r, g * (1 - red), b * (1 - 0.85 * red)


@njit(fastmath=True, cache=True, nogil=True)
def _round_the_eye(x, y, brush):
    """Factor on the reflectance: above the eye, below it, and in the corner by the nose, each by its own
    strength."""
    dx = abs(x) - brush.eye_x
    if abs(dx) > 3.2 or y > 2.6 or y < -2.4:
        return 1.0
    upper = math.exp(-((dx / 1.75) ** 2) - ((y - 0.62) / 0.72) ** 2)
    lower = math.exp(-(((dx + 0.1) / 1.45) ** 2) - ((y + 0.92) / 0.55) ** 2)
    corner = math.exp(-(((dx + 1.65) / 0.55) ** 2) - ((y - 0.05) / 0.85) ** 2)
    blur = 1 + 0.25 * noise(x * 2.5, y * 2.5, brush.seed + 71)
    shade = 1 + (brush.above - 1) * upper * blur
    shade *= 1 + (brush.below - 1) * lower * blur
    return shade * (1 + (brush.inner - 1) * corner)


@njit(fastmath=True, cache=True, nogil=True)
def _wrinkles(x, y, brush):
    """Darkness (0 to 1) of the lines that age draws: forehead, between the brows, crow's feet, under the
    eyes."""
    w = brush.wrinkles
    if w <= 0.02:
        return 0.0
    ax = abs(x)
    dark = 0.0
    if y > 2.6 and y < 7.0 and ax < 5.5:
        wave = y + 0.35 * noise(x * 0.35, 3.0, brush.seed + 81) + 0.10 * noise(x * 1.7, y, brush.seed + 82)
        t = wave / 0.85 - math.floor(wave / 0.85) - 0.5
        dark += (
            0.5
            * math.exp(-((t / 0.10) ** 2))
            * (0.5 + noise(x * 0.6, math.floor(wave / 0.85) * 7.3, brush.seed + 83))
            * smoothstep(5.5, 3.0, ax)
            * smoothstep(2.6, 3.3, y)
            * smoothstep(7.0, 6.3, y)
        )
    if y > 0.4 and y < 3.0 and ax < 1.2:
        dark += (
            0.45
            * math.exp(-(((ax - 0.45 - 0.05 * noise(y * 2, 1.0, brush.seed + 84)) / 0.08) ** 2))
            * math.exp(-(((y - 1.7) / 0.7) ** 2))
        )
    dx = ax - brush.eye_x - 1.5
    if dx > 0 and dx < 1.9 and abs(y) < 1.6:
        angle = (y + 0.15) / (dx + 0.9)
        fan = angle * 5.2 + 0.5 * noise(dx * 1.3, angle * 2, brush.seed + 85 + (1 if x > 0 else 0))
        t = fan - math.floor(fan) - 0.5
        dark += (
            0.55
            * math.exp(-((t / 0.13) ** 2))
            * smoothstep(0.0, 0.35, dx)
            * smoothstep(1.9, 0.9, dx)
            * smoothstep(1.2, 0.7, abs(angle))
        )
    dx = ax - brush.eye_x
    if abs(dx) < 1.6 and y < -0.7 and y > -1.7:
        wave = y + 0.10 * dx * dx + 0.08 * noise(x * 1.5, y, brush.seed + 87)
        t = wave / 0.33 - math.floor(wave / 0.33) - 0.5
        dark += (
            0.35
            * math.exp(-((t / 0.16) ** 2))
            * smoothstep(1.6, 0.8, abs(dx))
            * smoothstep(-0.7, -0.95, y)
            * smoothstep(-1.7, -1.4, y)
            * (0.5 + noise(x * 1.2, wave * 3, brush.seed + 88))
        )
    return min(0.6, max(0.0, 0.8 * w * dark))


@njit(fastmath=True, cache=True, nogil=True)
def _beard(x, y, r, g, b, brush, hair):
    if brush.beard <= 0.01 and brush.moustache <= 0.01:
        return r, g, b
    if y > -2.2:
        return r, g, b
    ax = abs(x)
    edge = 0.35 * noise(x * 2.2, y * 2.2, brush.hair_seed + 5)
    top = -3.2 - 2.6 * smoothstep(6.2, 3.0, ax)  # the line from sideburn to moustache
    full = smoothstep(top + 0.45, top - 0.55, y + edge) * smoothstep(-13.5, -11.0, y)
    full *= 1 - 0.6 * math.exp(-((ax / 2.3) ** 4) - ((y + 7.55) / 0.35) ** 2) * smoothstep(0.6, 1.2, ax)
    upper = smoothstep(2.9, 2.1, ax) * smoothstep(-4.65, -5.0, y + 0.5 * edge) * smoothstep(-6.2, -5.75, y)
    cover = max(brush.beard * full, brush.moustache * upper)
    if cover <= 0:
        return r, g, b
    strand = noise(x * 9 + 1.5 * y, y * 3.5, brush.hair_seed + 3) + 0.6 * noise(
        x * 17, y * 12, brush.hair_seed + 4
    )
    k = min(1.0, max(0.0, cover * (1.0 + 0.9 * strand)))
    shaved = 0.18 * smoothstep(0.0, 0.3, cover)  # roots below the skin: greyer
    r, g, b = r * (1 - 1.1 * shaved), g * (1 - 0.9 * shaved), b * (1 - 0.7 * shaved)
    return r * (1 - k) + hair[0] * 1.2 * k, g * (1 - k) + hair[1] * 1.2 * k, b * (1 - k) + hair[2] * 1.2 * k


@njit(fastmath=True, cache=True, nogil=True)
def _lips(x, y, r, g, b, gloss, brush, lip):
    half = 2.45
    if abs(x) >= half or y > -5.2 or y < -7.9:
        return r, g, b, gloss
    u = x / half
    arch = math.sqrt(max(0.0, 1 - u * u))
    top = -6.35 + 0.62 * arch * (1 - 0.25 * u * u) - 0.12 * math.exp(-((x / 0.32) ** 2))
    bottom = -6.35 - 0.86 * arch * (1 - 0.3 * u * u)
    k = smoothstep(-0.09, 0.10, top - y) * smoothstep(-0.12, 0.12, y - bottom) * min(1.0, 1.6 * arch)
    k *= 0.9
    crease = 1 + 0.16 * noise(x * 8, y * 1.5, brush.seed + 51)
    r, g, b = r + (lip[0] * crease - r) * k, g + (lip[1] * crease - g) * k, b + (lip[2] * crease - b) * k
    line = math.exp(-(((y + 6.35) / 0.07) ** 2)) * arch * 0.6
    return r * (1 - 0.8 * line), g * (1 - line), b * (1 - line), gloss + 0.25 * k


@njit(fastmath=True, cache=True, nogil=True)
def _brow(x, y, brush):
    """Coverage (0 to 1) by brow hairs: a tapered band of slanted strokes, upright near the nose, flat
    outside."""
    side = 1.0 if x > 0 else -1.0
    out = (x - side * brush.eye_x) * side
    if out < -2.3 or out > 2.9 or abs(y - brush.brow_height) > 1.6:
        return 0.0
    middle = (
        brush.brow_height
        + brush.brow_arc * (1 - ((out - 0.6) / 2.2) ** 2)
        - 0.6 * brush.brow_arc
        + brush.brow_tilt * out
    )
    thick = brush.brow_thickness * (0.55 + 0.45 * smoothstep(2.6, -0.2, out))
    d = (y - middle) / thick
    density = smoothstep(-2.15, -1.45, out) * smoothstep(2.75, 1.5, out)
    body = math.exp(-1.1 * d * d * (1.0 if d > 0 else 0.9)) * density
    lean = 1.0 - 0.85 * smoothstep(-1.9, 0.6, out)
    seed = brush.hair_seed + (77 if side > 0 else 78)
    across = (y - middle) * (1 - 0.75 * lean) - out * 0.55 * lean
    along = out * (1 - 0.7 * lean) + (y - middle) * lean
    hairs = noise(along * 2.0, across * 13.0, seed) + 0.6 * noise(along * 3.1 + 9, across * 21.0, seed + 7)
    return min(0.96, max(0.0, body * brush.brow_density * (1.05 + 1.5 * hairs)))
