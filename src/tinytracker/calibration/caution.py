"""First, do no harm: a correction goes only as far as the dots are sure that it helps.

The posterior's mean is best on average, and yet few dots make some people worse: one dot that errs moves all
of the screen. So the mean correction m is taken times a share s. Over the screen, s m is worse than no
correction where |c - s m|^2 > |c|^2, c the true correction: where <c, m> < s <m, m> / 2, with <,> the mean
over the screen's places and both axes. After the dots <c, m> is normal about <m, m>; s is the largest share,
up to 1, that makes things worse with at most the chance that a normal number lies `SURENESS` deviations low.
From five dots on it is nearly always 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tinytracker.calibration.posterior import Posterior, features

SURENESS = 1.0
"""Standard deviations: a chance of 16 %. Of 0.5, 0.8, 1, 1.15, 1.3 and 1.64 the largest that costs the people
who taught the priors less than 2 % of the mean error after one dot."""


@dataclass(frozen=True, slots=True)
class Cautious:
    """posterior: the six numbers to be used; its covariance is the mean square about them, so what the
    caution leaves undone counts as unsure. share: 1 where nothing was held back, 0 where nothing is
    corrected."""

    posterior: Posterior
    share: float


def cautious(posterior: Posterior, x_deg: ArrayLike, y_deg: ArrayLike) -> Cautious:
    """Holds a correction back as far as it may do harm at these directions, degrees (n,), all over the
    screen."""
    phi = features(x_deg, y_deg)
    metric = phi.T @ phi / len(phi)
    weighed = posterior.mean @ metric
    length2 = float((weighed * posterior.mean).sum())
    if length2 <= 0.0:
        return Cautious(posterior, 1.0)
    deviation = float(np.sqrt(np.einsum("ai,aij,aj->", weighed, posterior.covariance, weighed)))
    share = float(np.clip(2 * (1 - SURENESS * deviation / length2), 0.0, 1.0))
    undone = (1 - share) * posterior.mean
    covariance = posterior.covariance + undone[:, :, None] * undone[:, None, :]
    return Cautious(Posterior(share * posterior.mean, covariance), share)
