"""What is too fine to be modelled, painted once per person: skin, brow, iris and sclera. float32 pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tinytracker.synthetic.near_eye.anatomy import NearEye
from tinytracker.synthetic.near_eye.lids import REACH_CM

SKIN_PX = 384
"""Pixels over 2 * REACH_CM, both ways."""
IRIS_ANGLES, IRIS_RINGS = 256, 48

Texture = NDArray[np.float32]


def skin(person: NearEye, rng: np.random.Generator) -> Texture:
    """Reflectance of the skin (SKIN_PX, SKIN_PX) over x and y from -REACH_CM to REACH_CM; row 0 is the
    lowest. Blotches, pores, wrinkles that run about the eye, and the brow."""
    noise = sum(
        weight * _smooth_noise(rng, SKIN_PX, sigma)
        for weight, sigma in ((0.5, 30.0), (0.2, 9.0), (0.2, 1.8), (0.15, 0.9))
    )
    y, x = np.mgrid[0:SKIN_PX, 0:SKIN_PX] * (2 * REACH_CM / (SKIN_PX - 1)) - REACH_CM
    radius, angle = np.hypot(x, y * 1.35), np.arctan2(y, x)
    wrinkles = np.zeros_like(x)
    for _ in range(int(rng.integers(2, 9))):
        about = rng.uniform(1.0, 2.2) + 0.12 * np.sin(angle * rng.integers(1, 4) + rng.uniform(0, 6))
        centre = rng.uniform(-np.pi, 0.3) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
        reach = rng.uniform(0.3, 0.9)
        turned = np.angle(np.exp(1j * (angle - centre)))
        wrinkles += (
            rng.uniform(0.2, 1.0)
            * np.exp(-(((radius - about) / 0.03) ** 2))
            * np.exp(-((turned / reach) ** 2))
        )
    albedo = person.look.skin * (1 + person.look.skin_contrast * (noise - 0.5 * wrinkles))
    return (albedo * (1 - _brow(person, rng, x, y))).clip(0.03, 0.9).astype(np.float32)


def iris(person: NearEye, rng: np.random.Generator) -> Texture:
    """Reflectance over (angle, share of the way from pupil to limbus), (IRIS_ANGLES, IRIS_RINGS): fibres, the
    collarette, a darker rim."""
    fine = rng.normal(0, 1, (IRIS_ANGLES, IRIS_RINGS))
    fibres = cv2.GaussianBlur(np.tile(fine, (3, 1)), (0, 0), sigmaX=6.0, sigmaY=1.1)[
        IRIS_ANGLES : 2 * IRIS_ANGLES
    ]
    coarse = cv2.GaussianBlur(np.tile(fine[::-1], (3, 1)), (0, 0), sigmaX=4.0, sigmaY=5.0)[
        IRIS_ANGLES : 2 * IRIS_ANGLES
    ]
    rings = (np.arange(IRIS_RINGS) + 0.5) / IRIS_RINGS
    profile = (
        1
        + 0.25 * np.exp(-(((rings - rng.uniform(0.2, 0.4)) / 0.1) ** 2))
        - rng.uniform(0.1, 0.5) * np.clip((rings - 0.8) / 0.2, 0, 1) ** 2
        - 0.2 * np.clip(1 - rings / 0.08, 0, 1)
    )
    pattern = fibres / fibres.std() + 0.6 * coarse / coarse.std()
    return (
        (person.look.iris * profile * (1 + 0.5 * person.look.iris_contrast * pattern))
        .clip(0.04, 0.9)
        .astype(np.float32)
    )


def sclera(person: NearEye, rng: np.random.Generator) -> Texture:
    """Reflectance of the white (128, 128) over the eye-fixed x and y from -1.3 to 1.3 cm: faint veins."""
    size = 128
    veins = np.abs(_smooth_noise(rng, size, 3.0)) + 0.6 * np.abs(_smooth_noise(rng, size, 1.5))
    lines = np.exp(-((veins / 0.25) ** 2))
    return (person.look.sclera * (1 - 0.12 * lines + 0.03 * _smooth_noise(rng, size, 8.0))).astype(np.float32)


def _brow(person: NearEye, rng: np.random.Generator, x: Texture, y: Texture) -> Texture:
    """How much of the skin is hair (0 to 1)."""
    temporal = x * person.side
    line = person.hairs.brow_cm - 0.05 * (temporal - 0.6) ** 2
    inside = np.exp(-(((y - line) / 0.27) ** 4)) / (1 + np.exp(-(temporal + 2.3) / 0.1))
    hairs = cv2.GaussianBlur(rng.normal(0, 1, x.shape), (0, 0), sigmaX=4.0, sigmaY=0.7)
    turn = cv2.getRotationMatrix2D((SKIN_PX / 2, SKIN_PX / 2), -25.0 * person.side, 1.0)
    hairs = cv2.warpAffine(hairs / hairs.std(), turn, (SKIN_PX, SKIN_PX), borderMode=cv2.BORDER_REFLECT)
    return (
        inside
        * (1 - person.hairs.reflectance)
        * 0.85
        * np.clip(person.hairs.brow_density + 0.5 * hairs - 0.2, 0, 1)
    )


def _smooth_noise(rng: np.random.Generator, size: int, sigma: float) -> Texture:
    noise = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return noise / noise.std()
