"""A Joulescope JS110 or JS220 through its maker's library (extra `joulescope`, which wants Python 3.12 or
newer)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinytracker.costs.trace import Trace
from tinytracker.errors import DeviceError
from tinytracker.extras import need

RATE_HZ = 100_000.0
GAIN_ERROR = 5e-3
RATE_ERROR = 2e-5
FIELDS = ("current", "voltage", "current_lsb")


class Joulescope:
    """Current and voltage at 100 kHz, and general-purpose input 0 as the marker.

    driver: what gives the device, the library's `scan_require_one` unless another is given.
    """

    def __init__(self, driver: Any = None) -> None:
        self._driver = driver
        self.name = "Joulescope"
        self.rate_hz = RATE_HZ
        self.supply_v: float | None = None
        self._pieces: list[dict[str, NDArray[Any]]] = []
        self._next: int | None = None
        self._lost: list[tuple[int, int]] = []  # (samples before the gap, missing)
        self._count = 0

    def __enter__(self) -> Self:
        if self._driver is None:
            need("joulescope")
            from joulescope import scan_require_one

            self._driver = scan_require_one
        try:
            self._device = self._driver(config="auto")
            self._device.open()
            for name, value in (
                ("sampling_frequency", round(RATE_HZ)),
                ("current_lsb", "gpi0"),
                ("buffer_duration", 30),
            ):
                self._device.parameter_set(name, value)
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            raise DeviceError(
                f"no Joulescope answers ({error}); is it plugged in, and does no other program hold it?"
            ) from error
        self.name = f"Joulescope {getattr(self._device, 'device_path', '')}".strip()
        return self

    def __exit__(self, *exception: object) -> None:
        self._device.close()

    def start(self) -> None:
        self._pieces, self._lost, self._next, self._count = [], [], None, 0
        self._call("start")

    def poll(self) -> None:
        buffer = self._device.stream_buffer
        begin, end = buffer.sample_id_range
        if self._next is None:
            self._next = begin
        if begin > self._next:  # the ring overran us
            self._lost.append((self._count, begin - self._next))
            self._next = begin
        if end > self._next:
            try:
                signals = buffer.samples_get(self._next, end, fields=list(FIELDS))["signals"]
            except (RuntimeError, ValueError) as error:
                raise DeviceError(f"the Joulescope's stream broke ({error}); was it unplugged?") from error
            self._pieces.append({name: np.array(signals[name]["value"]) for name in FIELDS})
            self._count += end - self._next
            self._next = end

    def stop(self) -> Trace:
        self._call("stop")
        if not self._pieces:
            raise DeviceError("the Joulescope sent no sample")
        whole = {name: np.concatenate([piece[name] for piece in self._pieces]) for name in FIELDS}
        power_mw = (whole["current"] * whole["voltage"] * 1e3).astype(np.float32)
        marks = whole["current_lsb"].astype(np.uint8) & np.uint8(1)
        self.supply_v = float(np.nanmedian(whole["voltage"]))
        if self._lost:
            where = np.repeat([at for at, _ in self._lost], [missing for _, missing in self._lost])
            held = np.repeat(
                [marks[min(at, len(marks) - 1)] for at, _ in self._lost],
                [missing for _, missing in self._lost],
            )
            power_mw, marks = np.insert(power_mw, where, np.nan), np.insert(marks, where, held)
        return Trace(power_mw, RATE_HZ, marks, gain_error=GAIN_ERROR, rate_error=RATE_ERROR, meter=self.name)

    def _call(self, name: str) -> None:
        try:
            getattr(self._device, name)()
        except (RuntimeError, OSError) as error:
            raise DeviceError(f"the Joulescope does not {name} ({error}); was it unplugged?") from error
