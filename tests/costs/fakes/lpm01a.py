"""An LPM01A in software: commands acknowledged, energies as ASCII or currents in binary, time stamps, events,
faults."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tests.costs.fakes.pty_device import PtyDevice


def ascii_sample(value: float) -> bytes:
    """Four digits, a sign and two digits of a power of ten."""
    exponent = math.floor(math.log10(value)) - 3 if value else 0
    return f"{round(value / 10.0**exponent):04d}{exponent:+03d}".encode()


def binary_sample(current_a: float) -> bytes:
    """Twelve bits as large as fit, and the negative power of 16."""
    power = 0
    while power < 14 and current_a * 16 ** (power + 1) < 4096:
        power += 1
    return (power << 12 | min(4095, round(current_a * 16**power))).to_bytes(2, "big")


class FakeLpm01a(PtyDevice):
    """power_mw: of the time in seconds. events: seconds at which the marker falls. skip: numbers of samples
    that get lost. inject: bytes sent instead of a sample, by its number."""

    def __init__(
        self,
        power_mw: Callable[[float], float],
        events: tuple[float, ...] = (),
        skip: range = range(0),
        inject: dict[int, bytes] | None = None,
    ) -> None:
        super().__init__()
        self._power_mw, self._events, self._skip, self._inject = power_mw, list(events), skip, inject or {}
        self.commands: list[str] = []
        self.settings: dict[str, str] = {}
        self._line = b""
        self._began_s: float | None = None
        self._sent = 0

    @property
    def _rate_hz(self) -> int:
        return int(self.settings["freq"].replace("k", "000"))

    def receive(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._command(line.decode().strip())

    def _command(self, command: str) -> None:
        self.commands.append(command)
        name, _, value = command.partition(" ")
        self.settings[name] = value
        if name == "stop":
            self._began_s = None
            end = b"\xf0\xf4\xff\xff" if self.settings["format"] == "bin_hexa" else b""
            self.send(end + b"\r\nPowerShield > Acquisition completed\r\n")
            return
        if command == "freq 7k":
            self.send(b"\r\nPowerShield > error freq 7k\r\n")
            return
        answer = " 1.0.3" if name == "version" else ""
        self.send(f"\r\nPowerShield > ack {command}{answer}\r\n\r\n".encode())
        if name == "start":
            self._began_s, self._sent = time.monotonic(), 0

    def tick(self) -> None:
        if self._began_s is None:
            return
        binary = self.settings["format"] == "bin_hexa"
        supply_v = int(self.settings["volt"].rstrip("m")) / 1e3
        due = int((time.monotonic() - self._began_s) * self._rate_hz)
        out = b""
        for number in range(self._sent, due):
            now_s = number / self._rate_hz
            if number % (self._rate_hz // 4) == 0:
                ms = round(now_s * 1e3)
                stamp = b"\xf0\xf3" + ms.to_bytes(4, "big") + b"\x00\xff\xff"
                out += (
                    stamp
                    if binary
                    else f"TimeStamp: {ms // 1000:03d}s {ms % 1000:03d}ms, buff 00%\r\n".encode()
                )
            while self._events and self._events[0] <= now_s:
                self._events.pop(0)
                out += b"\xf0\xf2event 01 ris\xff\xff" if binary else b"event 01 ris\r\n"
            if number in self._skip:
                continue
            power_mw = self._power_mw(now_s)
            if number in self._inject:
                out += self._inject[number]
            elif binary:
                out += binary_sample(power_mw / 1e3 / supply_v)
            else:
                out += ascii_sample(power_mw / 1e3 / self._rate_hz) + b"\r\n"
        self._sent = due
        self.send(out)
