"""Blocks of inferences on a board at a serial port or an emulated one: what `tinytracker measure` meters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinytracker.compiler import compile_model
from tinytracker.costs.trace import Trace
from tinytracker.engines.serial_board import model_hash
from tinytracker.errors import DeviceError, UsageError
from tinytracker.link.link import TIMEOUT_S, BoardLink, open_port
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.open import BAUD, EMULATED_TIMEOUT_S, SERIAL, port_and_baud
from tinytracker.targets.mcu.qemu import Emulator

SEED = 2307
SLOWER = 3.0  # a block may take so much longer than the one before it says
EMULATED_SLOWER = 300.0  # than emulated time, on a busy computer
MARK_RATE_HZ = 1e5


@dataclass(slots=True)
class LinkedBoard:
    """A `costs.blocks.Board` behind the serial link. emulator: None for a real one. chain: blocks repeat the
    whole chain from the board's camera to the gaze, not the inference alone."""

    link: BoardLink
    name: str
    emulator: Emulator | None = None
    chain: bool = False
    _second_per_inference: float = 0.0
    _marks_us: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.link.hello.count_hz and self.emulator is None:
            raise DeviceError(
                f"{self.name} does not say how fast its counter runs; its firmware must count microseconds"
            )

    def load(self, number: int) -> None:
        """A seeded random input, another for each number."""
        random = np.random.default_rng((SEED, number))
        self.link.infer(
            [random.integers(-128, 128, tensor.bytes).astype(np.int8) for tensor in self.link.hello.inputs]
        )

    def run(self, count: int, marked: bool) -> float:
        expected_s = self._second_per_inference * count
        slower = SLOWER if self.emulator is None else EMULATED_SLOWER
        spent_s = (
            self.link.run_block(count, marked, self.link.timeout_s + slower * expected_s, self.chain)
            / self._counts_a_second
        )
        self._second_per_inference = spent_s / count
        if marked and self.emulator is not None:
            self._marks_us += self.emulator.marks_us()
        return spent_s

    @property
    def _counts_a_second(self) -> float:
        """An emulated instruction takes a nanosecond."""
        return self.link.hello.count_hz if self.emulator is None else 1e9

    def marker_trace(self) -> Trace:
        """The emulated marker as a meter would record it: pulses, and no power. Raises DeviceError if none
        came."""
        if not self._marks_us:
            raise DeviceError(f"{self.name} logged no marker")
        edges = np.rint(np.array(self._marks_us) / 1e6 * MARK_RATE_HZ).astype(np.int64) + 1
        marks = np.ones(int(edges[-1]) + 100, np.uint8)
        marks[edges] = 0
        return Trace(np.full(len(marks), np.nan, np.float32), MARK_RATE_HZ, marks, meter="emulated marker")


@contextmanager
def open_blocks(board: str, path: Path, chain: bool = False) -> Iterator[LinkedBoard]:
    """The board that `board` names ("serial:PORT[@BAUD]" with firmware of this network, or "qemu-m4" and the
    like), while this context lasts; chain: see `LinkedBoard`. Raises DeviceError, TargetError, UsageError."""
    if not board.startswith(SERIAL) and board not in MACHINES:
        raise UsageError(
            f"there is no board {board!r}; expected host, serial:PORT, or an emulated one: "
            f"{', '.join(MACHINES)}"
        )
    with ExitStack() as stack:
        emulator = None
        if board.startswith(SERIAL):
            url, baud = port_and_baud(board.removeprefix(SERIAL))
        else:
            machine = MACHINES[board]
            compiled = compile_model(path.read_bytes(), path.stem, machine.cpu)
            emulator = stack.enter_context(Emulator(compiled.files, machine))
            url, baud = emulator.url, BAUD
        port = open_port(url, baud)
        stack.callback(port.close)
        link = BoardLink(port, board, TIMEOUT_S if emulator is None else EMULATED_TIMEOUT_S)
        if link.hello.model_hash != model_hash(path):
            raise DeviceError(
                f"{board} runs another network than {path.name}; give --model that one, or flash this one"
            )
        yield LinkedBoard(link, board, emulator, chain)
