"""What is known of a person before the first dot: how people differ, and how much a dot's error is worth.

A network errs for each person by an offset and a gain of their own (lids, the eye's axes, how they sit). How
large these are over people is learnt from people who are not the user (`teach.teach_prior`) and stored in the
network's card as `calibration_prior`. A network without one gets `BROAD`: so wide that the person's own dots
decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytracker.errors import ModelError

Floats = NDArray[np.float64]
PER_DEG = 10.0
"""The gains' unit: degrees per 10 degrees, so that all coefficients are of one size."""
COEFFICIENTS = 3  # offset, along x, along y
_ARRAYS = {
    "mean": (2, COEFFICIENTS),
    "covariance": (2, COEFFICIENTS, COEFFICIENTS),
    "dot_variance": (2, 2),
    "frame_variance": (2,),
    "sitting_variance": (2, COEFFICIENTS),
}
_NUMBERS = ("unsure_share", "error_log_mean", "error_log_sd", "check_log_sd")


@dataclass(frozen=True, slots=True)
class Prior:
    """How people differ, for one network; degrees, index 0 the horizontal and 1 the vertical axis.

    mean: (2, 3), covariance: (2, 3, 3) of a person's coefficients (offset; gains per 10 degrees along x and
    y).
    dot_variance: (2, 2), [axis][constant, per square of 10 degrees from the camera]: of what remains at a dot
        after its median, the network's error at that place, larger far out.
    frame_variance: (2,), of single frames about their dot. sitting_variance: (2, 3), the part of the
        covariance that is a sitting's own, not the person's (`persistence`).
    unsure_share: how much of what is unsure of the six numbers shows in people's errors; most people differ
        less than a normal distribution of this covariance says, a few more.
    error_log_mean, error_log_sd: how far a person's true error lies from the predicted: mean and standard
        deviation of the logarithm of their ratio, beyond what is unsure of their six numbers.
    check_log_sd: likewise how far one dot's error lies from the person's.
    people: how many taught it; 0 for the broad one. source: who they were, in words.
    """

    mean: Floats
    covariance: Floats
    dot_variance: Floats
    frame_variance: Floats
    sitting_variance: Floats
    unsure_share: float = 1.0
    error_log_mean: float = 0.0
    error_log_sd: float = 0.35
    check_log_sd: float = 0.55
    people: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        for name, shape in _ARRAYS.items():
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != shape or not np.isfinite(values).all():
                raise ModelError(
                    f"a calibration prior's {name} must be {shape} finite numbers, not of shape "
                    f"{values.shape}"
                )
            object.__setattr__(self, name, values)
        for axis in range(2):
            matrix = self.covariance[axis]
            if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix).min() <= 0:
                raise ModelError("a calibration prior's covariance must be symmetric and positive definite")
        positive = self.dot_variance[:, 0].min() > 0 and self.frame_variance.min() > 0
        if not positive or self.dot_variance.min() < 0 or self.sitting_variance.min() < 0:
            raise ModelError("a calibration prior's variances must be positive")
        if not (
            0 < self.unsure_share <= 1
            and 0 < self.error_log_sd < math.inf
            and 0 < self.check_log_sd < math.inf
            and abs(self.error_log_mean) < 5
        ):
            raise ModelError(
                "a calibration prior's error_log_sd and check_log_sd must be positive, unsure_share above 0 "
                "and at most 1, error_log_mean small"
            )

    def place_variance(self, x_deg: ArrayLike, y_deg: ArrayLike) -> Floats:
        """Variance (..., 2) of what remains at a place when a person's six numbers are known."""
        x, y = np.broadcast_arrays(np.asarray(x_deg, np.float64), np.asarray(y_deg, np.float64))
        far_out = (x**2 + y**2) / PER_DEG**2
        return np.asarray(self.dot_variance[:, 0] + self.dot_variance[:, 1] * far_out[..., None])

    @property
    def persistence(self) -> Floats:
        """(2, 3, 3): how much of a person's coefficients is to be expected of them in another sitting.

        (covariance - sitting variance) covariance^-1: their regression on those of the sitting before. With
        covariance = L L', it is L K L^-1; K's eigenvalues are kept within 0 and 1, whatever the prior says.
        """
        found = []
        for covariance, variance in zip(self.covariance, self.sitting_variance, strict=True):
            lower = np.linalg.cholesky(covariance)
            inverse = np.linalg.inv(lower)
            kept, axes = np.linalg.eigh(np.eye(COEFFICIENTS) - (inverse * variance) @ inverse.T)
            found.append(lower @ (axes * np.clip(kept, 0.0, 1.0)) @ axes.T @ inverse)
        return np.stack(found)

    def with_offsets_wider(self, factor: float) -> Prior:
        """The same for people whose offsets have `factor` times the variance of those who taught it, from
        person to person and from sitting to sitting; their gains differ as before."""
        wider = np.ones(COEFFICIENTS)
        wider[0] = np.sqrt(factor)
        return replace(
            self,
            covariance=self.covariance * np.outer(wider, wider),
            sitting_variance=self.sitting_variance * wider**2,
        )

    def as_json(self) -> dict[str, Any]:
        """As it stands in a card (`calibration_prior`) and in a profile."""
        stored: dict[str, Any] = {name: np.round(getattr(self, name), 6).tolist() for name in _ARRAYS}
        stored |= {name: round(getattr(self, name), 4) for name in _NUMBERS}
        return stored | {"people": self.people, "source": self.source}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Prior:
        """The inverse of `as_json`; raises ModelError, naming the field, if it is none."""
        try:
            arrays: dict[str, Any] = {name: np.array(stored[name], np.float64) for name in _ARRAYS}
            numbers: dict[str, Any] = {
                name: float({"unsure_share": 1.0, **stored}[name]) for name in _NUMBERS
            }
            if arrays["sitting_variance"].shape == (2,):  # as cards had it before gains were known to change
                arrays["sitting_variance"] = arrays["sitting_variance"][:, None] * np.eye(1, COEFFICIENTS)
            return cls(**arrays, **numbers, people=int(stored["people"]), source=str(stored["source"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"not a calibration prior: {error}") from error


BROAD = Prior(
    mean=np.zeros((2, COEFFICIENTS)),
    covariance=np.stack([np.diag([25.0, 9.0, 9.0])] * 2),
    dot_variance=np.array([[0.5, 0.5], [1.0, 1.0]]),
    frame_variance=np.array([0.6, 1.0]),
    sitting_variance=np.array([[6.0, 0.0, 0.0], [2.0, 0.0, 0.0]]),
    error_log_sd=0.5,
    check_log_sd=0.6,
    source="no people: wide for any network",
)
"""For networks whose people are unknown: offsets of 5 degrees, gains of 0.3."""
