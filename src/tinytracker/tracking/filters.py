"""Smoothing of the gaze, tuned in degrees: the One-Euro filter.

Casiez, Roussel and Vogel, "1 Euro Filter: a simple speed-based low-pass filter for noisy input in interactive
systems", CHI 2012: an exponential low-pass whose cut-off grows with speed, so that a fixation is steady and a
saccade is followed at once. Degrees make one set of parameters right for a phone at 25 cm and a monitor at 70
cm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tinytracker.errors import UsageError
from tinytracker.tracking.stages import GazeStage


@dataclass(frozen=True, slots=True)
class OneEuroParameters:
    """min_cutoff_hz: cut-off at rest; lower is steadier. beta_hz_per_deg_s: how much the cut-off grows per
    deg/s of speed (Hz s/deg); higher lags less. speed_cutoff_hz: cut-off of the low-pass on the speed itself
    (1 Hz in the paper). gap_s: after a longer silence the filter starts anew.
    """

    min_cutoff_hz: float = 0.8
    beta_hz_per_deg_s: float = 0.06
    speed_cutoff_hz: float = 2.0
    gap_s: float = 0.4


DEFAULT = "default"
PRESETS = {
    "steady": OneEuroParameters(0.3, 0.03),
    DEFAULT: OneEuroParameters(),
    "quick": OneEuroParameters(1.2, 0.12),
}
"""Steady: for reading off where somebody rests. Quick: for pointing. Lag against jitter of each:
docs/calibration.md."""


class OneEuroFilter:
    """The One-Euro filter on a direction (x_deg, y_deg).

    Both axes share one cut-off, from the speed of the direction as a whole (the paper filters each coordinate
    alone): a horizontal saccade then does not drag a lagging vertical coordinate behind it.
    """

    def __init__(self, parameters: OneEuroParameters | None = None) -> None:
        self.parameters = parameters or OneEuroParameters()
        self.reset()

    def reset(self) -> None:
        self._last_ns: int | None = None
        self._raw_deg = self._smooth_deg = self._velocity_deg_s = (0.0, 0.0)

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        """See GazeStage.apply. A gap longer than `gap_s`, or a time that does not advance, starts the
        filter anew."""
        elapsed_s = math.inf if self._last_ns is None else (t_ns - self._last_ns) / 1e9
        if not 0 < elapsed_s <= self.parameters.gap_s:
            self.reset()
            self._last_ns, self._raw_deg, self._smooth_deg = t_ns, (x_deg, y_deg), (x_deg, y_deg)
            return x_deg, y_deg
        raw = (x_deg, y_deg)
        velocity = tuple((now - before) / elapsed_s for now, before in zip(raw, self._raw_deg, strict=True))
        self._velocity_deg_s = _mix(
            self._velocity_deg_s, velocity, _gain(self.parameters.speed_cutoff_hz, elapsed_s)
        )
        cutoff_hz = self.parameters.min_cutoff_hz + self.parameters.beta_hz_per_deg_s * math.hypot(
            *self._velocity_deg_s
        )
        self._smooth_deg = _mix(self._smooth_deg, raw, _gain(cutoff_hz, elapsed_s))
        self._last_ns, self._raw_deg = t_ns, raw
        return self._smooth_deg


# By the name a user gives; a new filter is a class with `GazeStage`'s two methods and a row here.
FILTERS: dict[str, Callable[[], GazeStage]] = {
    name: partial(OneEuroFilter, parameters) for name, parameters in PRESETS.items()
}


def make_filter(name: str) -> GazeStage:
    """A fresh filter of FILTERS; raises UsageError for another name."""
    if name not in FILTERS:
        raise UsageError(f"there is no smoothing {name!r}; expected one of {', '.join(FILTERS)}")
    return FILTERS[name]()


def _gain(cutoff_hz: float, elapsed_s: float) -> float:
    """Weight of the new value in an exponential low-pass with this cut-off (the paper's equation for
    alpha)."""
    turn = 2 * math.pi * cutoff_hz * elapsed_s
    return turn / (turn + 1)


def _mix(old: tuple[float, ...], new: tuple[float, ...], gain: float) -> tuple[float, float]:
    x, y = (before + gain * (now - before) for before, now in zip(old, new, strict=True))
    return x, y
