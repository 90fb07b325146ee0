"""What networks cost on microcontrollers: instructions counted by emulation, bytes by the linker, cycles
by estimate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.compiler.compile import CompiledModel, compile_model
from tinytracker.compiler.emit import describe
from tinytracker.compiler.kernels import Kernel
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.errors import MissingExtraError
from tinytracker.progress import Progress, no_progress
from tinytracker.targets.mcu.board import Board, Fit, fit
from tinytracker.targets.mcu.machines import MACHINES, Machine
from tinytracker.targets.mcu.qemu import Measurement, measure
from tinytracker.tflite.graph import macs

SAMPLES = 3
CHANNEL_BYTES = (
    9  # of parameters per output channel that exactness wants: bias and multiplier of 4, shift of 1
)
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, slots=True)
class CoreCost:
    """A network on an emulated machine.

    compiled_for: a core of `cpu.CPUS`, usually the machine's own. instructions: mean over the samples,
    emulated.
    model_flash_bytes, ram_bytes: by the linker, with the stack as measured; ram_bytes is what rows pushed as
    they come need where that can be, else with the input buffers. weights_bytes: of int8 weights;
    parameters_bytes: these and what the arithmetic wants per output channel. same_bytes: how many of
    `samples` gave the bytes that TensorFlow Lite Micro's interpreter gives; None without it.
    """

    model: str
    machine: Machine
    compiled_for: str
    macs: int
    instructions: float
    model_flash_bytes: int
    weights_bytes: int
    parameters_bytes: int
    ram_bytes: int
    stack_bytes: int
    samples: int
    same_bytes: int | None

    @property
    def instructions_per_mac(self) -> float:
        return self.instructions / self.macs


@dataclass(frozen=True, slots=True)
class BoardCost:
    """A network on a board: does it fit, and about how long does it take (*estimated*)."""

    cost: CoreCost
    board: Board
    fit: Fit

    @property
    def milliseconds(self) -> float:
        return self.board.milliseconds(self.cost.instructions)


def bench(
    path: Path,
    name: str,
    machine: Machine,
    samples: int = SAMPLES,
    cpu: str | None = None,
    kernels: Sequence[Kernel] = KERNELS,
) -> CoreCost:
    """Compiles a .tflite for a machine's core, or another `cpu` whose code it runs, and runs it on seeded
    inputs; raises TargetError, ModelError."""
    compiled = compile_model(path.read_bytes(), name, cpu or machine.cpu, kernels=kernels)
    inputs = random_inputs(compiled, samples)
    measured = measure(compiled.files, machine, inputs)
    return CoreCost(
        model=name,
        machine=machine,
        compiled_for=compiled.cpu.name,
        macs=sum(macs(compiled.source, op) for op in compiled.source.ops),
        instructions=float(measured.instructions.mean()),
        model_flash_bytes=measured.firmware.model_flash_bytes,
        weights_bytes=weights_bytes(compiled),
        parameters_bytes=weights_bytes(compiled) + CHANNEL_BYTES * channels(compiled),
        ram_bytes=measured.ram_bytes,
        stack_bytes=measured.stack_bytes,
        samples=samples,
        same_bytes=_same_as_tflm(path, inputs, measured),
    )


def bench_boards(
    networks: Sequence[tuple[str, Path]], boards: Sequence[Board], progress: Progress = no_progress
) -> list[BoardCost]:
    """Every network on every board; instructions from the emulated machine with the board's core."""
    machine_of = {machine.cpu: machine for machine in MACHINES.values()}
    cores = sorted({board.cpu for board in boards})
    costs: dict[tuple[str, str], CoreCost] = {}
    for name, path in networks:
        for core in cores:
            costs[name, core] = bench(path, name, machine_of[core], samples=1)
            progress(len(costs), len(networks) * len(cores))
    rows = []
    for board in boards:
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
    """Bytes of the int8 weights in the file, shared ones once: what no compiler can do without, but for
    zeros."""
    graph = compiled.source
    return sum(graph[number].bytes for number in _weights(compiled))


def channels(compiled: CompiledModel) -> int:
    """Output channels of all weighted layers, of shared weights once."""
    graph = compiled.source
    return sum(
        graph[number].shape[3 if kind == "DEPTHWISE_CONV_2D" else 0]
        for number, kind in _weights(compiled).items()
    )


def _weights(compiled: CompiledModel) -> dict[int, str]:
    """Tensor -> kind of its operator."""
    return {op.inputs[1]: op.kind for op in compiled.source.ops if op.kind in _WEIGHTED}


def instructions_by_step(path: Path, name: str, machine: Machine) -> list[tuple[str, float]]:
    """(what the step is, its instructions, emulated) for every step of a network that is compiled for a
    machine's core.

    The program is built once per step, with the calls of later steps left out; differences are the steps'
    own.
    """
    compiled = compile_model(path.read_bytes(), name, machine.cpu)
    inputs = random_inputs(compiled, 1)
    counts, done = [], 0.0
    for index, step in enumerate(compiled.schedule.steps):
        files = dict(compiled.files)
        source = f"{compiled.prefix}.c"
        files[source] = _CALL.sub(lambda call: call[0] if int(call[1]) <= index else "", files[source])  # noqa: B023
        total = float(measure(files, machine, inputs).instructions.mean())
        counts.append((describe(step, compiled.graph), total - done))
        done = total
    return counts


_CALL = re.compile(r"^    gm_step(\d+)\(base\);\n", re.MULTILINE)


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
