"""From the bytes of a .tflite to C, stage by stage."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import UsageError
from tinytracker.files import write_text
from tinytracker.targets.mcu import frontend
from tinytracker.targets.mcu.check import check
from tinytracker.targets.mcu.cpu import Cpu, find_cpu
from tinytracker.targets.mcu.emit import ROWS_HEADER_BYTES, emit
from tinytracker.targets.mcu.graph import Graph
from tinytracker.targets.mcu.kernels import Kernel
from tinytracker.targets.mcu.kernels.all import KERNELS
from tinytracker.targets.mcu.passes import drop_float_ends, fold_constants, simplify
from tinytracker.targets.mcu.plan import Plan, make_plan
from tinytracker.targets.mcu.schedule import Schedule, make_schedule


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """What a compilation gives.

    prefix: of the files' names and of all public names in them. files: name -> text of gaze_model.h, gaze_model.c and, where
    there is one, gaze_model.S. source: the graph as in the file, its float ends dropped and constants folded; graph: after
    the other passes, which `schedule` and `plan` are about. table_bytes: per step of the schedule, flash of its const tables.
    """

    name: str
    cpu: Cpu
    prefix: str
    files: dict[str, str]
    source: Graph
    graph: Graph
    schedule: Schedule
    plan: Plan
    table_bytes: tuple[int, ...]

    def write(self, folder: Path) -> list[Path]:
        """Writes the C into a folder, which is made; gives the files' paths."""
        paths = []
        for name, text in self.files.items():
            write_text(folder / name, text)
            paths.append(folder / name)
        return paths


def compile_model(
    content: bytes,
    name: str = "model",
    cpu: str = "portable",
    prefix: str = "gaze_model",
    kernels: Sequence[Kernel] = KERNELS,
    keep_input: bool = True,
) -> CompiledModel:
    """Compiles a .tflite file's bytes for a core (`cpu.CPUS`).

    name: for comments and the report. prefix: of every public name in the C, so that two networks fit in one program.
    kernels: the ones to choose from. keep_input: False lets `invoke` overwrite the inputs, which saves their memory.
    Raises ModelError if the bytes are no .tflite, TargetError naming operator, layer and remedy if it cannot be compiled,
    UsageError for an unknown core or a prefix that is no C name.
    """
    core = find_cpu(cpu)
    if not (prefix.isidentifier() and prefix.isascii()):
        raise UsageError(f"{prefix!r} cannot begin C names; expected letters, digits and underscores")
    source = fold_constants(drop_float_ends(frontend.read(content, name)))
    check(source)
    graph = simplify(source)
    schedule = make_schedule(graph, kernels, core)
    plan = make_plan(graph, schedule.steps, ROWS_HEADER_BYTES, keep_input)
    emitted = emit(graph, schedule.steps, plan, prefix, hashlib.sha256(content).hexdigest(), keep_input)
    return CompiledModel(name, core, prefix, emitted.files, source, graph, schedule, plan, emitted.table_bytes)
