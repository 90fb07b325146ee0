"""Gaze drifts: posture, light and lids change, and the correction with them. One dot sets it right.

Somebody who sits down anew keeps what is the person's and draws what is the sitting's afresh
(`Prior.persistence`: up and down nearly all stays, to the side nearly nothing); while somebody sits, the
offset wanders slowly. Which of the two a dot meets is hardly ever known. So both are reckoned with, each by a
Kalman update, and weighed by how well they foretold the dot: one that lies where it was expected leaves the
calibration as it is, and one that does not moves it as far as sittings differ. A dot that was not looked at,
far from either, moves it little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.dots import DotSummary
from tinytracker.calibration.fit import NU, dot_noise
from tinytracker.calibration.posterior import Posterior, features
from tinytracker.calibration.prior import Prior

SLOW_VARIANCE_PER_MINUTE = 0.01
"""Squared degrees by which the offset wanders in a minute of one sitting (a guess: 0.3 degrees in ten
minutes)."""
ANOTHER_START, SAME_RUN = 0.9, 0.5
"""The chance that it is another sitting: after another start of the program, and while one runs."""


@dataclass(frozen=True, slots=True)
class Recentring:
    """One dot by which a calibration was moved.

    dot: what was seen. posterior: the six numbers since. moved_deg: by how much the correction at the dot
    changed (right, up).
    surprise: how many standard deviations the dot lay from what was expected (of the two expectations, from
    the nearer); above 3 it hardly counted.
    """

    dot: DotSummary
    posterior: Posterior
    moved_deg: tuple[float, float]
    surprise: float


def recentre(
    posterior: Posterior, prior: Prior, dot: DotSummary, new_sitting: float, minutes: float
) -> Recentring:
    """A calibration updated by one dot. new_sitting: the chance, 0 to 1, that somebody sat down anew."""
    wandered = np.full(2, SLOW_VARIANCE_PER_MINUTE * max(0.0, minutes))
    same, anew = (before.drifted(wandered) for before in (posterior, posterior.in_new_sitting(prior)))
    updates = [_Update.of(before, prior, dot) for before in (same, anew)]
    with np.errstate(divide="ignore"):
        logs = np.log([1 - new_sitting, new_sitting]) + [update.log_likelihood for update in updates]
    shares = np.exp(logs - logs.max())
    after = Posterior.mixed([update.after for update in updates], shares / shares.sum())
    moved = (after.correction(*dot.raw_deg) - posterior.correction(*dot.raw_deg)).ravel()
    surprise = min(update.surprise for update, share in zip(updates, shares, strict=True) if share > 0)
    return Recentring(dot, after, (float(moved[0]), float(moved[1])), surprise)


@dataclass(frozen=True, slots=True)
class _Update:
    """after: the six numbers. surprise: as in `Recentring`. log_likelihood: of the dot before it was seen,
    but for a constant."""

    after: Posterior
    surprise: float
    log_likelihood: float

    @classmethod
    def of(cls, before: Posterior, prior: Prior, dot: DotSummary) -> _Update:
        """The Kalman update; the dot's weight is the Student-t's for its surprise, and so is its
        likelihood."""
        phi = features([dot.raw_deg[0]], [dot.raw_deg[1]])
        residual: NDArray[np.float64] = np.array([dot.residual_deg])
        noise = dot_noise([dot], prior)
        expected = noise + before.variance(*dot.raw_deg)
        squares = float(((residual - phi @ before.mean.T) ** 2 / expected).sum())
        weight = min(1.0, (NU + 2) / (NU + squares))
        likely = -(NU + 2) / 2 * np.log1p(squares / NU) - np.log(expected).sum() / 2
        return cls(before.observed(phi, residual, noise / weight), float(np.sqrt(squares / 2)), float(likely))
