"""Nordic's Power Profiler Kit II over its serial port: 100,000 currents a second, eight logic inputs beside
each.

A sample is a little-endian word: 14 bits of ADC, 3 of range, 6 of counter, 8 of logic. The counter is what
tells lost samples; and as the stream has no other framing, it also tells where words begin after a lost byte.
Conversion (Nordic's published application is the reference): r = (4 adc - O) (1.8 / 163840) / R;  I = UG (r
(GS r + GI) + S Vdd + I0), with the calibration that the meter itself hands out, one set per range.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinytracker.costs.meters.port import MeterPort
from tinytracker.costs.meters.words import WordStream
from tinytracker.costs.trace import Trace
from tinytracker.errors import DeviceError, UsageError
from tinytracker.extras import need

RATE_HZ = 100_000.0
RATE_ERROR = 2e-3  # users measured about 0.2 % between the nominal rate and their firmware's clock
GAIN_ERROR = 2e-2  # of range; Nordic states better than 10 % at worst and a typical 2 %
MISSING = (
    0.01  # samples fewer than the clock says by more than this: losses that the counter of 64 cannot see
)
METADATA_S = 3.0
QUIET_S = 0.2
SETTLING = 3  # samples after a change of range that the analogue part has not settled for
RANGES = 5
VOLTS = (0.8, 5.0)
INRUSH_S = 1.0

_START, _STOP, _POWER, _VOLTAGE, _MODE, _METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
_AMPERE, _SOURCE = 1, 2
_ADC_VOLTS = 1.8 / 163840
_DEFAULTS: dict[str, tuple[float, ...] | float] = {
    "R": (1031.64, 101.65, 10.15, 0.94, 0.043),
    "GS": 1.0,
    "GI": 1.0,
    "O": 0.0,
    "S": 0.0,
    "I": 0.0,
    "UG": 1.0,
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Per range, float64 (5,): R ohm, O of the ADC, the others as the formula uses them."""

    R: NDArray[np.float64]
    GS: NDArray[np.float64]
    GI: NDArray[np.float64]
    O: NDArray[np.float64]
    S: NDArray[np.float64]
    I: NDArray[np.float64]
    UG: NDArray[np.float64]
    hardware: str

    @classmethod
    def parse(cls, text: str) -> Calibration:
        """Of the meter's `R0: 1003.35` lines; a resistance of 0 or nan, which some units hand out, is the
        nominal one. Raises DeviceError if lines are missing."""
        pairs = dict(re.findall(r"^(\w+): *(\S+)", text, re.MULTILINE))
        tables = {}
        for key, default in _DEFAULTS.items():
            missing = [f"{key}{index}" for index in range(RANGES) if f"{key}{index}" not in pairs]
            if missing:
                raise DeviceError(
                    f"the PPK2's calibration lacks {', '.join(missing)}; unplug it and plug it in again"
                )
            try:
                values = np.array([float(pairs[f"{key}{index}"]) for index in range(RANGES)])
            except ValueError as error:
                raise DeviceError(
                    f"the PPK2's calibration is damaged: {error}; unplug it and plug it in again"
                ) from error
            nominal = np.broadcast_to(default, RANGES)
            useless = ~np.isfinite(values) | ((values == 0) if key in ("R", "UG", "GI") else False)
            tables[key] = np.where(useless, nominal, values)
        return cls(**tables, hardware=pairs.get("HW", "?"))

    def currents_a(self, words: NDArray[np.uint32], supply_v: float) -> NDArray[np.float64]:
        """Currents of samples, not yet settled after changes of range."""
        adc = (words & 0x3FFF).astype(np.float64) * 4
        at = np.minimum((words >> 14) & 7, RANGES - 1).astype(np.intp)
        r = (adc - self.O[at]) * (_ADC_VOLTS / self.R)[at]
        current: NDArray[np.float64] = self.UG[at] * (
            r * (self.GS[at] * r + self.GI[at]) + self.S[at] * supply_v + self.I[at]
        )
        return current


@dataclass(slots=True)
class Ppk2:
    """supply_v: what it supplies (source), or what another supply gives (not source: it then only measures,
    in series)."""

    url: str
    supply_v: float | None
    source: bool = True
    inrush_s: float = INRUSH_S
    name: str = "Nordic PPK2"
    rate_hz: float = RATE_HZ
    _port: MeterPort = field(init=False, repr=False)
    _calibration: Calibration | None = None
    _stream: WordStream = field(default_factory=WordStream)
    _began_s: float = 0.0
    _ended_s: float = 0.0

    def __enter__(self) -> Self:
        if self.supply_v is None or not VOLTS[0] <= self.supply_v <= VOLTS[1]:
            raise UsageError(
                f"a PPK2 supplies and measures at {VOLTS[0]} to {VOLTS[1]} V; give it, for example --supply "
                "3.3"
            )
        self._port = MeterPort("PPK2", self.url)
        try:
            self._write(_STOP)
            self._calibration = Calibration.parse(self._metadata())
            kind = "source" if self.source else "ampere"
            self.name = f"Nordic PPK2 (hardware {self._calibration.hardware}, {kind} meter)"
            self._write(_MODE, _SOURCE if self.source else _AMPERE)
            self._write(_VOLTAGE, *round(self.supply_v * 1e3).to_bytes(2, "big"))
            self._write(_POWER, 1)
            time.sleep(self.inrush_s)  # charging the board's capacitors is no part of a measurement
        except BaseException:
            self._port.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._write(_STOP)
            if self.source:
                self._write(_POWER, 0)
        except DeviceError:
            pass  # it is gone, and whoever polled it knows
        finally:
            self._port.close()

    def start(self) -> None:
        self._drain()
        self._stream = WordStream()
        self._write(_START)
        self._began_s = self._ended_s = time.monotonic()

    def poll(self) -> None:
        self._stream.feed(self._port.read())
        self._ended_s = time.monotonic()

    def stop(self) -> Trace:
        lasted_s = self._ended_s - self._began_s
        try:
            self._write(_STOP)
            time.sleep(0.05)
            self._stream.feed(self._port.read())
        except DeviceError:
            pass  # what came is still good; the failure was raised by poll
        words, lost = self._stream.finish()
        if not len(words):
            raise DeviceError("the PPK2 sent no sample; unplug it and plug it in again")
        assert self._calibration is not None
        assert self.supply_v is not None
        power_mw = _power_mw(words, lost, self._calibration, self.supply_v)
        marks = (words >> 24).astype(np.uint8)
        marks[lost] = 0
        marks = _held(marks, lost)
        remarks = []
        missing = 1 - len(words) / (lasted_s * RATE_HZ) if lasted_s > 0 else 0.0
        if missing > MISSING:
            remarks.append(
                f"{100 * missing:.1f} % fewer samples came than the clock says: whole runs of 64 may be "
                "lost unseen"
            )
        if self._stream.shifts:
            remarks.append(
                f"the stream lost its alignment {self._stream.shifts} times and was found again by the "
                "counter"
            )
        return Trace(
            power_mw,
            RATE_HZ,
            marks,
            gain_error=GAIN_ERROR,
            rate_error=RATE_ERROR,
            meter=self.name,
            remarks=tuple(remarks),
        )

    def _metadata(self) -> str:
        self._drain()
        self._write(_METADATA)
        text = b""
        deadline = time.monotonic() + METADATA_S
        while b"END" not in text:
            text += self._port.read()
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"{self.url} hands out no calibration ({len(text)} bytes in {METADATA_S:.0f} s); is it "
                    "a PPK2, and does no other "
                    "program (nRF Connect) hold it? A PPK2 has two ports: try the other"
                )
        return text.decode("ascii", "replace")

    def _drain(self) -> None:
        """Forgets what a former measurement still sends: until nothing came for 0.2 s. Raises DeviceError if
        it does not stop."""
        last_s = began_s = time.monotonic()
        while time.monotonic() - last_s < QUIET_S:
            if self._port.read():
                last_s = time.monotonic()
            if last_s - began_s > METADATA_S:
                raise DeviceError(
                    f"the PPK2 at {self.url} does not stop sending; unplug it and plug it in again"
                )

    def _write(self, *values: int) -> None:
        self._port.write(bytes(values))


def find_ports() -> list[str]:
    """Serial ports of the PPK2s plugged in."""
    need("serial", "meters")
    from serial.tools.list_ports import comports

    return sorted(port.device for port in comports() if "PPK2" in (port.product or ""))


def _power_mw(
    words: NDArray[np.uint32], lost: NDArray[np.bool_], calibration: Calibration, supply_v: float
) -> NDArray[np.float32]:
    """mW of samples, NaN where lost, settled: right after a change of range a sample takes the first settled
    one's value."""
    power_mw = np.empty(len(words), np.float32)
    for begin in range(0, len(words), 1 << 20):
        piece = slice(begin, begin + (1 << 20))
        power_mw[piece] = calibration.currents_a(words[piece], supply_v) * (supply_v * 1e3)
    ranges = ((words >> 14) & 7).astype(np.uint8)
    changes = np.flatnonzero(np.diff(ranges)) + 1
    ends = np.append(changes[1:], len(words))
    settled = power_mw[np.minimum(changes + SETTLING, ends - 1)]
    for step in range(SETTLING):
        at = changes + step
        inside = at < np.minimum(changes + SETTLING, ends)
        power_mw[at[inside]] = settled[inside]
    power_mw[lost] = np.nan
    return power_mw


def _held(marks: NDArray[np.uint8], lost: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Levels at lost samples are those of the last sample that came."""
    if not lost.any():
        return marks
    at = np.where(lost, -1, np.arange(len(marks)))
    return marks[np.maximum(np.maximum.accumulate(at), int(np.argmin(lost)))]
