"""Gaze drifts: posture, light and lids change, and the offset with them. One dot sets it right.

The offset is a random walk: it wanders by the prior's sitting variance when somebody sits down anew, and
slowly in between. Looking at one dot is then a Kalman update of the calibration: it moves by as much as it
may have wandered and no more, and a dot that was not looked at (a residual far beyond that) moves it little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.calibration.dots import DotSummary
from tinytracker.calibration.fit import NU, dot_noise
from tinytracker.calibration.posterior import Posterior, features
from tinytracker.calibration.prior import Prior

SLOW_VARIANCE_PER_MINUTE = 0.01
"""Squared degrees by which the offset wanders in a minute of one sitting (a guess: 0.3 degrees in ten
minutes)."""


@dataclass(frozen=True, slots=True)
class Recentring:
    """One dot by which a calibration was moved.

    dot: what was seen. posterior: the six numbers since. moved_deg: by how much the correction at the dot
    changed (right, up).
    surprise: how many standard deviations the dot lay from what was expected; above 3 it hardly counted.
    """

    dot: DotSummary
    posterior: Posterior
    moved_deg: tuple[float, float]
    surprise: float


def recentre(
    posterior: Posterior, prior: Prior, dot: DotSummary, new_sitting: bool, minutes: float
) -> Recentring:
    """The Kalman update of a calibration by one dot; its weight is the Student-t's for its surprise."""
    wandered = np.full(2, SLOW_VARIANCE_PER_MINUTE * max(0.0, minutes))
    before = posterior.drifted(wandered + (prior.sitting_variance if new_sitting else 0.0))
    phi = features([dot.raw_deg[0]], [dot.raw_deg[1]])
    residual = np.array([dot.residual_deg])
    noise = dot_noise([dot], prior)
    innovation = residual - phi @ before.mean.T
    surprise = float(np.sqrt((innovation**2 / (noise + before.variance(*dot.raw_deg))).sum() / 2))
    weight = min(1.0, (NU + 2) / (NU + 2 * surprise**2))
    after = before.observed(phi, residual, noise / weight)
    moved = (after.correction(*dot.raw_deg) - posterior.correction(*dot.raw_deg)).ravel()
    return Recentring(dot, after, (float(moved[0]), float(moved[1])), surprise)
