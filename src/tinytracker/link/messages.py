"""The serial link's messages as bytes (docs/serial-link.md); the board's side is
targets/mcu/boards/link/gaze_link.c.

A5 5A | version | type | sequence (2) | length (2) | header check (2) | payload | CRC-32 (4)
little-endian
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

VERSION = 1
SYNC = b"\xa5\x5a"
PAYLOAD_MAX = 1024
ROWS_HEAD = struct.Struct("<II")  # frame number, offset; then pixels
FRAME_HEAD = struct.Struct("<II")  # frame number, bytes of all inputs
BLOCK = struct.Struct("<II")  # inferences, flags
BLOCK_ANSWER = struct.Struct("<IQ")  # inferences, what was counted meanwhile
CALIBRATE = struct.Struct("<8f")  # cm per unit of the first output, distance, six numbers
POINT = struct.Struct("<2f")  # behind the outputs of a RESULT, from a board that has a calibration
BLOCK_MARKED = 1  # flag: the marker pulses at both ends
BLOCK_CHAIN = 2  # flag: each from a new frame of the board's camera to its gaze
_HEADER = struct.Struct("<BBHH")  # version, type, sequence, length
_HEADER_BYTES = len(SYNC) + _HEADER.size + 2
_CRC_BYTES = 4
_HELLO_HEAD = struct.Struct("<BBHIIHBB")
_TENSOR = struct.Struct("<IHHHfi")
_STATS = struct.Struct("<6I")


class Kind(IntEnum):
    """What a message is; answers have the highest bit."""

    HELLO = 0x01
    FRAME = 0x02
    ROWS = 0x03
    STATS = 0x04
    BLOCK = 0x05
    CALIBRATE = 0x06
    HELLO_ANSWER = 0x81
    READY = 0x82
    RESULT = 0x83
    STATS_ANSWER = 0x84
    BLOCK_ANSWER = 0x85
    CALIBRATED = 0x86
    ERROR = 0xFF


class BoardError(IntEnum):
    """Why a board refuses: an ERROR message's first byte."""

    DAMAGED = 1
    NOT_GREETED = 2
    WRONG_SIZE = 3
    UNKNOWN = 4
    NO_FRAME = 5
    NO_PICTURE = 6


COUNTS = {0: "", 1: "cycles", 2: "instructions", 3: "us"}


@dataclass(frozen=True, slots=True)
class Message:
    """kind: a number of `Kind`, or another that this version does not know."""

    kind: int
    sequence: int
    payload: bytes = b""
    version: int = VERSION

    def encode(self) -> bytes:
        header = _HEADER.pack(self.version, self.kind, self.sequence, len(self.payload))
        checked = header + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + self.payload
        return SYNC + checked + struct.pack("<I", zlib.crc32(checked))


@dataclass(frozen=True, slots=True)
class BoardTensor:
    """An input or output as the board describes it: real = (value - zero_point) * scale. height, width,
    channels: 1, 1, n for what is no picture."""

    bytes: int
    height: int
    width: int
    channels: int
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Hello:
    """What a board says of itself. model_hash: the first four bytes of the .tflite's SHA-256, as a big-endian
    number. row_bytes: pieces of a frame must be multiples of it (0: any size). count: "cycles",
    "instructions", "us" or "" for a board that does not count; count_hz: how many a second, 0 if unknown."""

    version: int
    board: str
    model_hash: int
    payload_max: int
    row_bytes: int
    inputs: tuple[BoardTensor, ...]
    outputs: tuple[BoardTensor, ...]
    count: str
    count_hz: int

    @property
    def frame_bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.inputs)

    @classmethod
    def decode(cls, payload: bytes) -> Hello:
        """Raises ValueError if the payload is no such thing."""
        if len(payload) < _HELLO_HEAD.size:
            raise ValueError(f"{len(payload)} bytes, expected {_HELLO_HEAD.size} or more")
        head = _HELLO_HEAD.unpack_from(payload)
        version, count, payload_max, count_hz, model_hash, row_bytes, inputs, outputs = head
        end = _HELLO_HEAD.size + (inputs + outputs) * _TENSOR.size
        if len(payload) < end:
            raise ValueError(f"{len(payload)} bytes, expected {end} or more for {inputs + outputs} tensors")
        tensors = [BoardTensor(*fields) for fields in _TENSOR.iter_unpack(payload[_HELLO_HEAD.size : end])]
        return cls(
            version=version,
            board=payload[end:].decode("ascii", "replace"),
            model_hash=model_hash,
            payload_max=payload_max,
            row_bytes=row_bytes,
            inputs=tuple(tensors[:inputs]),
            outputs=tuple(tensors[inputs:]),
            count=COUNTS.get(count, ""),
            count_hz=count_hz,
        )


@dataclass(frozen=True, slots=True)
class BoardCalibration:
    """A person's calibration as a board takes it. unit_cm: by which the network's first output is to be
    multiplied. distance_cm: of the eyes, as the board does not measure it. right, up: degrees to add to the
    direction on that axis: an offset, and degrees per degree to the right and up."""

    unit_cm: float
    distance_cm: float
    right: tuple[float, float, float]
    up: tuple[float, float, float]

    def encode(self) -> bytes:
        return CALIBRATE.pack(self.unit_cm, self.distance_cm, *self.right, *self.up)


@dataclass(frozen=True, slots=True)
class BoardStats:
    """What a board counted since it started: see gaze_link_stats in gaze_link.h."""

    messages: int
    damaged: int
    skipped_bytes: int
    frames: int
    dropped: int
    repeated: int

    @classmethod
    def decode(cls, payload: bytes) -> BoardStats:
        """Raises ValueError if the payload is no such thing."""
        if len(payload) != _STATS.size:
            raise ValueError(f"{len(payload)} bytes, expected {_STATS.size}")
        return cls(*_STATS.unpack(payload))


@dataclass(slots=True)
class Parser:
    """Whole messages out of a stream of bytes. Nothing is lost but what is damaged: after a damaged message
    the search goes on one byte behind its beginning, as it may have swallowed the beginning of the next.

    damaged: messages with a wrong CRC; skipped: bytes that belonged to no message.
    """

    damaged: int = 0
    skipped: int = 0
    _waiting: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole with these bytes."""
        self._waiting += data
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def give_up(self) -> list[Message]:
        """The rest of half a message will not come: the messages it hid, if any."""
        found = []
        while self._waiting:
            self._skip(1)
            found += self.feed(b"")
        return found

    def _next(self) -> Message | None:
        waiting = self._waiting
        while True:
            start = waiting.find(SYNC)
            if start < 0:
                self._skip(len(waiting) - (1 if waiting.endswith(SYNC[:1]) else 0))
                return None
            self._skip(start)
            if len(waiting) < _HEADER_BYTES:
                return None
            header = bytes(waiting[len(SYNC) : len(SYNC) + _HEADER.size])
            version, kind, sequence, length = _HEADER.unpack(header)
            check = int.from_bytes(waiting[_HEADER_BYTES - 2 : _HEADER_BYTES], "little")
            if check != zlib.crc32(header) & 0xFFFF or length > PAYLOAD_MAX:
                self._skip(1)
                continue
            end = _HEADER_BYTES + length
            if len(waiting) < end + _CRC_BYTES:
                return None
            if zlib.crc32(waiting[len(SYNC) : end]) != int.from_bytes(
                waiting[end : end + _CRC_BYTES], "little"
            ):
                self.damaged += 1
                self._skip(1)
                continue
            payload = bytes(waiting[_HEADER_BYTES:end])
            del waiting[: end + _CRC_BYTES]
            return Message(kind, sequence, payload, version)

    def _skip(self, count: int) -> None:
        self.skipped += count
        del self._waiting[:count]
