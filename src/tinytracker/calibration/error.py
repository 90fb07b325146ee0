"""How far off a direction is, and how far it will be: true angles, means of uncertain ones, and an honest
interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """The error a person will have, degrees: the median of what may be true, and the interval that holds it
    with 68 %."""

    deg: float
    low_deg: float
    high_deg: float

    @classmethod
    def of_log(cls, log_deg: float, log_sd: float) -> ExpectedError:
        """From the logarithm of the error and its standard deviation."""
        low, middle, high = (math.exp(log_deg + step * log_sd) for step in (-1, 0, 1))
        return cls(middle, low, high)

    def bettered(self, by_log: float) -> ExpectedError:
        """The same once the error's logarithm has fallen by so much, which is foretold, and as unsure as it
        is large."""
        log_sd = math.log(self.high_deg / self.deg)
        return ExpectedError.of_log(math.log(self.deg) - by_log, math.hypot(log_sd, by_log))


def angle_between_deg(target_deg: ArrayLike, gaze_deg: ArrayLike) -> Floats:
    """The angle (...) between directions (..., 2) given as visual angles right and up, seen from the eyes.

    The directions are (tan x, tan y, 1): where the rays meet the screen. By the cross product, exact for
    small angles.
    """
    target, gaze = (_ray(directions) for directions in (target_deg, gaze_deg))
    cross = np.linalg.norm(np.cross(target, gaze), axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, (target * gaze).sum(axis=-1))))


def mean_length(variances: ArrayLike) -> Floats:
    """Mean length (...) of a normal vector about zero with variances (..., 2) along its axes.

    sqrt(2 / pi) * s * E(1 - (t / s)^2) for the larger deviation s and the smaller t, with E the complete
    elliptic integral of the second kind, by the arithmetic-geometric mean.
    """
    deviations = np.sqrt(np.asarray(variances, np.float64))
    large, small = deviations.max(axis=-1), deviations.min(axis=-1)
    ratio = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    a, b = np.ones_like(ratio), ratio
    total = (1 - ratio**2) / 2
    for step in range(8):
        a, b, c = (a + b) / 2, np.sqrt(a * b), (a - b) / 2
        total = total + 2.0**step * c**2
    elliptic = np.pi / (2 * a) * (1 - total)
    return np.asarray(np.sqrt(2 / np.pi) * large * elliptic)


def _ray(directions_deg: ArrayLike) -> Floats:
    tangents = np.tan(np.radians(np.asarray(directions_deg, np.float64)))
    return np.concatenate([tangents, np.ones_like(tangents[..., :1])], axis=-1)
