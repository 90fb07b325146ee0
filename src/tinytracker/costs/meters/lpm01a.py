"""ST's X-NUCLEO-LPM01A (PowerShield) over its serial port: energy as ASCII to 10 kHz, current in binary to
100 kHz.

ASCII: `6409-07` is 6409e-7 (ampere, or joule per sample); `TimeStamp: 001s 000ms, buff 00%` every second;
`event 01 ris` at the marker's edge. Binary: two bytes, four bits of negative power of 16 and twelve of value;
what begins with 0xF0 is about the stream: 0xF1 an error, 0xF2 a message, 0xF3 a time stamp (ms, 4 bytes, and
the buffer's filling), 0xF4 the end, 0xF5 an overcurrent, 0xF6 power-down, 0xF7 the voltage; each ends with
0xFF 0xFF. Time stamps tell lost samples. 1.8 to 3.3 V, 50 mA at most: not for a Coral, a Raspberry Pi or a
Cortex-M7 at full clock.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from tinytracker.costs.meters.port import MeterPort
from tinytracker.costs.trace import Trace
from tinytracker.errors import DeviceError, UsageError

BAUD = 3_686_400
ANSWER_S = 3.0
GAIN_ERROR = 2e-2  # ST states 2 % for dynamic currents
RATE_ERROR = 1e-4
VOLTS = (1.8, 3.3)
RATES_HZ = {
    100_000: "100k",
    50_000: "50k",
    20_000: "20k",
    10_000: "10k",
    5_000: "5k",
    2_000: "2k",
    1_000: "1k",
}
ASCII_MAX_HZ = 5_000  # above it the ASCII stream lasts a second only (ST, UM2269)
PROMPT = "PowerShield > "


@dataclass(slots=True)
class Stream:
    """What the meter sent since its start, in samples, marks and complaints.

    values: ampere, or joule per sample. events: numbers of the samples before which an edge came. clock:
    (seconds by the meter's time stamps, samples until then).
    """

    values: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    clock: list[tuple[float, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    damaged: int = 0
    ended: bool = False
    _waiting: bytes = b""

    def feed_ascii(self, data: bytes) -> None:
        """Lines; half a line waits for its rest, and what is no line of the protocol is a damaged sample."""
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            self._line(line.decode("ascii", "replace").replace(PROMPT, "").strip("\0\r "))

    def _line(self, line: str) -> None:
        if re.fullmatch(r"(\d{4}[+-]\d{2})+", line):
            self.values += [
                int(line[at : at + 4]) * 10.0 ** int(line[at + 4 : at + 7]) for at in range(0, len(line), 7)
            ]
        elif stamp := re.match(r"TimeStamp:[ ><]*(\d+)s (\d+)ms", line):
            self.clock.append((int(stamp[1]) + int(stamp[2]) / 1e3, len(self.values)))
        elif re.match(r"event \d+ (ris|fal)", line):
            self.events.append(len(self.values))
        elif "Acquisition completed" in line or line == "end":
            self.ended = True
        elif line.lower().startswith("error"):
            self.errors.append(line)
        elif line and line[0].isdigit():
            self.damaged += 1

    def feed_binary(self, data: bytes) -> None:
        """Two-byte samples between packets about the stream. A byte lost shifts the samples: the next
        packet's end tells."""
        waiting = self._waiting + data
        at = 0
        while at + 1 < len(waiting):
            if waiting[at] == 0xF0 and waiting[at + 1] >= 0xF0:
                # A time stamp may hold 0xFF itself: its length is known; the others end at the first 0xFF
                # 0xFF.
                end = waiting.find(b"\xff\xff", at + (7 if waiting[at + 1] == 0xF3 else 2))
                if end < 0:
                    break
                self._packet(waiting[at + 1], waiting[at + 2 : end])
                at = end + 2
            elif waiting[at] >> 4 == 0xF:
                self.damaged += 1
                at += 1
            else:
                self.values.append(((waiting[at] & 0xF) << 8 | waiting[at + 1]) * 16.0 ** -(waiting[at] >> 4))
                at += 2
        self._waiting = waiting[at:]

    def _packet(self, kind: int, content: bytes) -> None:
        text = content.decode("ascii", "replace").strip()
        if kind == 0xF3 and len(content) == 5:
            self.clock.append(((int.from_bytes(content[:4], "big") & 0x7FFFFFFF) / 1e3, len(self.values)))
        elif kind == 0xF2 and text.startswith("event"):
            self.events.append(len(self.values))
        elif kind == 0xF4:
            self.ended = True
        elif kind == 0xF5:
            self.errors.append("overcurrent: the board takes more than the 50 mA that an LPM01A gives")
        elif kind == 0xF1:
            self.errors.append(text)


@dataclass(slots=True)
class Lpm01a:
    """supply_v: what it supplies. binary: currents at `rate_hz` up to 100 kHz; else energies, up to 5 kHz."""

    url: str
    supply_v: float | None
    rate_hz: float = 1_000.0
    binary: bool = False
    name: str = "ST X-NUCLEO-LPM01A"
    _port: MeterPort = field(init=False, repr=False)
    _stream: Stream = field(default_factory=Stream)

    def __enter__(self) -> Self:
        if self.supply_v is None or not VOLTS[0] <= self.supply_v <= VOLTS[1]:
            raise UsageError(
                f"an LPM01A supplies {VOLTS[0]} to {VOLTS[1]} V; give it, for example --supply 3.3"
            )
        rate = RATES_HZ.get(round(self.rate_hz))
        if rate is None or (not self.binary and self.rate_hz > ASCII_MAX_HZ):
            raise UsageError(
                f"an LPM01A samples at {', '.join(map(str, RATES_HZ))} Hz, as ASCII to {ASCII_MAX_HZ}; not "
                f"{self.rate_hz:g}"
            )
        self._port = MeterPort("LPM01A", self.url, BAUD)
        try:
            self._command("htc")
            version = re.search(r"\d+\.\d+\.\d+", self._command("version"))
            self.name = f"ST X-NUCLEO-LPM01A (firmware {version[0] if version else '?'})"
            for command in (
                f"volt {round(self.supply_v * 1e3)}m",
                f"output {'current' if self.binary else 'energy'}",
                f"format {'bin_hexa' if self.binary else 'ascii_dec'}",
                f"freq {rate}",
                "acqtime inf",
                "trigdelay 0",
                "trigsrc sw",
                "eventsrc d7 fal",
                "pwr on nostatus",
            ):
                self._command(command)
        except BaseException:
            self._port.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._command("pwr off")
            self._command("hrc")
        except DeviceError:
            pass  # it is gone, and whoever polled it knows
        finally:
            self._port.close()

    def start(self) -> None:
        rest = self._acknowledged("start").lstrip(b"\r\n")
        self._stream = Stream()
        self._feed(rest)

    def poll(self) -> None:
        self._feed(self._port.read())

    def stop(self) -> Trace:
        stream = self._stream
        try:
            self._write("stop")
            deadline = time.monotonic() + ANSWER_S
            while not stream.ended and time.monotonic() < deadline:
                data = self._port.read()
                at = data.find(b"PowerShield") if self.binary else -1
                self._feed(data if at < 0 else data[:at])
                stream.ended = stream.ended or at >= 0
        except DeviceError:
            pass  # what came is still good; the failure was raised by poll
        if not stream.values:
            raise DeviceError(f"the LPM01A sent no sample{': ' + stream.errors[0] if stream.errors else ''}")
        return self._trace(stream)

    def _trace(self, stream: Stream) -> Trace:
        assert self.supply_v is not None
        to_mw = self.supply_v * 1e3 if self.binary else 1e3 * self.rate_hz
        where, missing = self._gaps(stream)
        values = np.insert(
            np.array(stream.values, np.float32) * np.float32(to_mw), np.repeat(where, missing), np.nan
        )
        marks = None
        if stream.events:
            marks = np.ones(len(values), np.uint8)
            shift = [int(missing[where <= event].sum()) for event in stream.events]
            at = np.array(stream.events) + np.array(shift)
            marks[np.minimum(at, len(values) - 1)] = 0
        remarks = [*dict.fromkeys(stream.errors)]
        if stream.damaged:
            remarks.append(f"{stream.damaged} pieces of the stream were damaged")
        return Trace(
            values,
            self.rate_hz,
            marks,
            gain_error=GAIN_ERROR,
            rate_error=RATE_ERROR,
            meter=self.name,
            remarks=tuple(remarks),
        )

    def _gaps(self, stream: Stream) -> tuple[np.ndarray, np.ndarray]:
        """(sample before which samples are missing, how many), from the meter's time stamps."""
        where, missing = [], []
        for (before_s, before), (now_s, now) in zip(stream.clock, stream.clock[1:], strict=False):
            short = round((now_s - before_s) * self.rate_hz) - (now - before)
            if short > 0:
                where.append(now)
                missing.append(short)
        return np.array(where, np.intp), np.array(missing, np.intp)

    def _feed(self, data: bytes) -> None:
        if self.binary:
            self._stream.feed_binary(data)
        else:
            self._stream.feed_ascii(data)

    def _command(self, command: str) -> str:
        """What the answer says behind its acknowledgement. Raises DeviceError."""
        behind = self._acknowledged(command)
        deadline = time.monotonic() + ANSWER_S
        while not behind.endswith(b"\n") and time.monotonic() < deadline:
            behind += self._port.read()
        return behind.decode("ascii", "replace")

    def _acknowledged(self, command: str) -> bytes:
        """Sends a command; gives the bytes that came behind its acknowledgement. Raises DeviceError without
        one."""
        self._write(command)
        answer = b""
        deadline = time.monotonic() + ANSWER_S
        wanted = f"ack {command}".encode()
        while wanted not in answer:
            answer += self._port.read()
            if b"error" in answer.lower():
                raise DeviceError(
                    f"the LPM01A refuses {command!r}: {answer.decode('ascii', 'replace').strip()}"
                )
            if time.monotonic() > deadline:
                raise DeviceError(
                    f"{self.url} does not acknowledge {command!r} as an LPM01A does; is it the right port?"
                )
        return answer[answer.index(wanted) + len(wanted) :]

    def _write(self, command: str) -> None:
        self._port.write(f"{command}\r\n".encode())
