"""What networks cost on microcontrollers: instructions counted by emulation, bytes by the linker, cycles by estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.errors import MissingExtraError
from tinytracker.targets.mcu.compiler import CompiledModel, compile_model
from tinytracker.targets.mcu.graph import macs
from tinytracker.targets.mcu.limits import BOARDS, Board, Fit, fit
from tinytracker.targets.mcu.machines import MACHINES, Machine
from tinytracker.targets.mcu.qemu import Measurement, measure

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """A network on an emulated machine.

    instructions: mean over the samples, emulated. model_flash_bytes, ram_bytes: by the linker, with the stack as measured;
    ram_bytes is what rows pushed as they come need where that can be, else with the input buffers. same_bytes: how many of
    `samples` gave the bytes that TensorFlow Lite Micro's interpreter gives; None without it.
    """

    model: str
    machine: Machine
    macs: int
    instructions: float
    model_flash_bytes: int
    weights_bytes: int
    ram_bytes: int
    stack_bytes: int
    input_bytes: int
    samples: int
    same_bytes: int | None

    @property
    def instructions_per_mac(self) -> float:
        return self.instructions / self.macs


@dataclass(frozen=True, slots=True)
class BoardCost:
    """A network on a board: does it fit, and about how long does it take (*estimated*)."""

    cost: Cost
    board: Board
    fit: Fit

    @property
    def milliseconds(self) -> float:
        return self.board.milliseconds(self.cost.instructions)


def bench(path: Path, name: str, machine: Machine, samples: int = SAMPLES) -> Cost:
    """Compiles a .tflite for a machine's core and runs it on seeded inputs; raises TargetError, ModelError."""
    compiled = compile_model(path.read_bytes(), name, machine.cpu)
    inputs = random_inputs(compiled, samples)
    measured = measure(compiled.files, machine, inputs)
    return Cost(
        model=name,
        machine=machine,
        macs=sum(macs(compiled.source, op) for op in compiled.source.ops),
        instructions=float(measured.instructions.mean()),
        model_flash_bytes=measured.firmware.model_flash_bytes,
        weights_bytes=weights_bytes(compiled),
        ram_bytes=measured.ram_bytes,
        stack_bytes=measured.stack_bytes,
        input_bytes=sum(compiled.graph[number].bytes for number in compiled.graph.inputs),
        samples=samples,
        same_bytes=_same_as_tflm(path, inputs, measured),
    )


def bench_boards(
    networks: Sequence[tuple[str, Path]], progress: Callable[[int, int], None] = lambda done, total: None
) -> list[BoardCost]:
    """Every network on every board of `limits.BOARDS`; instructions from the emulated machine with the board's core."""
    machine_of = {machine.cpu: machine for machine in MACHINES.values()}
    cores = sorted({board.cpu for board in BOARDS.values()})
    costs: dict[tuple[str, str], Cost] = {}
    for name, path in networks:
        for core in cores:
            costs[name, core] = bench(path, name, machine_of[core], samples=1)
            progress(len(costs), len(networks) * len(cores))
    rows = []
    for board in BOARDS.values():
        for name, _ in networks:
            cost = costs[name, board.cpu]
            rows.append(BoardCost(cost, board, fit(board, cost.model_flash_bytes, cost.ram_bytes)))
    return rows


def random_inputs(compiled: CompiledModel, samples: int) -> list[list[np.ndarray]]:
    """Seeded int8 inputs, uniform over all values."""
    rng = np.random.default_rng(2307)
    shapes = [compiled.graph[number].shape for number in compiled.graph.inputs]
    return [[rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes] for _ in range(samples)]


def weights_bytes(compiled: CompiledModel) -> int:
    """Bytes of the int8 weights in the file: what no compiler can do without, but for zeros."""
    graph = compiled.source
    weighted = [op for op in graph.ops if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]
    return sum(graph[number].bytes for number in {op.inputs[1] for op in weighted})


def _same_as_tflm(path: Path, inputs: list[list[np.ndarray]], measured: Measurement) -> int | None:
    from tinytracker.engines.tflite_micro import TfliteMicroEngine

    try:
        oracle = TfliteMicroEngine(path)
    except MissingExtraError:
        return None
    if any(spec.dtype != "int8" for spec in (*oracle.inputs, *oracle.outputs)):
        return None  # float ends: the board's bytes are those in front of them
    expected = [np.concatenate([output.reshape(-1) for output in oracle.invoke(sample)]) for sample in inputs]
    return sum(map(np.array_equal, measured.outputs, expected))
