"""How good a stretch of gaze is, in the field's own terms.

Accuracy, RMS-S2S, STD, BCEA, data loss and effective frequency as defined by Holmqvist, Nystrom and Mulvey,
"Eye tracker data quality: what it is and how to measure it" (ETRA 2012), and Niehorster et al.,
"Characterizing gaze position signals and synthesizing noise during fixations in eye-tracking data" (Behavior
Research Methods 52, 2020).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.error import angle_between_deg
from tinytracker.calibration.samples import GazeArrays, as_arrays
from tinytracker.domain import GazeSample

Floats = NDArray[np.float64]

BCEA_SHARE = 0.68


@dataclass(frozen=True, slots=True)
class DataQuality:
    """accuracy_deg: angle between the target and the mean direction (3-D mean of unit vectors); None without
    a target.
    offset_deg: mean direction minus target, right and up. mean_error_deg: mean angle of single frames from
    the target.
    rms_s2s_deg: root mean square of the angles between successive valid frames. std_deg: sqrt(var x + var y).
    bcea_deg2: area of the ellipse that holds 68 % of a normal distribution with the frames' covariance. loss:
    share of frames without gaze. effective_hz: frames with gaze per second. frames: all. *_cm, *_px: lengths
    on the screen at the median distance; None where distance or density are not known. bcea in cm2 and px2
    likewise.
    """

    frames: int
    loss: float
    effective_hz: float
    accuracy_deg: float | None
    offset_deg: tuple[float, float] | None
    mean_error_deg: float | None
    rms_s2s_deg: float
    std_deg: float
    bcea_deg2: float
    cm_per_deg: float | None = None
    px_per_cm: float | None = None

    def in_cm(self, deg: float | None) -> float | None:
        """A length of this stretch in cm on the screen, or None."""
        return None if deg is None or self.cm_per_deg is None else deg * self.cm_per_deg

    def in_px(self, deg: float | None) -> float | None:
        """A length of this stretch in pixels of the screen, or None."""
        length_cm = self.in_cm(deg)
        return None if length_cm is None or self.px_per_cm is None else length_cm * self.px_per_cm


def data_quality(
    samples: GazeArrays | Iterable[GazeSample],
    target_deg: tuple[float, float] | None = None,
    *,
    px_per_cm: float | None = None,
    distance_cm: float | None = None,
) -> DataQuality:
    """Measures a stretch during which the person looked at one place.

    samples: arrays (degrees, NaN where there is no gaze) or a pipeline's samples. target_deg: where they
    looked, right and up.
    px_per_cm: the screen's. distance_cm: eyes to screen; None: the samples' median. Of a stretch without a
    valid frame the measures are NaN, its loss is 1.

    >>> looked = GazeArrays(np.arange(4) * 33_000_000, [1.0, 1.2, np.nan, 1.1], [2.0, 2.1, np.nan, 1.9])
    >>> quality = data_quality(looked, target_deg=(0.0, 0.0))
    >>> round(quality.accuracy_deg, 2), round(quality.std_deg, 2), quality.loss
    (2.28, 0.12, 0.25)
    """
    arrays = as_arrays(samples)
    directions = np.stack([arrays.x_deg, arrays.y_deg], axis=1)
    fick = _fick_deg(directions)
    valid = arrays.valid
    seen = directions[valid]
    mean = _mean_direction_deg(seen)
    accuracy = offset = error = None
    if target_deg is not None:
        accuracy = float(angle_between_deg(target_deg, mean))
        offset = float(mean[0] - target_deg[0]), float(mean[1] - target_deg[1])
        error = float(angle_between_deg(np.asarray(target_deg), seen).mean()) if len(seen) else math.nan
    if distance_cm is None and arrays.distance_cm is not None and np.isfinite(arrays.distance_cm).any():
        distance_cm = float(np.nanmedian(arrays.distance_cm))
    return DataQuality(
        frames=len(arrays),
        loss=float(1 - valid.mean()) if len(arrays) else 1.0,
        effective_hz=_effective_hz(arrays),
        accuracy_deg=accuracy,
        offset_deg=offset,
        mean_error_deg=error,
        rms_s2s_deg=_rms_s2s_deg(fick),
        std_deg=float(np.sqrt(fick[valid].var(axis=0).sum())) if len(seen) else math.nan,
        bcea_deg2=_bcea(fick[valid]),
        cm_per_deg=None if distance_cm is None else distance_cm * math.tan(math.radians(1)),
        px_per_cm=px_per_cm,
    )


def _mean_direction_deg(directions_deg: Floats) -> Floats:
    """The direction (2,) of the mean of the unit vectors; NaN of none."""
    if not len(directions_deg):
        return np.full(2, np.nan)
    rays = np.concatenate([np.tan(np.radians(directions_deg)), np.ones((len(directions_deg), 1))], axis=1)
    mean = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(np.degrees(np.arctan2(mean[:2], mean[2])))


def _fick_deg(directions_deg: Floats) -> Floats:
    """Azimuth and elevation (n, 2) of visual angles right and up: the field measures precision in these."""
    tangents = np.tan(np.radians(directions_deg))
    elevation = np.degrees(np.arctan2(tangents[:, 1], np.hypot(tangents[:, 0], 1.0)))
    return np.stack([directions_deg[:, 0], elevation], axis=1)


def _rms_s2s_deg(fick_deg: Floats) -> float:
    """Of successive frames that both have a gaze."""
    squares = (np.diff(fick_deg, axis=0) ** 2).sum(axis=1)
    squares = squares[np.isfinite(squares)]
    return float(np.sqrt(squares.mean())) if len(squares) else math.nan


def _bcea(fick_deg: Floats) -> float:
    """2 pi k sx sy sqrt(1 - r^2), k = -ln(1 - share): the area of the bivariate contour ellipse (Crossland
    and Rubin 2002)."""
    if len(fick_deg) < 2:
        return math.nan
    covariance = np.cov(fick_deg.T)
    return float(2 * math.pi * -math.log(1 - BCEA_SHARE) * math.sqrt(max(0.0, np.linalg.det(covariance))))


def _effective_hz(arrays: GazeArrays) -> float:
    """Valid frames over the time that all frames cover (the last one lasts as long as the others on
    average)."""
    if len(arrays) < 2:
        return math.nan
    seconds = float(arrays.t_ns[-1] - arrays.t_ns[0]) / 1e9
    return (
        float(arrays.valid.sum() / (seconds * len(arrays) / (len(arrays) - 1))) if seconds > 0 else math.nan
    )
