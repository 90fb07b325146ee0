"""From dots to a person's correction: shrunk towards what people are like, deaf to a dot that was not looked
at.

The model for each axis: residual = phi . beta + e, beta ~ N(m, S) over people, e Student-t with NU degrees of
freedom and the prior's dot variance. The t distribution is a mixture of normals (Lange, Little and Taylor,
"Robust statistical modeling using the t distribution", JASA 84, 1989): weigh each dot by (NU + 2) / (NU + its
squared residual), solve, weigh again. Both axes share a dot's weight, since it was looked at or was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.dots import DotSummary
from tinytracker.calibration.posterior import Posterior, features
from tinytracker.calibration.prior import Prior
from tinytracker.errors import UsageError

Floats = NDArray[np.float64]

NU = 8.0
"""Degrees of freedom of the dots' noise; of 3, 4 and 8 the best on the people who taught the priors: a dot
that was not looked at, ten deviations off, counts a tenth."""
LEAST_SCATTER = 0.1
"""Against what the prior says of people: nobody's dots lie nearer to the fit but by chance, or made up."""
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Fit:
    """posterior: of the six numbers. weights: (n,), one per dot: about 1 for good ones, near 0 for a dot that
    was not looked at.
    noise_log, freedom: the logarithm of how far the dots scatter about the fit against what the prior says of
        people, and by how many degrees of freedom that is known: hardly any for one dot, some 12 for nine."""

    posterior: Posterior
    weights: Floats
    noise_log: float
    freedom: float


def fit_dots(dots: Sequence[DotSummary], prior: Prior, robust: bool = True) -> Fit:
    """The posterior after these dots; raises UsageError without any. robust: with Student-t weights."""
    if not dots:
        raise UsageError("a calibration needs at least one dot that was looked at")
    phi = features(*np.array([dot.raw_deg for dot in dots]).T)
    residuals = np.array([dot.residual_deg for dot in dots])
    noise = dot_noise(dots, prior)
    before = Posterior.of_prior(prior)
    weights = np.ones(len(dots))
    posterior = before.observed(phi, residuals, noise)
    for _ in range(_ROUNDS if robust else 0):
        left = residuals - phi @ posterior.mean.T
        updated = (NU + 2) / (NU + (left**2 / noise).sum(axis=1))
        settled = float(np.abs(updated - weights).max()) < 1e-6
        weights = updated
        posterior = before.observed(phi, residuals, noise / weights[:, None])
        if settled:
            break
    squares = (residuals - phi @ posterior.mean.T) ** 2 / noise * weights[:, None]
    # A dot that decided the fit itself (leverage 1) says nothing of how far dots scatter.
    leverage = posterior.variance(*np.array([dot.raw_deg for dot in dots]).T) / noise * weights[:, None]
    freedom = max(float((1 - leverage).sum()), 1e-9)
    scatter = max(float(np.sqrt(squares.sum() / freedom)), LEAST_SCATTER)
    return Fit(posterior, weights, float(np.log(scatter)), freedom)


def noise_weight(freedom: float, people_log_sd: float) -> float:
    """What `Fit.noise_log` is worth (0 to 1) where people's errors differ by `people_log_sd`.

    The logarithm of a deviation of f degrees of freedom has a variance of 1 / 2f for normal dots, and, by
    their kurtosis, 1 + 3 / (NU - 4) times that for Student's.
    """
    known = 2 * freedom * people_log_sd**2 / (1 + 3 / (NU - 4))
    return known / (known + 1)


def dot_noise(dots: Sequence[DotSummary], prior: Prior) -> Floats:
    """Variance (n, 2) of each dot's residual: the network's error at a place, and what few frames leave of
    the jitter."""
    x_deg, y_deg = np.array([dot.raw_deg for dot in dots]).T
    frames = np.array([max(1, dot.frames) for dot in dots], np.float64)
    return np.asarray(prior.place_variance(x_deg, y_deg) + prior.frame_variance / frames[:, None])
