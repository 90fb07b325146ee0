"""Everything on the skin of an ICT head that does not depend on gaze, painted once per person onto the
standard face; MakeHuman's skins are painted by `complexion_painter`.

The painting is a texture over chart x and y (see `mesh`): four channels, red, green, blue reflectance and
gloss. Lips, brows, beard, redness, freckles and the pigment of the orbit live here; lids, lashes and eyeballs
are drawn per frame (`eyeball`), because they move.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep
from tinytracker.synthetic.subject import Subject

HALF_WIDTH_CM = 10.0
TOP_CM, BOTTOM_CM = 13.0, -16.0
TEXELS_PER_CM = 20


class _Brush(NamedTuple):
    """Scalars of a person that the painting needs."""

    eye_x: float
    redness: float
    freckles: float
    gloss: float
    beard: float
    moustache: float
    mouth_width: float
    lip: float
    nose_length: float
    brow_thickness: float
    brow_height: float
    brow_density: float
    brow_arc: float
    brow_tilt: float
    orbit: float
    bags: float
    seed: int
    hair_seed: int


def paint(subject: Subject, eye_x_cm: float) -> np.ndarray:
    """The skin of a person, float32 (580, 400, 4): rows from chart y = 13 down to -16 cm, columns from x =
    -10 to 10 cm.

    eye_x_cm: distance of each eye from the middle of the face.
    """
    face, skin, hair = subject.face, subject.skin, subject.hair
    brush = _Brush(
        float(eye_x_cm),
        skin.redness,
        skin.freckles,
        skin.gloss,
        skin.beard,
        skin.moustache,
        face.mouth_width,
        face.lip,
        face.nose_length_cm,
        hair.brow_thickness_cm,
        hair.brow_height_cm,
        hair.brow_density,
        hair.brow_arc_cm,
        hair.brow_tilt,
        skin.orbit_shadow,
        subject.lids.bags,
        skin.seed,
        hair.seed,
    )
    out = np.empty(
        (int((TOP_CM - BOTTOM_CM) * TEXELS_PER_CM), int(2 * HALF_WIDTH_CM * TEXELS_PER_CM), 4), np.float32
    )
    _paint(out, brush, skin.colour, skin.lip_colour, hair.colour)
    return out


@njit(fastmath=True, cache=True, nogil=True)
def _paint(out, brush, skin, lip, hair):
    for i in range(out.shape[0]):
        y = 13.0 - (i + 0.5) / 20.0
        for j in range(out.shape[1]):
            x = (j + 0.5) / 20.0 - 10.0
            r, g, b = _bare_skin(x, y, brush, skin)
            r, g, b = _beard(x, y, r, g, b, brush, hair)
            r, g, b = _lips(x, y, r, g, b, brush, lip)
            gloss = brush.gloss
            orbit = _orbit(x, y, brush)
            r *= 1 - 0.85 * orbit
            g *= 1 - orbit
            b *= 1 - 0.97 * orbit
            k = _brow(x, y, brush)
            out[i, j, 0] = r * (1 - k) + hair[0] * 1.15 * k
            out[i, j, 1] = g * (1 - k) + hair[1] * 1.15 * k
            out[i, j, 2] = b * (1 - k) + hair[2] * 1.15 * k
            out[i, j, 3] = gloss * (1 - k) * (1 - 0.7 * orbit)


@njit(fastmath=True, cache=True, nogil=True)
def _bare_skin(x, y, brush, skin):
    """Blotches, freckles and redness."""
    blotch, patch, pore = (
        noise(x * 0.55 + 31, y * 0.55 + 7, brush.seed),
        noise(x * 2.3, y * 2.3, brush.seed + 5),
        noise(x * 9, y * 9, brush.seed + 9),
    )
    shade = 1 + 0.12 * blotch + 0.10 * patch + 0.09 * pore
    r, g, b = skin[0] * shade, skin[1] * shade * (1 + 0.04 * patch), skin[2] * shade * (1 + 0.05 * blotch)
    if brush.freckles > 0:
        spot = brush.freckles * smoothstep(0.22, 0.38, noise(x * 6.5 + 11, y * 6.5, brush.seed + 21)) * 0.45
        r, g, b = r * (1 - 0.6 * spot), g * (1 - spot), b * (1 - spot)
    ax = abs(x)
    red = 0.28 * math.exp(-(((ax - 4.0) / 1.7) ** 2) - ((y + 3.0) / 1.5) ** 2) + 0.25 * math.exp(
        -((x / 1.2) ** 2) - ((y + 3.6) / 0.8) ** 2
    )
    red *= brush.redness
    return r, g * (1 - red), b * (1 - 0.9 * red)


@njit(fastmath=True, cache=True, nogil=True)
def _orbit(x, y, brush):
    """Darkening (0 to 1) of the orbit: thin skin, pigment, the bag below the eye."""
    dx = abs(x) - brush.eye_x
    up = 1.25 if y > 0.05 else 0.95
    ring = math.exp(-((dx / 1.75) ** 2) - ((y - 0.05) / up) ** 2)
    inner = 0.5 * math.exp(-(((dx + 1.45) / 0.55) ** 2) - ((y + 0.1) / 0.8) ** 2)
    bag = brush.bags * 0.40 * math.exp(-((dx / 1.1) ** 2) - ((y + 0.98) / 0.30) ** 2)
    return min(0.85, brush.orbit * max(ring, inner) + bag)


@njit(fastmath=True, cache=True, nogil=True)
def _beard(x, y, r, g, b, brush, hair):
    if brush.beard <= 0 or y > -3.4:
        return r, g, b
    ax = abs(x)
    cheek = math.exp(-((ax / 3.2) ** 4))
    full = (
        smoothstep(-3.6 - 2.6 * cheek, -6.4 - 1.4 * cheek, y)
        * smoothstep(8.0, 6.6, ax)
        * smoothstep(-13.5, -10.5, y)
    )
    upper = math.exp(-(((ax - 0.9) / 1.5) ** 4) - ((y + 5.25 + brush.nose_length * 0.5) / 0.42) ** 2)
    k = max(brush.beard * full, brush.moustache * upper) * (
        0.85 + 0.6 * noise(x * 11, y * 5, brush.hair_seed + 3)
    )
    k = min(1.0, max(0.0, k))
    return r * (1 - k) + hair[0] * 1.4 * k, g * (1 - k) + hair[1] * 1.4 * k, b * (1 - k) + hair[2] * 1.5 * k


@njit(fastmath=True, cache=True, nogil=True)
def _lips(x, y, r, g, b, brush, lip):
    half = 2.4 * brush.mouth_width
    if abs(x) >= half or y > -5.0 or y < -8.6:
        return r, g, b
    arch = math.sqrt(max(0.0, 1 - (x / half) ** 2))
    full = 0.6 + 0.4 * brush.lip
    top = -6.35 + (0.50 * arch - 0.10 * math.exp(-((x / 0.35) ** 2))) * full
    bottom = -6.35 - 0.72 * arch * full
    k = smoothstep(-0.10, 0.06, top - y) * smoothstep(-0.12, 0.08, y - bottom) * arch
    r, g, b = r * (1 - k) + lip[0] * k, g * (1 - k) + lip[1] * k, b * (1 - k) + lip[2] * k
    line = math.exp(-(((y + 6.35) / 0.075) ** 2)) * arch * 0.75
    return r * (1 - line), g * (1 - line), b * (1 - line)


@njit(fastmath=True, cache=True, nogil=True)
def _brow(x, y, brush):
    """Coverage (0 to 1) by brow hairs, which fan outwards."""
    best = 0.0
    for side in (-1.0, 1.0):
        out = (x - side * brush.eye_x) * side
        if out < -2.2 or out > 2.7 or abs(y - brush.brow_height) > 1.7:
            continue
        middle = (
            brush.brow_height
            + brush.brow_arc * (1 - ((out - 0.5) / 2.1) ** 2)
            - 0.6 * brush.brow_arc
            + brush.brow_tilt * out
        )
        thick = (
            brush.brow_thickness
            * (0.45 + 0.55 * smoothstep(2.5, 0.2, out))
            * smoothstep(-2.1, -1.5, out)
            * smoothstep(2.6, 1.8, out)
            + 0.02
        )
        body = math.exp(-1.2 * ((y - middle) / thick) ** 2)
        lean = 0.9 - 0.75 * smoothstep(-1.8, 0.8, out)  # upright near the nose, lying flat outside
        along, across = out * (1 - lean * 0.4) + y * lean, y - (1 - lean) * 0.15 * out
        hairs = noise(
            along * 2.2, across * 9.0 - out * 3.5 * lean, brush.hair_seed + (77 if side > 0 else 78)
        )
        k = body * brush.brow_density * (1 + 0.9 * hairs)
        best = max(best, k)
    return min(1.0, max(0.0, best))
