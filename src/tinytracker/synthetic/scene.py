"""What surrounds a person: lights, the room behind them, their clothes.

Directions are in the camera frame (X image right, Y up, the camera looks along -Z), from the person towards
the light: a lamp behind the camera has +Z. Colours are linear RGB; a white surface that faces a light of
colour 1 returns 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """A distant light."""

    direction: np.ndarray  # (3,) unit, camera frame
    colour: np.ndarray  # (3,)
    radius_deg: float  # angular size as the cornea mirrors it
    glint: float  # strength of its reflection on the cornea


@dataclass(frozen=True)
class Background:
    """The room: two colours blended along a slope, blotches, and rectangles (furniture, windows)."""

    colours: np.ndarray  # (2, 3)
    slope: np.ndarray  # (2,) [down, across], per frame height and width
    texture: float  # 0 to 1
    shapes: (
        np.ndarray
    )  # (k, 8): centre x, y, half-width, half-height (fractions of the frame), r, g, b, softness
    picture: np.ndarray | None = (
        None  # float32 (rows, columns, 3) of the whole frame; all else is ignored if there is one
    )


@dataclass(frozen=True)
class Clothes:
    colour: np.ndarray  # (3,)
    stripe: float  # brightness of the stripes against the rest, 0 = none
    waves_per_cm: np.ndarray  # (2,) across and up


@dataclass(frozen=True)
class Scene:
    """Everything around one person for one sitting."""

    lights: tuple[Light, ...]
    ambient: np.ndarray  # (3,) light of the surroundings, strongest from above
    background: Background
    clothes: Clothes
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Scene:
        """A random room: one to three lamps or windows, the screen's own light, daylight or lamp-coloured
        surroundings."""
        count = int(rng.integers(1, 4))
        lights = [_lamp(rng, count) for _ in range(count)]
        screen = np.array([0.8, 0.95, 1.1]) * rng.uniform(0, 0.25)
        lights.append(
            Light(np.array([0.0, 0.0, 1.0]), screen, float(rng.uniform(5, 9)), float(rng.uniform(0.1, 0.5)))
        )
        warmth = rng.normal(0, 0.12)
        base = rng.uniform(0.02, 0.45)
        colour = lambda: np.clip(base * rng.uniform(0.4, 1.6) * (1 + rng.normal(0, 0.18, 3)), 0.003, 1.5)  # noqa: E731
        shapes = np.zeros((int(rng.integers(0, 7)), 8))
        for shape in shapes:
            shade = colour() if rng.random() < 0.75 else np.ones(3) * rng.uniform(1, 2.5)
            shape[:] = [
                *rng.uniform(0, 1, 2),
                rng.uniform(0.02, 0.35),
                rng.uniform(0.02, 0.4),
                *shade,
                rng.uniform(0.004, 0.05),
            ]
        return cls(
            lights=tuple(lights),
            ambient=np.array([1 + warmth, 1, 1 - warmth]) * rng.uniform(0.2, 0.75),
            background=Background(
                np.array([colour(), colour()]),
                rng.normal(0, [0.8, 0.6]),
                float(rng.uniform(0.1, 0.9)),
                shapes,
            ),
            clothes=Clothes(
                np.clip(rng.uniform(0.01, 0.6) * (1 + rng.normal(0, 0.3, 3)), 0.005, 0.9),
                float(rng.choice([0.0, rng.uniform(0.4, 1.8)])),
                rng.uniform(0, 4, 2),
            ),
            seed=int(rng.integers(1 << 16)),
        )


def _lamp(rng: np.random.Generator, count: int) -> Light:
    azimuth, elevation = math.radians(rng.normal(0, 55)), math.radians(rng.uniform(-5, 75))
    warmth = rng.normal(0, 0.18)
    tint = np.exp(rng.normal(0, 0.25, 3)) if rng.random() < 0.2 else np.ones(3)
    return Light(
        direction=np.array(
            [
                math.sin(azimuth) * math.cos(elevation),
                math.sin(elevation),
                math.cos(azimuth) * math.cos(elevation),
            ]
        ),
        colour=np.clip(np.array([1 + warmth, 1.0, 1 - warmth]), 0.1, 2)
        * tint
        * rng.uniform(0.15, 1.0)
        / count
        * 1.9,
        radius_deg=float(rng.uniform(4, 14)),
        glint=float(rng.uniform(0.15, 0.9)),
    )
