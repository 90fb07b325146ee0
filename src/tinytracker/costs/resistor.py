"""A meter checked on a known resistor: what it shows against what Ohm's law says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError

SECONDS = 5.0
STEADY = 0.02


@dataclass(frozen=True, slots=True)
class Check:
    """gain_error: shown power over true power, less one. rate_error: likewise of the sample rate, against
    this computer's clock, None where nobody timed the recording. noise: standard deviation of 1 ms means over
    the mean."""

    expected_mw: float
    shown_mw: float
    rate_error: float | None
    noise: float

    @property
    def gain_error(self) -> float:
        return self.shown_mw / self.expected_mw - 1


def check_on_resistor(trace: Trace, ohm: float, supply_v: float, lasted_s: float | None = None) -> Check:
    """Raises InputError if the load is not steady: then it is no resistor, or a contact is loose."""
    if ohm <= 0:
        raise InputError(f"a resistor has more than 0 ohm, not {ohm:g}")
    shown_mw = trace.mean_mw(Window(0, len(trace.power_mw) / trace.rate_hz))
    step = max(1, round(trace.rate_hz / 1e3))
    count = len(trace.power_mw) // step
    with np.errstate(invalid="ignore"):
        means = np.nanmean(trace.power_mw[: count * step].reshape(count, step), axis=1, dtype=np.float64)
    noise = float(np.nanstd(means)) / shown_mw if shown_mw > 0 else np.inf
    if noise > STEADY:
        raise InputError(
            f"the load is not steady: {100 * noise:.0f} % from millisecond to millisecond; connect the "
            "resistor and nothing else"
        )
    rate_error = None if lasted_s is None else trace.duration_s / lasted_s - 1
    return Check(supply_v**2 / ohm * 1e3, shown_mw, rate_error, noise)
