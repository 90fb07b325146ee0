"""What everything beside the eyes looks like: skin under its paint, strands of hair, the weave of clothes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.colours import Triple, blended, scaled
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import inlined_noise, noise, smoothstep

# As in `mesh`, which is not compiled: numba would not notice if they changed there.
FACE, HAIR, TORSO, MOUTH, FRAME, TEETH = 1, 2, 3, 4, 5, 6

BARE, CLOTHED, CHEST, MIXED, LEFT_EYE, RIGHT_EYE = range(6)
"""Parts of a person that are shaded each in its own way: nothing but painted skin, nothing but clothes,
nothing but the torso, anything else, the eyes' regions."""
PARTS = 6

_HEM_CM = 0.03
"""How far within clothes nothing shows through them any more, and outside nothing of them is seen."""
_SHADOW_CM = 0.8
"""How far within clothes the shadow along their edge is less than one in 10**19."""
CLOTH_GLOSS = 0.02
_STRIPE = math.asin(0.3) / (2 * math.pi)
"""Where in a wave a stripe begins, and how long before its half it ends: where its sine is 0.3."""


class Look(NamedTuple):
    """Colours beside the painting. cloth_waves: [contrast, per cm across, per cm up]. neck_light: light that
    the chin leaves on the neck, for heads whose shape does not tell."""

    hair: Triple
    frame: Triple
    cloth: Triple
    headwear: Triple
    neck_light: float
    cloth_waves: Triple
    seed: int


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def is_covered(kind, cloth):
    """Whether only cloth is seen where the mesh is of this kind and lies so far within clothes, cm."""
    return cloth >= _HEM_CM and kind != HAIR


def part_of(kind, chart, hair, cloth):
    """Which part triangles (T,) that are not in an eye's region belong to, uint8.

    chart, hair, cloth: as `surface_colour` takes them, of the corners (T, 3, 3), (T, 3) and (T, 3).
    """
    # A little within what is asked there.
    free = ((hair < 0.019) & (cloth < -0.26)).all(axis=1)
    bare = free & (kind == FACE) & (chart[..., 1] > -10.4).all(axis=1)
    clothed = (kind != HAIR) & (cloth > _SHADOW_CM + 1e-3).all(axis=1)
    part = np.select([bare, clothed, free & (kind == TORSO)], [BARE, CLOTHED, CHEST], MIXED)
    return part.astype(np.uint8)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def surface_colour(kind, x, y, z, hair, cloth, skin, gloss, look):
    """Reflectance (a colour) and gloss of a place on the head that is not covered.

    kind: what the mesh is there. x, y, z: on the chart, cm. hair: share of it. cloth: cm within clothes.
    skin, gloss: as painted, if the mesh is skin.
    """
    if kind == FACE:
        if y < -10.5 and z < 0:  # the neck lies in the chin's shadow
            dim = look.neck_light + (1 - look.neck_light) * smoothstep(-19.0, -12.5, y) * smoothstep(
                -7.0, 0.0, z
            )
            skin = scaled(skin, dim)
    elif kind == TORSO:
        skin, gloss = torso_colour(x, y, torso_fold(x, y, look.seed), look), CLOTH_GLOSS
    elif kind == FRAME:
        skin, gloss = look.frame, 1.0
    elif kind == MOUTH:
        skin, gloss = (0.012, 0.012, 0.012), 0.05
    elif kind == TEETH:
        skin, gloss = (0.34, 0.30, 0.24), 0.2
    else:
        skin, gloss = look.hair, 0.05
    if hair > 0.02 and kind != MOUTH and cloth < 0.3:
        cover = (
            1.0
            if kind == HAIR
            else min(1.0, max(0.0, hair * (1 + 0.8 * noise(x * 6, y * 2, look.seed + 13)) * 1.2))
        )
        strand = (
            1
            + 0.7 * noise(x * 7 + 2 * z, y * 0.9 + z * 0.3, look.seed + 11)
            + 0.5 * noise(x * 2.2 + z, y * 0.4, look.seed + 12)
        )
        skin = blended(skin, scaled(look.hair, strand), cover)
        gloss += (0.12 - gloss) * cover
    if cloth > -0.25 and kind != HAIR:
        k = smoothstep(-_HEM_CM, _HEM_CM, cloth)
        skin = scaled(
            blended(skin, cloth_colour(x, y, cloth_fold(x, y, z, look.seed), look), k), edge_light(cloth)
        )
        gloss += (CLOTH_GLOSS - gloss) * k
    return skin, gloss


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def torso_colour(x, y, fold, look):
    """Reflectance (a colour) of a place on the torso, from its `torso_fold`."""
    return scaled(look.cloth, fold * _stripe(x, y, look) * (0.5 + 0.5 * smoothstep(-16.5, -22.0, y)))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def torso_fold(x, y, seed):
    """Light in the folds of what a torso wears."""
    wide, fine = inlined_noise(x * 0.5, y * 0.5, seed + 31), inlined_noise(x * 2, y * 2, seed + 32)
    return 1 + 0.35 * wide + 0.25 * fine


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def cloth_colour(x, y, fold, look):
    """Reflectance (a colour) of a place that is covered, from its `cloth_fold`."""
    is_headwear = y > -9
    fold *= 1.0 if is_headwear else _stripe(x, y, look)
    worn, other = look.headwear, look.cloth
    return (
        fold * (worn[0] if is_headwear else other[0]),
        fold * (worn[1] if is_headwear else other[1]),
        fold * (worn[2] if is_headwear else other[2]),
    )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def cloth_fold(x, y, z, seed):
    """Light in the folds of cloth."""
    wide, fine = inlined_noise(x * 0.5, y * 0.5, seed + 31), inlined_noise(x * 2 + z, y * 2, seed + 32)
    return 1 + 0.30 * wide + 0.22 * fine


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def edge_light(cloth):
    """Light left by the shadow along the edge of clothes, cm within them."""
    return 1 - 0.45 * math.exp(-((cloth / 0.12) ** 2))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _stripe(x, y, look):
    """Brightness of a cloth's stripes at a place, 1 beside them."""
    contrast, across, up = look.cloth_waves
    turns = (x * across + y * up) * (0.5 / math.pi)
    turn = turns - math.floor(turns)
    return contrast if (contrast > 0) & (turn > _STRIPE) & (turn < 0.5 - _STRIPE) else 1.0
