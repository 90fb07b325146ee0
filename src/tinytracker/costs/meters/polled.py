"""Meters that are read, not streaming: readings at this computer's times become even samples of the same
energy."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import Self

import numpy as np

from tinytracker.costs.trace import Trace, from_energy
from tinytracker.errors import DeviceError

SLOWEST = 20.0  # a pause of this many intervals between two readings is remarked


class Polled:
    """A base: `open`, `close` and `energy_mj` make a meter. rate_hz: how often it is read at most, and the
    samples' rate."""

    name: str
    rate_hz: float
    supply_v: float | None
    gain_error: float = 0.0

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def open(self) -> None:
        """Finds the meter and sets it up. Raises DeviceError."""

    def close(self) -> None:
        """Lets go of it."""

    @abstractmethod
    def energy_mj(self, now_s: float) -> float:
        """Energy up to now, from any beginning, never falling. Raises DeviceError."""

    def start(self) -> None:
        self._times_s: list[float] = []
        self._energies_mj: list[float] = []
        self.poll()

    def poll(self) -> None:
        now_s = time.monotonic()
        if self._times_s and now_s - self._times_s[-1] < 1 / self.rate_hz:
            return
        energy_mj = self.energy_mj(now_s)
        # The counter was read between these two instants.
        self._times_s.append((now_s + time.monotonic()) / 2)
        self._energies_mj.append(energy_mj)

    def stop(self) -> Trace:
        times_s, energies_mj = np.array(self._times_s), np.array(self._energies_mj)
        if len(times_s) < 2:
            raise DeviceError(f"{self.name} was read {len(times_s)} times; energy wants two readings")
        remarks: tuple[str, ...] = ()
        longest_s = float(np.diff(times_s).max())
        if longest_s > SLOWEST / self.rate_hz:
            remarks = (f"readings paused for {longest_s:.3f} s; {1e3 / self.rate_hz:g} ms is usual",)
        power_mw = from_energy(times_s, energies_mj, self.rate_hz)
        return Trace(power_mw, self.rate_hz, gain_error=self.gain_error, meter=self.name, remarks=remarks)
