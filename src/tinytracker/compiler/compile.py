"""From the bytes of a .tflite to C, stage by stage."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinytracker.compiler.check import check
from tinytracker.compiler.cpu import Cpu, find_cpu
from tinytracker.compiler.emit import ROWS_HEADER_BYTES, emit
from tinytracker.compiler.kernels import Kernel
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.compiler.passes import opened, simplify
from tinytracker.compiler.plan import Plan, make_plan
from tinytracker.compiler.schedule import Schedule, make_schedule
from tinytracker.errors import UsageError
from tinytracker.files import write_text
from tinytracker.findings import refuse
from tinytracker.tflite.graph import Graph
from tinytracker.tflite.read import read_graph

PREFIX = "gaze_model"  # of files and symbols, unless another is asked for
LONGEST_PREFIX = 64
_PREFIX = re.compile(
    rf"(?!gm(?:_|$))[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_PREFIX - 1}}}", re.IGNORECASE | re.ASCII
)
_HEADERS = re.compile(
    "assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|"
    "stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time|uchar|wchar|wctype",
    re.IGNORECASE,
)
VERIFY = (
    "TINYTRACKER_VERIFY"  # set to anything in the environment: the graph is looked through after every pass
)


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """What a compilation gives.

    prefix: of the files' names and of all public names in them. files: name -> text of gaze_model.h,
    gaze_model.c and, where there is one, gaze_model.S. source: the graph as in the file, its float ends
    dropped and constants folded; graph: after the other passes, which `schedule` and `plan` are about.
    table_bytes: per step of the schedule, flash of its const tables.
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
    prefix: str = PREFIX,
    kernels: Sequence[Kernel] = KERNELS,
    keep_input: bool = True,
) -> CompiledModel:
    """Compiles a .tflite file's bytes for a core (`cpu.CPUS`).

    name: for comments and the report. prefix: of every public name in the C, so that two networks fit in one
    program.
    kernels: the ones to choose from. keep_input: False lets `invoke` overwrite the inputs, which saves their
    memory. Raises ModelError if the bytes are no .tflite, TargetError naming operator, layer and remedy if it
    cannot be compiled, UsageError for an unknown core or a prefix that is no C name.
    """
    core = find_cpu(cpu)
    if not _PREFIX.fullmatch(prefix) or _HEADERS.fullmatch(prefix):
        raise UsageError(
            f"{prefix!r} cannot begin C names and files; expected at most {LONGEST_PREFIX} letters, digits "
            "and underscores, a letter first, and neither gm, ours inside, nor a standard header's name"
        )
    verified = bool(os.environ.get(VERIFY))
    source = opened(read_graph(content, name), verified)
    refuse(check(source), f"{name} cannot be compiled")
    graph = simplify(source, verified)
    schedule = make_schedule(graph, kernels, core)
    plan = make_plan(graph, schedule.steps, ROWS_HEADER_BYTES, keep_input)
    emitted = emit(graph, schedule.steps, plan, prefix, hashlib.sha256(content).hexdigest(), keep_input)
    return CompiledModel(
        name, core, prefix, emitted.files, source, graph, schedule, plan, emitted.table_bytes
    )
