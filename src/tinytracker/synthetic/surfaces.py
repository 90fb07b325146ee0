"""What everything beside the eyes looks like: skin under its paint, strands of hair, the weave of clothes."""

from __future__ import annotations

import math
from typing import NamedTuple

from tinytracker.synthetic.colours import Triple, blended, scaled
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep

# As in `mesh`: numba takes constants from the module that it compiles.
FACE, HAIR, TORSO, MOUTH, FRAME, TEETH = 1, 2, 3, 4, 5, 6

_DEEP_IN_CLOTH_CM = 0.8
"""Farther in, the shadow along the edge is less than one in 10**19: too little for a float to change."""


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
def surface_colour(kind, x, y, z, hair, cloth, skin, gloss, look):
    """Reflectance (a colour) and gloss of a place on the head.

    kind: what the mesh is there. x, y, z: on the chart, cm. hair: share of it. cloth: cm within clothes. skin,
    gloss: as painted, if the mesh is skin.
    """
    has_cloth = cloth > -0.25 and kind != HAIR
    broad = noise(x * 0.5, y * 0.5, look.seed + 31) if has_cloth or kind == TORSO else 0.0
    if kind == FACE:
        if y < -10.5 and z < 0:  # the neck lies in the chin's shadow
            dim = look.neck_light + (1 - look.neck_light) * smoothstep(-19.0, -12.5, y) * smoothstep(
                -7.0, 0.0, z
            )
            skin = scaled(skin, dim)
    elif kind == TORSO:
        fold = 1 + 0.35 * broad + 0.25 * noise(x * 2, y * 2, look.seed + 32)
        fold *= _stripe(x, y, look)
        fold *= 0.5 + 0.5 * smoothstep(-16.5, -22.0, y)
        skin, gloss = scaled(look.cloth, fold), 0.02
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
    if has_cloth:  # with a shadow along its edge
        k = smoothstep(-0.03, 0.03, cloth)
        edge = 1 - 0.45 * math.exp(-((cloth / 0.12) ** 2)) if cloth < _DEEP_IN_CLOTH_CM else 1.0
        fold = 1 + 0.30 * broad + 0.22 * noise(x * 2 + z, y * 2, look.seed + 32)
        if y < -9:
            fold *= _stripe(x, y, look)
        weave = scaled(look.headwear if y > -9 else look.cloth, fold)
        skin = scaled(blended(skin, weave, k), edge)
        gloss += (0.02 - gloss) * k
    return skin, gloss


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _stripe(x, y, look):
    """Brightness of a cloth's stripes at a place, 1 beside them."""
    contrast, across, up = look.cloth_waves
    return contrast if contrast > 0 and math.sin(x * across + y * up) > 0.3 else 1.0
