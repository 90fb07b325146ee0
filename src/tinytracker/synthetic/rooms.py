"""Rooms that people sit in: what is seen behind them, and where the light comes from.

A room is painted once, small, as cameras show it out of focus: walls, windows, shelves, doors, pictures,
lamps. Its light follows one of a few plans: a window to one side, lamps overhead, an even sky, the screen
alone in the dark, the sun.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from tinytracker.synthetic.scene import Background, Clothes, Light, Scene

Plan = Literal["window", "overhead", "even", "screen", "sun"]

_PLANS: dict[Plan, float] = {"window": 0.34, "overhead": 0.26, "even": 0.20, "screen": 0.09, "sun": 0.11}
_SIDE_PX = 96
"""Rows and columns of a room's picture; it fills the frame."""


def draw_room(rng: np.random.Generator) -> Scene:
    """A random room with its light, and clothes for who sits in it."""
    plans: list[Plan] = list(_PLANS)
    plan = plans[rng.choice(len(plans), p=list(_PLANS.values()))]
    lights, ambient = _lights(rng, plan)
    level = float(ambient.mean()) + 0.3 * sum(float(light.colour.mean()) for light in lights)
    return Scene(
        lights=tuple(lights),
        ambient=ambient,
        background=Background(
            np.zeros((2, 3)), np.zeros(2), 0.0, np.zeros((0, 8)), _picture(rng, plan, level)
        ),
        clothes=Clothes(
            np.clip(
                rng.choice([0.02, 0.08, 0.25, 0.6]) * rng.uniform(0.6, 1.3) * (1 + rng.normal(0, 0.3, 3)),
                0.005,
                0.85,
            ),
            float(rng.choice([0.0, 0.0, rng.uniform(0.4, 1.7)])),
            rng.uniform(0, 4, 2),
        ),
        seed=int(rng.integers(1 << 16)),
    )


def _light(
    azimuth_deg: float, elevation_deg: float, colour: np.ndarray, radius_deg: float, glint: float
) -> Light:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    direction = [
        math.sin(azimuth) * math.cos(elevation),
        math.sin(elevation),
        math.cos(azimuth) * math.cos(elevation),
    ]
    return Light(np.array(direction), colour, radius_deg, glint)


def _tint(rng: np.random.Generator, warmth: float) -> np.ndarray:
    """A light's colour: warmth 0 daylight, positive towards lamps."""
    w = warmth + rng.normal(0, 0.08)
    return np.clip(np.array([1 + w, 1.0 - 0.1 * abs(w), 1 - w]), 0.15, 2)


def _lights(rng: np.random.Generator, plan: Plan) -> tuple[list[Light], np.ndarray]:
    side = float(rng.choice([-1, 1]))
    lamp = rng.uniform(0.0, 0.35)
    lights = []
    if plan == "window":
        lights.append(
            _light(
                side * rng.uniform(25, 100),
                rng.uniform(0, 40),
                _tint(rng, -0.05) * rng.uniform(0.5, 1.3),
                rng.uniform(9, 22),
                rng.uniform(0.3, 0.9),
            )
        )
        ambient = _tint(rng, 0.0) * rng.uniform(0.12, 0.4)
    elif plan == "overhead":
        for _ in range(int(rng.integers(1, 4))):
            lights.append(
                _light(
                    rng.normal(0, 50),
                    rng.uniform(35, 80),
                    _tint(rng, lamp) * rng.uniform(0.2, 0.8),
                    rng.uniform(4, 12),
                    rng.uniform(0.2, 0.9),
                )
            )
        ambient = _tint(rng, lamp / 2) * rng.uniform(0.2, 0.5)
    elif plan == "even":
        lights.append(
            _light(
                rng.normal(0, 60),
                rng.uniform(5, 60),
                _tint(rng, 0.0) * rng.uniform(0.1, 0.4),
                rng.uniform(8, 20),
                rng.uniform(0.1, 0.6),
            )
        )
        ambient = _tint(rng, 0.0) * rng.uniform(0.5, 0.9)
    elif plan == "screen":
        lights.append(
            _light(
                side * rng.uniform(20, 90),
                rng.uniform(10, 60),
                _tint(rng, 0.3) * rng.uniform(0.0, 0.25),
                rng.uniform(4, 10),
                rng.uniform(0.2, 0.8),
            )
        )
        ambient = _tint(rng, 0.1) * rng.uniform(0.05, 0.18)
    else:
        lights.append(
            _light(
                rng.normal(0, 70),
                rng.uniform(15, 65),
                _tint(rng, 0.08) * rng.uniform(0.9, 1.8),
                rng.uniform(2, 5),
                rng.uniform(0.3, 0.9),
            )
        )
        ambient = _tint(rng, -0.08) * rng.uniform(0.4, 0.8)
    if rng.random() < 0.25:  # another lamp to one side
        lights.append(
            _light(
                -side * rng.uniform(20, 110),
                rng.uniform(-5, 50),
                _tint(rng, lamp) * rng.uniform(0.1, 0.5),
                rng.uniform(4, 10),
                rng.uniform(0.1, 0.7),
            )
        )
    screen = np.array([0.85, 0.97, 1.08]) * (
        rng.uniform(0.25, 0.9) if plan == "screen" else rng.uniform(0.02, 0.22)
    )
    lights.append(
        _light(rng.normal(0, 8), rng.uniform(-35, 5), screen, rng.uniform(5, 11), rng.uniform(0.15, 0.6))
    )
    return lights, ambient


def _picture(rng: np.random.Generator, plan: Plan, level: float) -> np.ndarray:
    """The room behind, float32 (96, 96, 3) of linear light."""
    dim = level * rng.uniform(0.25, 0.9)
    out = np.empty((_SIDE_PX, _SIDE_PX, 3), np.float32)
    wall = _paint(rng, rng.choice([0.12, 0.35, 0.6, 0.75]))
    out[:] = wall * dim
    fall = rng.normal(0, 0.5, 2)
    ramp = (
        1
        + fall[0] * np.linspace(-0.5, 0.5, _SIDE_PX)[:, None]
        + fall[1] * np.linspace(-0.5, 0.5, _SIDE_PX)[None]
    )
    out *= np.clip(ramp, 0.25, 1.9)[..., None]
    if rng.random() < 0.35:  # a corner: the other wall is in other light
        x = int(rng.uniform(0.1, 0.9) * _SIDE_PX)
        out[:, x:] *= rng.uniform(0.45, 1.5)
    if plan == "sun" and rng.random() < 0.7:
        _outdoors(rng, out, level)
    else:
        things = (_shelf, _door, _frames, _furniture, _window, _curtain, _lamp)
        for number in rng.permutation(len(things))[: int(rng.integers(1, 6))]:
            things[number](rng, out, dim, level)
    if rng.random() < 0.4:
        out[: int(rng.uniform(0, 0.15) * _SIDE_PX)] = (
            _paint(rng, 0.7) * dim * rng.uniform(0.8, 1.6)
        )  # ceiling
    blur = float(rng.choice([0.6, 1.2, 2.5, 5.0], p=[0.35, 0.3, 0.2, 0.15]))
    return np.clip(cv2.GaussianBlur(out, (0, 0), blur), 0.001, 6.0)


def _paint(rng: np.random.Generator, brightness: float) -> np.ndarray:
    return np.clip(brightness * (1 + rng.normal(0, 0.16, 3)) * rng.uniform(0.75, 1.2), 0.01, 0.9).astype(
        np.float32
    )


def _box(out: np.ndarray, x: float, y: float, width: float, height: float, colour: np.ndarray) -> None:
    """Fills a rectangle given in fractions of the picture."""
    left, top = int(x * _SIDE_PX), int(y * _SIDE_PX)
    right, bottom = max(left + 1, int((x + width) * _SIDE_PX)), max(top + 1, int((y + height) * _SIDE_PX))
    out[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = colour


def _window(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    x, y, width, height = (
        rng.uniform(-0.2, 0.9),
        rng.uniform(-0.1, 0.3),
        rng.uniform(0.12, 0.5),
        rng.uniform(0.3, 0.7),
    )
    sky = np.array([0.85, 0.95, 1.1], np.float32) * level * rng.uniform(0.8, 5.0)
    _box(out, x - 0.015, y - 0.015, width + 0.03, height + 0.03, _paint(rng, 0.7) * dim)
    _box(out, x, y, width, height, sky)
    if rng.random() < 0.6:
        _box(out, x, y + height * rng.uniform(0.5, 0.9), width, height * 0.3, sky * _paint(rng, 0.35))
    for k in range(int(rng.integers(0, 3))):
        _box(out, x + width * (k + 1) / 3, y, 0.012, height, _paint(rng, 0.5) * dim)


def _shelf(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    x, width, rows = rng.uniform(-0.2, 0.7), rng.uniform(0.25, 0.7), int(rng.integers(2, 6))
    y, step = rng.uniform(-0.05, 0.3), rng.uniform(0.12, 0.2)
    _box(out, x, y, width, rows * step, _paint(rng, 0.15) * dim)
    for row in range(rows):
        at = x + 0.01
        while at < x + width - 0.02:
            wide = rng.uniform(0.012, 0.04)
            if rng.random() < 0.85:
                high = step * rng.uniform(0.55, 0.88)
                _box(
                    out,
                    at,
                    y + (row + 1) * step - high - 0.01,
                    wide * 0.9,
                    high,
                    _paint(rng, rng.choice([0.05, 0.2, 0.5])) * dim,
                )
            at += wide


def _door(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    x, y = rng.uniform(0, 0.85), rng.uniform(0.0, 0.3)
    wide = rng.uniform(0.14, 0.26)
    _box(out, x - 0.015, y - 0.015, wide + 0.03, 1.2, _paint(rng, 0.5) * dim)
    _box(out, x, y, wide, 1.2, _paint(rng, rng.choice([0.03, 0.3, 0.7])) * dim * rng.uniform(0.3, 1.3))


def _frames(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    for _ in range(int(rng.integers(1, 5))):
        x, y, width, height = (
            rng.uniform(0, 0.9),
            rng.uniform(0.02, 0.45),
            rng.uniform(0.06, 0.22),
            rng.uniform(0.06, 0.25),
        )
        _box(out, x, y, width, height, _paint(rng, rng.choice([0.03, 0.5])) * dim)
        _box(
            out, x + 0.012, y + 0.012, width - 0.024, height - 0.024, _paint(rng, rng.uniform(0.1, 0.7)) * dim
        )


def _furniture(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    for _ in range(int(rng.integers(1, 4))):
        y = rng.uniform(0.5, 0.9)
        _box(
            out,
            rng.uniform(-0.2, 0.8),
            y,
            rng.uniform(0.15, 0.7),
            1.2,
            _paint(rng, rng.choice([0.04, 0.2, 0.5])) * dim,
        )


def _curtain(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    x, width = rng.uniform(-0.1, 0.9), rng.uniform(0.1, 0.35)
    colour = _paint(rng, rng.choice([0.2, 0.5, 0.7])) * dim * rng.uniform(0.5, 2.0)
    folds = int(rng.integers(4, 14))
    for k in range(folds):
        _box(
            out,
            x + width * k / folds,
            -0.1,
            width / folds,
            1.2,
            colour * (0.7 + 0.5 * (k % 2) + rng.normal(0, 0.1)),
        )


def _lamp(rng: np.random.Generator, out: np.ndarray, dim: float, level: float) -> None:
    x, y = rng.uniform(0.02, 0.95), rng.uniform(0.0, 0.6)
    glow = np.array([1.15, 1.0, 0.7], np.float32) * level * rng.uniform(1.0, 5.0)
    _box(out, x, y, rng.uniform(0.03, 0.10), rng.uniform(0.02, 0.12), glow)


def _outdoors(rng: np.random.Generator, out: np.ndarray, level: float) -> None:
    """Sky, trees or houses, ground."""
    horizon = rng.uniform(0.2, 0.7)
    _box(out, 0, 0, 1, horizon, np.array([0.7, 0.85, 1.1], np.float32) * level * rng.uniform(0.6, 1.8))
    _box(out, 0, horizon, 1, 1, _paint(rng, 0.3) * level)
    for _ in range(int(rng.integers(4, 22))):
        is_tree = rng.random() < 0.5
        base = np.array([0.06, 0.11, 0.04], np.float32) if is_tree else _paint(rng, 0.4)
        height = rng.uniform(0.1, 0.6)
        _box(
            out,
            rng.uniform(-0.1, 1),
            horizon - height * rng.uniform(0.3, 0.9),
            rng.uniform(0.04, 0.25),
            height,
            base * level * rng.uniform(0.4, 1.5),
        )
