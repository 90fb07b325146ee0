"""The protocol of a measurement: warm-up, a first run that says how many inferences last ten seconds, then
five blocks on five inputs, each after a second of idling."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tinytracker.costs.figures import SHORTEST_BLOCK_S
from tinytracker.costs.meters.protocol import Recording
from tinytracker.costs.trace import Window
from tinytracker.costs.windows import BLOCKS
from tinytracker.errors import DeviceError
from tinytracker.progress import Progress, no_progress

IDLE_S = 1.0
FIRST_RUN_S = 0.3
LONGER = 1.1  # than the rule wants: clocks differ, and a first run is short


class Board(Protocol):
    """What runs blocks of inferences. load: makes input `number` the one of the blocks to come. run: computes
    it `count` times, with the marker around them if `marked`; gives the seconds by the board's own clock.
    Both raise DeviceError."""

    name: str

    def load(self, number: int) -> None: ...

    def run(self, count: int, marked: bool) -> float: ...


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: inferences in each block, and its seconds by the board's clock."""

    inferences: int
    board_s: tuple[float, ...]


def inferences_per_block(board: Board, shortest_s: float = SHORTEST_BLOCK_S) -> int:
    """How many inferences last `shortest_s`, from runs that do not count. Raises DeviceError if the board's
    clock stands still."""
    count = 1
    while (spent_s := board.run(count, marked=False)) < min(FIRST_RUN_S, shortest_s):
        if spent_s <= 0 and count > 1 << 20:
            raise DeviceError(f"{board.name} counts no time: its firmware must be built with a counter")
        count *= 4
    return max(1, math.ceil(shortest_s * LONGER * count / spent_s))


def run_blocks(
    board: Board,
    recording: Recording | None = None,
    blocks: int = BLOCKS,
    shortest_s: float = SHORTEST_BLOCK_S,
    idle_s: float = IDLE_S,
    progress: Progress = no_progress,
    wait: Callable[[float], None] = time.sleep,
) -> Run:
    """Runs the whole protocol. recording: of the meter, which gets the blocks by this computer's clock in
    case no marker is wired. Raises DeviceError, also as soon as the meter is gone."""
    board.load(0)
    board.run(1, marked=False)
    count = inferences_per_block(board, shortest_s)
    board_s = []
    for number in range(blocks):
        board.load(number)
        wait(idle_s)
        begin_s = recording.now_s() if recording is not None else 0.0
        board_s.append(board.run(count, marked=True))
        if recording is not None:
            recording.add_block(Window(begin_s, recording.now_s()))
            if recording.failed:
                break
        progress(number + 1, blocks)
    wait(idle_s)
    return Run(count, tuple(board_s))
