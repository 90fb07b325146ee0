"""Tracked gaze against a known truth, frame by frame: what a clip with a dot tells about the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from tinytracker.domain import Frame, GazeSample
from tinytracker.geometry import error_deg


class Collector:
    """A sink that keeps samples in memory."""

    def __init__(self) -> None:
        self.samples: list[GazeSample] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, frame: Frame, sample: GazeSample) -> None:
        self.samples.append(sample)

    @property
    def times_s(self) -> np.ndarray:
        """Float (n,), seconds since the first sample."""
        times = np.array([sample.t_ns for sample in self.samples], dtype=float)
        return (times - times[0]) / 1e9 if len(times) else times

    @property
    def gaze_cm(self) -> np.ndarray:
        """Float (n, 2), prediction space; NaN where there is no gaze."""
        rows = [(s.gaze.x_cm, s.gaze.y_cm) if s.gaze is not None else (np.nan, np.nan) for s in self.samples]
        return np.array(rows, dtype=float).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class MeanError:
    """Mean Euclidean error over frames with a gaze, in cm and as a visual angle at the true distance."""

    cm: float
    deg: float


@dataclass(frozen=True, slots=True)
class ClipErrors:
    """Errors on the frames after the time in which the offset was measured.

    tracked: as it is. corrected: after subtracting `offset_cm`, the mean error vector (x, y) of the frames
    before. middle: of always saying the mean of the truth there. frames: how many had a gaze.
    """

    tracked: MeanError
    corrected: MeanError
    middle: MeanError
    offset_cm: tuple[float, float]
    frames: int


def clip_errors(
    gaze_cm: np.ndarray, truth_cm: np.ndarray, distances_cm: np.ndarray, times_s: np.ndarray, offset_s: float
) -> ClipErrors | None:
    """Compares gaze with truth, both (n, 2), at eye distances (n,) and times (n,); None if either part has no
    gaze.

    The offset is fitted on the frames before `offset_s` and judged on those after: judged on its own frames
    it would flatter itself.
    """
    valid = np.isfinite(gaze_cm).all(axis=1)
    early, late = valid & (times_s < offset_s), valid & (times_s >= offset_s)
    if not early.any() or not late.any():
        return None
    offset = (gaze_cm[early] - truth_cm[early]).mean(axis=0)

    def mean_error(guess_cm: np.ndarray) -> MeanError:
        cm = np.linalg.norm(guess_cm - truth_cm[late], axis=1)
        return MeanError(float(cm.mean()), float(error_deg(cm, distances_cm[late]).mean()))

    return ClipErrors(
        tracked=mean_error(gaze_cm[late]),
        corrected=mean_error(gaze_cm[late] - offset),
        middle=mean_error(truth_cm[late].mean(axis=0)),
        offset_cm=(float(offset[0]), float(offset[1])),
        frames=int(late.sum()),
    )
