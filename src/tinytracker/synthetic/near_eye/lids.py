"""Where the lids' margins and folds run at a moment, as curves over x on the skin's surface."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.synthetic.lids import LOWER_PEAK, lens
from tinytracker.synthetic.near_eye.anatomy import LidShape

COLUMNS = 257
REACH_CM = 3.2
"""Curves run over x from -REACH_CM to REACH_CM in COLUMNS steps."""
CLOSED_BELOW = 0.02
"""An opening of less, as a share of its width, is shut."""

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class Margins:
    """Curves (COLUMNS,) of heights in cm: the upper margin, the lower one, the fold above, and where the
    margins are at rest. openness: the opening's height at the pupil's column over its width."""

    upper: Curve
    lower: Curve
    crease: Curve
    openness: float


class Lids:
    """Somebody's lids, ready to be opened and shut."""

    def __init__(self, shape: LidShape, side: float, ball_radius_cm: float) -> None:
        self.shape = shape
        self._ball_radius_cm = ball_radius_cm
        x = np.linspace(-REACH_CM, REACH_CM, COLUMNS)
        self.width_cm = shape.nasal_cm + shape.temporal_cm
        along = (x * side + shape.nasal_cm) / self.width_cm
        inside = np.clip(along, 0.0, 1.0)
        outside_cm = np.maximum(0.0, np.abs(along - 0.5) - 0.5) * self.width_cm
        self.within = np.exp(-((outside_cm / 0.12) ** 2)).astype(np.float32)
        pupil = shape.nasal_cm / self.width_cm
        self._line = shape.inner_height_cm + (shape.outer_height_cm - shape.inner_height_cm) * inside
        self._line_at_pupil = shape.inner_height_cm + (shape.outer_height_cm - shape.inner_height_cm) * pupil
        self._bow = lens(inside, shape.peak) / lens(np.array(pupil), shape.peak)
        self._sag = lens(inside, LOWER_PEAK) / lens(np.array(pupil), LOWER_PEAK)
        # Beyond the canthi the fold runs on, falling.
        self._fold = np.maximum(0.0, self._bow) ** 0.6
        self._fold_end = -0.5 * outside_cm
        self.rest = self.at(0.0, 0.0)

    def at(self, pitch_deg: float, blink: float) -> Margins:
        """The margins while the eye looks `pitch_deg` up, the lids shut by `blink` (0 to 1)."""
        shape = self.shape
        turn_cm = self._ball_radius_cm * 1.1 * math.sin(math.radians(pitch_deg))
        upper_cm = shape.upper_cm + shape.upper_gain * turn_cm
        lower_cm = -shape.lower_cm + shape.lower_gain * turn_cm
        gap_cm = max(upper_cm - lower_cm, 0.18)
        lower_cm += 0.10 * blink  # the upper lid does nearly all of a blink
        gap_cm *= 1 - blink
        upper_cm = lower_cm + gap_cm
        lower = self._line + (lower_cm - self._line_at_pupil) * self._sag
        open_share = min(1.0, gap_cm / 0.3)  # as the lids shut, the upper one takes the lower one's shape
        upper = open_share * (self._line + (upper_cm - self._line_at_pupil) * self._bow) + (
            1 - open_share
        ) * (lower + gap_cm * self._bow)
        upper = np.maximum(upper, lower)
        crease_cm = shape.upper_cm + shape.crease_cm + 0.3 * max(0.0, upper_cm - shape.upper_cm)
        crease = self._line + self._fold_end + (crease_cm - self._line_at_pupil) * self._fold
        return Margins(
            upper.astype(np.float32),
            lower.astype(np.float32),
            np.maximum(crease, upper + 0.03).astype(np.float32),
            gap_cm / self.width_cm,
        )
