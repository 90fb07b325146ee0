"""What a MakeHuman head's skin is like beyond its colour; `complexion_painter` paints it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.figure import Figure


@dataclass(frozen=True)
class Complexion:
    """Skin beyond its colour. Shades are factors on the reflectance there: the skin between brow and lid, the
    skin below the eye, the inner corner beside the nose."""

    above_eye: float
    below_eye: float
    inner_corner: float
    pores: float
    mottling: float
    wrinkles: float
    moles: int
    shadow_tint: np.ndarray  # (3,) colour that darker skin round the eyes leans to
    eyeshadow: float
    eyeshadow_colour: np.ndarray
    blush: float
    stubble: float

    @classmethod
    def draw(cls, rng: np.random.Generator, figure: Figure, made_up: bool) -> Complexion:
        wear = figure.wear
        return cls(
            above_eye=float(np.clip(math.exp(rng.normal(-0.16, 0.20)), 0.5, 1.25)),
            below_eye=float(np.clip(math.exp(rng.normal(-0.16 - 0.06 * wear, 0.18)), 0.5, 1.25)),
            inner_corner=float(np.clip(math.exp(rng.normal(-0.22, 0.18)), 0.5, 1.15)),
            pores=float(rng.uniform(0.2, 1.0) * (0.4 if figure.is_child else 1.0)),
            mottling=float(rng.uniform(0.5, 1.3)),
            wrinkles=float(wear * rng.uniform(0.4, 1.0) + 0.06 * rng.random()),
            moles=int(rng.integers(0, 5)),
            shadow_tint=np.array([1.0, 0.93, 0.92]) + rng.normal(0, 0.03, 3),
            eyeshadow=float(rng.uniform(0.1, 0.7)) if made_up and rng.random() < 0.6 else 0.0,
            eyeshadow_colour=np.clip(rng.uniform(0.03, 0.30) * (1 + rng.normal(0, 0.35, 3)), 0.01, 0.6),
            blush=float(rng.uniform(0.1, 0.6)) if made_up else 0.0,
            stubble=float(rng.uniform(0.0, 0.5)),
        )
