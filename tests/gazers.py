"""Dots as somebody sees them whose six numbers are known."""

from __future__ import annotations

import numpy as np

from tinytracker.calibration.dots import Dot

DISTANCE_CM = 60.0
LAYOUT_DEG = [
    (0.0, -9.0),
    (-14.0, -2.0),
    (14.0, -16.0),
    (14.0, -2.0),
    (-14.0, -16.0),
    (0.0, -2.0),
    (0.0, -16.0),
    (-14.0, -9.0),
]
CHECK_DEG = [(-4.0, -4.0), (9.0, -7.0), (4.0, -14.0), (-9.0, -11.0)]


def look_at(
    target_deg: tuple[float, float],
    truth: np.ndarray,
    rng: np.random.Generator,
    noise_deg: float = 0.3,
    frames: int = 20,
    elsewhere_deg: tuple[float, float] | None = None,
) -> Dot:
    """A dot at target_deg, seen by somebody whose raw gaze needs the correction truth (2, 3) = offset and
    gains per degree.

    elsewhere_deg: where they really looked.
    """
    looked = np.array(elsewhere_deg or target_deg)
    raw = np.linalg.solve(np.eye(2) + truth[:, 1:], looked - truth[:, 0])
    return Dot.of_angles(target_deg, raw + rng.normal(0, noise_deg, (frames, 2)), DISTANCE_CM)
