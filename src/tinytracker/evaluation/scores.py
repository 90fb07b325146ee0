"""From predictions to rows: every metric for every group of a split, for a model and for "always the
mean"."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from tinytracker.evaluation.intervals import Estimate, mean_over_frames, mean_over_people, ratio_of_means
from tinytracker.evaluation.metrics import (
    bias_cm,
    correlation,
    errors_cm,
    errors_deg,
    fixations,
    jitter_cm,
    medians_of_people,
)
from tinytracker.results import Row

BASELINE = "always-the-mean"


@dataclass(frozen=True, slots=True)
class Frames:
    """What is known of the n frames of one split.

    data, split: names for the rows. truth_cm: float (n, 2), prediction space. person, recording: str (n,).
    distance_cm: float (n,), face to camera, NaN where unknown. groups: per name ("device_kind",
    "orientation") the value of each frame, (n,). mean_cm: (2,), the mean gaze of the training people (each
    person counting the same).
    """

    data: str
    split: str
    truth_cm: np.ndarray
    person: np.ndarray
    recording: np.ndarray
    distance_cm: np.ndarray
    mean_cm: np.ndarray
    groups: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.truth_cm)

    def only(self, places: np.ndarray) -> Frames:
        """Some of the frames, by their places or by a mask."""
        per_frame = ("truth_cm", "person", "recording", "distance_cm")
        groups = {name: values[places] for name, values in self.groups.items()}
        return replace(self, groups=groups, **{name: getattr(self, name)[places] for name in per_frame})

    def masks(self, persons: bool = True) -> Iterator[tuple[str, np.ndarray]]:
        """Yields (group, bool (n,)): "all", then each value of each grouping, then each person."""
        yield "all", np.ones(len(self), bool)
        groupings = {**self.groups, **({"person": self.person} if persons else {})}
        for name, values in groupings.items():
            for value in np.unique(values):
                yield f"{name}={value}", values == value


def mean_over_training_people(gaze_cm: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The point that "always the mean" answers: mean of the people's mean gaze, float64 (2,), cm; NaN
    without people."""
    if not len(person):
        return np.full(2, np.nan)
    _, index = np.unique(person, return_inverse=True)
    counts = np.bincount(index)
    return np.array([(np.bincount(index, weights=gaze_cm[:, axis]) / counts).mean() for axis in range(2)])


def score(
    model: str, target: str, predicted_cm: np.ndarray, frames: Frames, persons: bool = True
) -> list[Row]:
    """All rows of one model.

    predicted_cm: float (n, 2), NaN where the model gave no valid gaze (counted in `invalid`, in nothing
    else).
    persons: whether to add rows for each person (only their error and number of frames).
    """
    error_cm = errors_cm(predicted_cm, frames.truth_cm)
    error_deg = errors_deg(predicted_cm, frames.truth_cm, frames.distance_cm)
    mean_error_cm = errors_cm(np.broadcast_to(frames.mean_cm, (len(frames), 2)), frames.truth_cm)
    fixation = fixations(frames.recording, frames.truth_cm)
    rows: list[Row] = []
    for group, mask in frames.masks(persons):

        def add(metric: str, value: float | Estimate, unit: str, group: str = group) -> None:
            estimate = value if isinstance(value, Estimate) else Estimate(float(value), math.nan, math.nan)
            rows.append(
                Row(
                    model,
                    target,
                    frames.data,
                    frames.split,
                    group,
                    metric,
                    estimate.value,
                    estimate.low,
                    estimate.high,
                    unit,
                )
            )

        people, errors = frames.person[mask], error_cm[mask]
        known = np.isfinite(errors)
        add("frames", mask.sum(), "frames")
        add("error", mean_over_frames(errors, people), "cm")
        if group.startswith("person="):
            continue
        add("people", len(np.unique(people)), "people")
        add("invalid", (~known).mean() * 100, "%")
        add("person_error", mean_over_people(errors, people), "cm")
        if not known.any():
            continue
        add("median_error", np.median(errors[known]), "cm")
        add("median_person_error", np.median(medians_of_people(errors, people)), "cm")
        add("share_of_mean", _percent(ratio_of_means(errors, mean_error_cm[mask], people)), "%")
        add("error_deg", mean_over_frames(error_deg[mask], people), "deg")
        for axis, bias, r in zip(
            "xy",
            bias_cm(predicted_cm[mask], frames.truth_cm[mask]),
            correlation(predicted_cm[mask], frames.truth_cm[mask]),
            strict=True,
        ):
            add(f"bias_{axis}", bias, "cm")
            add(f"correlation_{axis}", r, "")
        spread_cm = jitter_cm(predicted_cm[mask], fixation[mask])
        add("jitter", spread_cm.mean() if len(spread_cm) else math.nan, "cm")
    return rows


def score_mean(frames: Frames) -> list[Row]:
    """The rows of the baseline that answers the training people's mean gaze, whoever looks wherever."""
    return score(BASELINE, "none", np.broadcast_to(frames.mean_cm, (len(frames), 2)), frames)


def _percent(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value * 100, estimate.low * 100, estimate.high * 100)
