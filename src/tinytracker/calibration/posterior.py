"""A person's correction as a distribution: six numbers and how sure each is.

Per axis, the correction that must be added to the network's direction a = (ax, ay) is phi(a) . beta with
phi = (1, ax / 10, ay / 10): an offset and two gains. beta is normal; a dot, whose residual is phi . beta +
noise, narrows it (a Kalman update: exact for this model), and the passing of time widens its offset (a random
walk).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytracker.calibration.prior import COEFFICIENTS, PER_DEG, Prior

Floats = NDArray[np.float64]


def features(x_deg: ArrayLike, y_deg: ArrayLike) -> Floats:
    """phi of directions: float (..., 3)."""
    x, y = np.broadcast_arrays(np.asarray(x_deg, np.float64), np.asarray(y_deg, np.float64))
    return np.stack([np.ones_like(x), x / PER_DEG, y / PER_DEG], axis=-1)


@dataclass(frozen=True, slots=True)
class Posterior:
    """mean: (2, 3), covariance: (2, 3, 3), [horizontal, vertical axis] of the coefficients (offset in
    degrees, gains per 10)."""

    mean: Floats
    covariance: Floats

    @classmethod
    def of_prior(cls, prior: Prior) -> Posterior:
        """Before the first dot."""
        return cls(prior.mean, prior.covariance)

    def correction(self, x_deg: ArrayLike, y_deg: ArrayLike) -> Floats:
        """What to add to directions, degrees (..., 2): right, up."""
        return np.asarray(features(x_deg, y_deg) @ self.mean.T)

    def variance(self, x_deg: ArrayLike, y_deg: ArrayLike) -> Floats:
        """How unsure the correction is there, squared degrees (..., 2)."""
        phi = features(x_deg, y_deg)
        return np.asarray(np.einsum("...i,aij,...j->...a", phi, self.covariance, phi))

    def drawn(self, normal: Floats) -> Floats:
        """Coefficients (n, 2, 3) that may be the person's, made from standard normal numbers (n, 2, 3)."""
        return np.asarray(self.mean + np.einsum("aij,naj->nai", np.linalg.cholesky(self.covariance), normal))

    def observed(self, phi: Floats, residuals_deg: Floats, variances: Floats) -> Posterior:
        """After dots: phi (n, 3), residuals_deg (n, 2), variances (n, 2) of their noise."""
        means, covariances = [], []
        for axis in range(2):
            spread = self.covariance[axis] @ phi.T
            innovation = phi @ spread + np.diag(variances[:, axis])
            gain = np.linalg.solve(innovation, spread.T).T
            means.append(self.mean[axis] + gain @ (residuals_deg[:, axis] - phi @ self.mean[axis]))
            # Joseph's form: stays symmetric and positive definite whatever the rounding.
            kept = np.eye(COEFFICIENTS) - gain @ phi
            noise = (gain * variances[:, axis]) @ gain.T
            narrowed = kept @ self.covariance[axis] @ kept.T + noise
            covariances.append((narrowed + narrowed.T) / 2)
        return Posterior(np.stack(means), np.stack(covariances))

    @classmethod
    def mixed(cls, each: Sequence[Posterior], shares: Floats) -> Posterior:
        """Mean and covariance of the one that is true, if each is with its share (n,), which add up to 1."""
        means = np.stack([one.mean for one in each])
        mean = np.einsum("n,nai->ai", shares, means)
        apart = means - mean
        covariances = np.stack([one.covariance for one in each]) + apart[..., :, None] * apart[..., None, :]
        return cls(mean, np.einsum("n,naij->aij", shares, covariances))

    def in_new_sitting(self, prior: Prior) -> Posterior:
        """What is known of the coefficients of another sitting: as far as people's persist, and as unsure as
        people's are where they do not."""
        persist = prior.persistence
        mean = prior.mean + np.einsum("aij,aj->ai", persist, self.mean - prior.mean)
        known = prior.covariance - self.covariance
        covariance = prior.covariance - persist @ known @ persist.swapaxes(1, 2)
        return Posterior(mean, (covariance + covariance.swapaxes(1, 2)) / 2)

    def drifted(self, offset_variance: Floats) -> Posterior:
        """After a while in which the offset walked by this variance (2,), squared degrees."""
        covariance = self.covariance.copy()
        covariance[:, 0, 0] += offset_variance
        return Posterior(self.mean, covariance)
