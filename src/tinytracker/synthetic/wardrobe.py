"""What people wear on a MakeHuman head; `dressing` puts it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinytracker.synthetic.figure import Figure

Collar = Literal["crew", "v", "shirt", "roll", "tank"]
Headwear = Literal["none", "cap", "beanie", "scarf"]

_COLLARS: dict[Collar, float] = {"crew": 0.38, "v": 0.2, "shirt": 0.2, "roll": 0.1, "tank": 0.12}
_COLLAR_CM: dict[Collar, float] = {"crew": -13.6, "v": -13.4, "shirt": -12.6, "roll": -10.9, "tank": -15.5}
"""Height of the neckline below the throat, along a plane that rises towards the nape."""


@dataclass(frozen=True)
class Wardrobe:
    """collar: shape of the neckline. cloth_cm: thickness of the clothes. headwear: what covers the head, of
    which colour."""

    collar: Collar
    collar_cm: float
    cloth_cm: float
    headwear: Headwear
    headwear_cm: float
    headwear_colour: np.ndarray
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, figure: Figure) -> Wardrobe:
        scarf = 0.0 if figure.male else 0.10
        caps = 0.06 if figure.male else 0.025
        kinds: list[Headwear] = ["none", "cap", "beanie", "scarf"]
        headwear = kinds[rng.choice(4, p=[1 - scarf - caps - 0.025, caps, 0.025, scarf])]
        collars: list[Collar] = list(_COLLARS)
        collar = collars[rng.choice(len(collars), p=list(_COLLARS.values()))]
        return cls(
            collar=collar,
            collar_cm=_COLLAR_CM[collar] + float(rng.normal(0, 0.35)),
            cloth_cm=float(rng.uniform(0.2, 0.55)),
            headwear=headwear,
            headwear_cm=float(rng.normal(0, 0.4)),
            headwear_colour=np.clip(rng.uniform(0.02, 0.55) * (1 + rng.normal(0, 0.35, 3)), 0.01, 0.85),
            seed=int(rng.integers(1 << 16)),
        )
