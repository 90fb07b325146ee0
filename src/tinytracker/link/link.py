"""Talking to a board over its serial port: one question at a time, asked again until it is answered or
given up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tinytracker.errors import DeviceError
from tinytracker.extras import need
from tinytracker.link.messages import (
    BLOCK,
    BLOCK_ANSWER,
    BLOCK_CHAIN,
    BLOCK_MARKED,
    FRAME_HEAD,
    PAYLOAD_MAX,
    POINT,
    ROWS_HEAD,
    VERSION,
    BoardCalibration,
    BoardError,
    BoardStats,
    Hello,
    Kind,
    Message,
    Parser,
)

TRIES = 4
TIMEOUT_S = 3.0
POLL_S = 0.05


class Port(Protocol):
    """What is used of `serial.Serial`. Reading waits POLL_S at most, and may give nothing."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1) -> bytes: ...

    def write(self, data: bytes, /) -> Any: ...

    def close(self) -> None: ...


def open_port(url: str, baud: int = 115200) -> Port:
    """Opens a serial port (/dev/ttyACM0, COM3) or anything else pyserial knows (socket://host:port).

    Raises DeviceError if it cannot be opened, MissingExtraError without pyserial.
    """
    need("serial", "mcu")
    import serial

    try:
        port: Port = serial.serial_for_url(url, baudrate=baud, timeout=POLL_S, write_timeout=TIMEOUT_S)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise DeviceError(
            f"cannot open {url}: {error}; is the board plugged in, and may you use the port?"
        ) from error
    return port


@dataclass(slots=True)
class LinkStats:
    """What happened on the host's side. repeats: questions asked again; stale: late answers to older
    questions, dropped; restarts: the board had forgotten us; frames: results that came; damaged,
    skipped_bytes: see `Parser`."""

    frames: int = 0
    repeats: int = 0
    stale: int = 0
    restarts: int = 0
    damaged: int = 0
    skipped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """outputs: int8, one array per output, flat. count: what the board counted while computing
    (`Hello.count`). point_cm: (right, up), as the board calibrated it; None if it has no calibration."""

    outputs: tuple[np.ndarray, ...]
    count: int
    point_cm: tuple[float, float] | None = None


class BoardLink:
    """One board. Not for several threads.

    name: what messages call it. timeout_s: for one answer; an inference may take `tries` times as long.
    Raises DeviceError, here as later, if the board is silent, unplugged, or no board of ours.
    """

    def __init__(self, port: Port, name: str, timeout_s: float = TIMEOUT_S, tries: int = TRIES) -> None:
        self._port = port
        self._name = name
        self.timeout_s = timeout_s
        self._tries = tries
        self._parser = Parser()
        self._sequence = 0
        self._frame = 0
        self._stats = LinkStats()
        self._calibration: BoardCalibration | None = None
        self.hello = self._greet()

    def close(self) -> None:
        self._port.close()

    @property
    def stats(self) -> LinkStats:
        self._stats.damaged, self._stats.skipped_bytes = self._parser.damaged, self._parser.skipped
        return self._stats

    def board_stats(self) -> BoardStats:
        """What the board counted since it started."""
        try:
            return BoardStats.decode(self._ask(Kind.STATS, b"", (Kind.STATS_ANSWER,)).payload)
        except ValueError as error:
            raise DeviceError(
                f"{self._name} answers no statistics of ours: {error}; flash the firmware again"
            ) from error

    def infer(self, inputs: Sequence[np.ndarray]) -> FrameAnswer:
        """Has the board compute one sample; inputs: int8 arrays as `hello.inputs` says. A board that restarts
        on the way gets the sample again from the beginning."""
        pixels = b"".join(np.ascontiguousarray(array, np.int8).tobytes() for array in inputs)
        if len(pixels) != self.hello.frame_bytes:
            raise DeviceError(
                f"{self._name} takes {self.hello.frame_bytes} bytes, not {len(pixels)}; flash it with this "
                f"network"
            )
        for _ in range(self._tries):
            answer = self._send_frame(pixels)
            if answer is not None:
                return self._result(answer)
            self._stats.restarts += 1
            was, self.hello = self.hello, self._greet()
            if self.hello != was:
                raise DeviceError(
                    f"{self._name} came back as another board or with another network; start again"
                )
            self.calibrate(self._calibration)
        raise DeviceError(
            f"{self._name} restarted {self._tries} times during one frame; does its supply hold?"
        )

    def calibrate(self, calibration: BoardCalibration | None) -> None:
        """Gives the board a person's six numbers, so that each answer brings a calibrated point as well; None
        takes them back. A board that restarts gets them again. Raises DeviceError, also for firmware that
        knows no calibration."""
        if calibration is None and self._calibration is None:
            return
        numbers = b"" if calibration is None else calibration.encode()
        answer = self._ask(Kind.CALIBRATE, numbers, (Kind.CALIBRATED, Kind.ERROR))
        if answer.kind == Kind.ERROR or answer.payload != numbers:
            raise DeviceError(
                f"{self._name} takes no calibration ({_reason(answer)}); flash firmware of this version"
            )
        self._calibration = calibration

    def run_block(self, count: int, marked: bool, timeout_s: float, chain: bool = False) -> int:
        """Has the board compute its network `count` times in a row, on what its memory holds or, for a
        `chain`, on as many new frames of its camera, with a pulse of its marker pin at either end if
        `marked`; gives what it counted meanwhile. timeout_s: to wait for it. Raises DeviceError, also for
        firmware that knows no blocks, and for a chain without a camera."""
        flags = (BLOCK_MARKED if marked else 0) | (BLOCK_CHAIN if chain else 0)
        answer = self._ask(Kind.BLOCK, BLOCK.pack(count, flags), (Kind.BLOCK_ANSWER, Kind.ERROR), timeout_s)
        if answer.kind == Kind.ERROR and answer.payload[:1] == bytes([BoardError.NO_PICTURE]):
            raise DeviceError(
                f"{self._name} gets no picture from a camera: its firmware has none (GAZE_FROM_HOST 1, an "
                "emulated board), or the camera stopped; leave --chain out, or flash firmware with a camera"
            )
        if answer.kind == Kind.ERROR:
            raise DeviceError(
                f"{self._name} runs no blocks ({_reason(answer)}); flash firmware of this version"
            )
        if len(answer.payload) != BLOCK_ANSWER.size or BLOCK_ANSWER.unpack(answer.payload)[0] != count:
            raise DeviceError(
                f"{self._name} answers a block of {count} inferences with {answer.payload.hex()}; flash it "
                f"again"
            )
        spent: int = BLOCK_ANSWER.unpack(answer.payload)[1]
        return spent

    def _send_frame(self, pixels: bytes) -> Message | None:
        """Sends one frame; gives its RESULT, or None if the board restarted."""
        self._frame = (self._frame + 1) & 0xFFFFFFFF
        answer = self._ask(Kind.FRAME, FRAME_HEAD.pack(self._frame, len(pixels)), (Kind.READY, Kind.ERROR))
        step = min(self.hello.payload_max, PAYLOAD_MAX) - ROWS_HEAD.size
        if self.hello.row_bytes:
            step = max(1, step // self.hello.row_bytes) * self.hello.row_bytes
        furthest, stuck = -1, 0
        while answer.kind != Kind.RESULT:
            if answer.kind == Kind.ERROR:
                if answer.payload[:1] and answer.payload[0] in (BoardError.NOT_GREETED, BoardError.NO_FRAME):
                    return None
                raise DeviceError(
                    f"{self._name} refuses a frame ({_reason(answer)}); flash it with this network again"
                )
            frame, offset = ROWS_HEAD.unpack(answer.payload[: ROWS_HEAD.size].ljust(ROWS_HEAD.size, b"\xff"))
            stuck = 0 if offset > furthest else stuck + 1
            furthest = max(furthest, offset)
            if frame != self._frame or offset >= len(pixels) or stuck > self._tries:
                raise DeviceError(
                    f"{self._name} does not follow the protocol: it wants byte {offset} of frame {frame}, "
                    f"we send {len(pixels)} bytes of frame {self._frame}"
                )
            piece = ROWS_HEAD.pack(self._frame, offset) + pixels[offset : offset + step]
            answer = self._ask(Kind.ROWS, piece, (Kind.READY, Kind.RESULT, Kind.ERROR))
        return answer

    def _result(self, answer: Message) -> FrameAnswer:
        content, point = answer.payload[ROWS_HEAD.size :], None
        if self._calibration is not None and len(content) >= POINT.size:
            content, point = content[: -POINT.size], POINT.unpack(content[-POINT.size :])
        values = np.frombuffer(content, np.int8)
        sizes = [tensor.bytes for tensor in self.hello.outputs]
        frame, count = ROWS_HEAD.unpack(answer.payload[: ROWS_HEAD.size].ljust(ROWS_HEAD.size, b"\xff"))
        if len(values) != sum(sizes) or frame != self._frame:
            raise DeviceError(
                f"{self._name} gave {len(values)} bytes for frame {frame}, expected {sum(sizes)} for "
                f"{self._frame}"
            )
        self._stats.frames += 1
        return FrameAnswer(tuple(np.split(values.copy(), np.cumsum(sizes)[:-1])), count, point)

    def _greet(self) -> Hello:
        answer = self._ask(Kind.HELLO, b"", (Kind.HELLO_ANSWER, Kind.ERROR))
        if answer.version != VERSION or answer.kind == Kind.ERROR:
            raise DeviceError(
                f"{self._name} speaks version {answer.version} of the link, this program {VERSION}; "
                "flash firmware of this version"
            )
        try:
            hello = Hello.decode(answer.payload)
        except ValueError as error:
            raise DeviceError(
                f"{self._name} greets in words not ours: {error}; flash the firmware again"
            ) from error
        room = min(hello.payload_max, PAYLOAD_MAX) - ROWS_HEAD.size
        if room < max(1, hello.row_bytes) or not hello.frame_bytes or not hello.outputs:
            raise DeviceError(
                f"{self._name} greets with {room} bytes for a piece of a frame, rows of {hello.row_bytes}, "
                f"{hello.frame_bytes} bytes of inputs, {len(hello.outputs)} outputs; flash it again"
            )
        return hello

    def _ask(
        self, kind: Kind, payload: bytes, wanted: tuple[Kind, ...], timeout_s: float | None = None
    ) -> Message:
        """Sends a message and waits for its answer; asks again when told that it was damaged, or after the
        time-out (the link's, unless another is given)."""
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        self._sequence = (self._sequence + 1) & 0xFFFF
        question = Message(kind, self._sequence, payload).encode()
        heard = 0
        for attempt in range(self._tries):
            self._stats.repeats += attempt > 0
            self._write(question)
            deadline = time.monotonic() + timeout_s
            damaged = False
            while not damaged and time.monotonic() < deadline:
                data = self._read()
                heard += len(data)
                answer = None
                for message in self._parser.feed(data):
                    if message.sequence != self._sequence or answer is not None:
                        self._stats.stale += 1
                    elif message.kind == Kind.ERROR and message.payload[:1] == bytes([BoardError.DAMAGED]):
                        damaged = True
                    elif message.kind in wanted:
                        answer = message
                if answer is not None:
                    return answer
            if not damaged:
                self._parser.give_up()
        waited_s = timeout_s * self._tries
        if heard:
            raise DeviceError(
                f"{self._name} sends bytes but no answer to {kind.name} ({waited_s:.0f} s); "
                "does it run tinytracker's firmware at this baud rate?"
            )
        raise DeviceError(
            f"{self._name} is silent ({waited_s:.0f} s); is the firmware running, is it the right port?"
        )

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise DeviceError(f"{self._name} takes no bytes ({error}); was it unplugged?") from error

    def _read(self) -> bytes:
        try:
            return self._port.read(self._port.in_waiting or 1)
        except OSError as error:
            raise DeviceError(f"{self._name} cannot be read ({error}); was it unplugged?") from error


def _reason(answer: Message) -> str:
    code = answer.payload[0] if answer.payload else 0
    return BoardError(code).name.lower().replace("_", " ") if code in set(BoardError) else f"error {code}"
