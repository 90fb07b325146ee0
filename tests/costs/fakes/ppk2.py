"""A PPK2 in software: its commands, its calibration, its words at 100 kS/s, and the faults users report."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.costs.fakes.pty_device import PtyDevice

RATE_HZ = 100_000
R = (1000.5, 101.0, 10.1, 0.95, 0.0431)
GS, GI, O, S, I, UG = 0.002, 1.01, 3.0, 1e-7, 2e-7, 0.99
LIMITS_A = (50e-6, 500e-6, 5e-3, 60e-3, 2.0)  # up to which a range is used
INRUSH_SAMPLES = 2000

Current = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def metadata() -> str:
    lines = ["Calibrated: 1"]
    for name, values in (
        ("R", R),
        ("GS", [GS] * 5),
        ("GI", [GI] * 5),
        ("O", [O] * 5),
        ("S", [S] * 5),
        ("I", [I] * 5),
        ("UG", [UG] * 5),
    ):
        lines += [f"{name}{index}: {value:.9g}" for index, value in enumerate(values)]
    return "\n".join([*lines, "HW: 9173", "IA: 56", "END"])


def words(
    currents_a: NDArray[np.float64], logic: NDArray[np.uint8], supply_v: float, first: int = 0
) -> NDArray[np.uint32]:
    """What the meter sends for currents: the ADC value that its own calibration turns back into them."""
    ranges = np.minimum(np.searchsorted(LIMITS_A, currents_a), 4)
    resistance = np.array(R)[ranges]
    r = currents_a / UG - S * supply_v - I
    for _ in range(20):  # r (GS r + GI) = wanted
        r = (currents_a / UG - S * supply_v - I) / (GS * r + GI)
    adc = np.rint((r * resistance / (1.8 / 163840) + O) / 4).astype(np.uint32)
    assert adc.max() < 1 << 14, adc.max()
    counter = (first + np.arange(len(adc))) % 64
    return (
        adc | ranges.astype(np.uint32) << 14 | counter.astype(np.uint32) << 18 | logic.astype(np.uint32) << 24
    ).astype("<u4")


class FakePpk2(PtyDevice):
    """current: seconds since the start (n,) -> amperes (n,). logic: likewise -> levels. drop: bytes of the
    stream that vanish on the way, by their number. limit: samples sent in all."""

    def __init__(
        self,
        current: Current,
        logic: Callable[[NDArray[np.float64]], NDArray[np.uint8]] | None = None,
        drop: set[int] | None = None,
        calibration: str | None = None,
    ) -> None:
        super().__init__()
        self._current, self._logic = current, logic
        self._drop = drop or set()
        self._calibration = metadata() if calibration is None else calibration
        self.commands: list[bytes] = []
        self.supply_v = 0.0
        self.sent = 0
        self._sent_bytes = 0
        self._began_s: float | None = None

    def receive(self, data: bytes) -> None:
        while data:
            size = {0x0D: 3, 0x0C: 2, 0x11: 2}.get(data[0], 1)
            command, data = data[:size], data[size:]
            self.commands.append(command)
            if command[0] == 0x19:
                self.send(self._calibration.encode())
            elif command[0] == 0x0D:
                self.supply_v = int.from_bytes(command[1:], "big") / 1e3
            elif command[0] == 0x06:
                self._began_s, self.sent = time.monotonic(), 0
            elif command[0] == 0x07:
                self._began_s = None

    def tick(self) -> None:
        if self._began_s is None:
            return
        due = int((time.monotonic() - self._began_s) * RATE_HZ)
        times_s = np.arange(self.sent, due) / RATE_HZ
        if not len(times_s):
            return
        logic = np.full(len(times_s), 1, np.uint8) if self._logic is None else self._logic(times_s)
        data = words(self._current(times_s), logic, self.supply_v, self.sent).tobytes()
        kept = (
            bytes(b for k, b in enumerate(data, self._sent_bytes) if k not in self._drop)
            if self._drop
            else data
        )
        self._sent_bytes += len(data)
        self.sent = due
        self.send(kept)
