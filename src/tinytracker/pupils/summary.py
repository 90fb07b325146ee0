"""What came of following a pupil, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.events.crops import SensorCrop
from tinytracker.events.labels import Labels, at_times
from tinytracker.pupils.follow import PupilSample
from tinytracker.retina.sequences import LONGEST_GAP_US


@dataclass(frozen=True, slots=True)
class PupilSummary:
    """estimates: how many were made; valid: with a pupil; reasons: why the others have none. age_ms: median
    age of the newest event in a window. errors_cells: distances to the true pupils, in cells of what the
    network sees, NaN where there is no estimate or nobody knows; late_ms: the latest estimate, at real
    speed."""

    estimates: int
    valid: int
    reasons: Counter[str]
    age_ms: float
    errors_cells: NDArray[np.float64]
    late_ms: float | None

    @classmethod
    def of(
        cls, samples: Sequence[PupilSample], crop: SensorCrop, labels: Labels | None = None
    ) -> PupilSummary:
        """The summary of samples; with labels, of their errors too."""
        valid = [sample for sample in samples if sample.is_valid]
        ages = [sample.t_us - sample.newest_us for sample in samples if sample.newest_us >= 0]
        lates = [sample.late_ms for sample in samples if sample.late_ms is not None]
        return cls(
            estimates=len(samples),
            valid=len(valid),
            reasons=Counter(sample.reason for sample in samples if sample.reason),
            age_ms=float(np.median(ages)) / 1e3 if ages else float("nan"),
            errors_cells=errors_of(samples, crop, labels),
            late_ms=max(lates, default=None),
        )


def errors_of(samples: Sequence[PupilSample], crop: SensorCrop, labels: Labels | None) -> NDArray[np.float64]:
    """Distance of each sample from the truth at its newest event, in cells; NaN where there is none of
    both."""
    if labels is None or not samples:
        return np.full(len(samples), np.nan)
    truth = at_times(labels, np.array([sample.newest_us for sample in samples], np.int64), LONGEST_GAP_US)
    found = [(np.nan if s.x_px is None else s.x_px, np.nan if s.y_px is None else s.y_px) for s in samples]
    away_px = np.array(found, float) - np.stack([truth["x_px"], truth["y_px"]], 1)
    errors = np.linalg.norm(away_px, axis=1) / crop.scale
    return np.asarray(np.where(truth["closed"], np.nan, errors))
