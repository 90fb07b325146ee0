"""A recording of power over time: what every meter and every file format ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import InputError

Power: TypeAlias = NDArray[np.float32]
Marks: TypeAlias = NDArray[np.uint8]
Times: TypeAlias = NDArray[np.float64]

LARGEST_LOST_SHARE = 1e-3
"""A window that lost more of its samples than this is void (EEMBC EnergyRunner's rule for MLPerf Tiny)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a trace, in seconds from its first sample."""

    begin_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class Trace:
    """Power over time, sampled evenly.

    power_mw: float32 (n,), the mean power of each sample's interval; NaN where the meter lost the sample, so
    that time stays true. rate_hz: samples a second by the meter's own clock. marks: uint8 (n,) logic levels
    beside the samples, bit k is input k; None where there are none. blocks: windows that the recording itself
    names (time stamps of a runner). inferences: how many inferences the recording says each of them holds.
    rate_error, gain_error: relative, the meter's stated accuracy (0 if it states none). meter: its name,
    serial number and firmware, as far as known.

        trace = Trace(np.full(1000, 25.0, np.float32), rate_hz=1000.0)
        trace.energy_mj(Window(0.2, 0.4))  # 25 mW for 0.2 s: 5.0 mJ
    """

    power_mw: Power
    rate_hz: float
    marks: Marks | None = None
    blocks: tuple[Window, ...] = ()
    inferences: int | None = None
    gain_error: float = 0.0
    rate_error: float = 0.0
    meter: str = ""
    remarks: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise InputError(f"a trace has a rate above 0 Hz, not {self.rate_hz}")
        if self.power_mw.ndim != 1 or not len(self.power_mw):
            raise InputError(
                f"a trace holds a list of at least one sample; this one's shape is {self.power_mw.shape}"
            )
        if np.isinf(self.power_mw).any():
            raise InputError("a trace holds powers or, where samples were lost, NaN; this one holds infinity")
        if self.marks is not None and self.marks.shape != self.power_mw.shape:
            raise InputError(
                f"a trace has a mark for each of its {len(self.power_mw)} samples, not {len(self.marks)}"
            )

    @property
    def duration_s(self) -> float:
        return len(self.power_mw) / self.rate_hz

    @property
    def lost(self) -> int:
        """Samples that the meter lost."""
        return int(np.count_nonzero(np.isnan(self.power_mw)))

    def part(self, window: Window) -> Power:
        """The samples of a window; raises InputError if it leaves the trace or holds no sample."""
        first, last = round(window.begin_s * self.rate_hz), round(window.end_s * self.rate_hz)
        if not 0 <= first < last <= len(self.power_mw):
            raise InputError(
                f"the window from {window.begin_s:.3f} to {window.end_s:.3f} s leaves the trace of "
                f"{self.duration_s:.3f} s, or is shorter than a sample"
            )
        return self.power_mw[first:last]

    def mean_mw(self, window: Window) -> float:
        """Mean power over the window's samples that were not lost. Raises InputError if more than
        `LARGEST_LOST_SHARE` were."""
        part = self.part(window)
        total = float(np.sum(part, dtype=np.float64))
        if np.isfinite(total):
            return total / len(part)
        valid = part[np.isfinite(part)]
        share = 1 - len(valid) / len(part)
        if share > LARGEST_LOST_SHARE:
            raise InputError(
                f"the meter lost {100 * share:.2f} % of the samples from {window.begin_s:.3f} to "
                f"{window.end_s:.3f} s; more than {100 * LARGEST_LOST_SHARE} % make a window void: measure "
                "again, with nothing else on the meter's USB hub"
            )
        return float(np.mean(valid, dtype=np.float64))

    def energy_mj(self, window: Window) -> float:
        """Energy of a window: mean power times its length, which need not be a whole number of samples."""
        return self.mean_mw(window) * window.duration_s


def evenly(times_s: Times, power_mw: NDArray[np.floating], rate_hz: float) -> Power:
    """Readings at uneven times as even samples of the same energy.

    times_s: (n,) rising; power_mw: (n,), each the mean power since the reading before it, as integrating
    meters give it (the first reading's interval is the second's). rate_hz: of the samples wanted. The energy
    up to any instant is kept: what lies between two readings is spread evenly. Raises InputError for times
    that do not rise.
    """
    steps = np.diff(times_s)
    if len(times_s) < 2 or not np.all(steps > 0):
        raise InputError("readings of power come at rising times, at least two; these do not")
    begin_s = times_s[0] - steps[0]
    energy_mj = np.cumsum(np.concatenate(([0.0, power_mw[0] * steps[0]], power_mw[1:] * steps)))
    return from_energy(np.concatenate(([begin_s], times_s)), energy_mj, rate_hz)


def from_energy(times_s: Times, energy_mj: NDArray[np.float64], rate_hz: float) -> Power:
    """Readings of an energy counter (mJ, never falling) at rising times as even samples of power, float32."""
    count = max(1, round((times_s[-1] - times_s[0]) * rate_hz))
    ticks_s = times_s[0] + np.arange(count + 1) / rate_hz
    power_mw: Power = (np.diff(np.interp(ticks_s, times_s, energy_mj)) * rate_hz).astype(np.float32)
    return power_mw
