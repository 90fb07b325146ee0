"""Kernels: each knows which layers it computes exactly, what that costs, and the C that does it.

A kernel covers one operator or a run of neighbouring ones (`graph.ops[first:first + count]`); what lies
between the operators of a run never becomes a tensor in memory. `schedule.py` asks every kernel about every
place, and takes the cheapest way through the network; `emit.py` then has each chosen kernel write its step.

    class MyKernel:
        name = "my-kernel"                                   # stands in the report
        def offers(self, graph, first, cpu) -> list[Match]   # none: not mine, or not exactly
        def emit(self, match, graph, writer) -> Step         # the C

Several offers are of several layouts, or of longer runs.

**The first law: exact or not at all.** A kernel offers nothing unless its result equals tflite-micro's in
every bit for every input. `quant.py` has the arithmetic (`requantization(graph, op)`: multiplier, shift, bias
and clamp per channel, and the greatest accumulator that any input can cause, by which a kernel proves that
nothing overflows).

**Memory.** Activations are int8 in the arena, in the layouts a match names (`layout.Layout`); every tensor
and scratch buffer begins at a multiple of `ALIGNMENT` bytes, and a tensor's last word may be read past its
end (`SLACK` bytes), never written. Inputs of a step stay as they are, unless the match says it writes an
output over one (`overwrites`). Weights and parameters are the kernel's own: it lays them out as it likes in
const tables.

**C.** C99 without libc, libm, heap, or writable globals; clean under -Wall -Wextra -Wconversion -Wshadow
-pedantic; no undefined behaviour (left shifts of negative numbers are multiplications, overflow is excluded
by the match). Words are int8_t and int32_t only, so that memory is never seen as two types. Functions that
several layers share stand in `compiler/c/NAME.c`, one small static function or a few that always go together
per file, and are asked for with `writer.support("NAME")`; every name begins with `gm_`. A kernel may also ask
for assembly: `writer.assembly("NAME")` takes `compiler/c/NAME.S` into gaze_model.S, with its prototype in
`NAME.c`.

**Rows.** A step whose match has `streams=True` reads its one data input row by row, in order: the kernel
emits the statements for ONE row in `Step.row`, with `const int8_t *row` (the row in the layout the match
reads) and `int32_t y` in scope, instead of `Step.code`; all state between rows is in scratch and follows from
y. If such a step is the network's first and reads its only input, rows can be pushed as they come and the
whole image is never held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph

ALIGNMENT = 8  # bytes; of every tensor and scratch buffer in the arena
SLACK = 8  # bytes that may be read behind any buffer of the arena


@dataclass(frozen=True, slots=True)
class Scratch:
    """Memory a step needs while it runs. name: the kernel's own; bytes: how much."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Match:
    """A kernel's offer for graph.ops[first:first + count].

    reads, writes: computed tensors that go in and come out, with the layout each has or shall have.
    instructions: estimated instructions per inference on the core asked for; the schedule adds them up.
    scratch: freed when the step is over. overwrites: output -> input that it may share its memory with, each
    element being read for the last time before its place is written. views: output -> input that it is the
    same bytes of. streams: see "Rows" above. note: for the report, in a few words.
    detail: whatever the kernel wants to find again when it emits.
    """

    kernel: Kernel
    first: int
    count: int
    reads: Mapping[int, Layout]
    writes: Mapping[int, Layout]
    instructions: int
    scratch: tuple[Scratch, ...] = ()
    overwrites: Mapping[int, int] = field(default_factory=dict)
    views: Mapping[int, int] = field(default_factory=dict)
    streams: bool = False
    note: str = ""
    detail: object = None


@dataclass(frozen=True, slots=True)
class Step:
    """code: C statements of the whole step, or row: of one row of it (see "Rows"). Indented by nothing;
    emit.py wraps them."""

    code: str = ""
    row: str = ""


class Writer(Protocol):
    """What emit.py hands to a kernel that writes its step."""

    def pointer(self, tensor: int) -> str:
        """C expression of type `int8_t *`: where a tensor lies in the arena, in the layout the match reads
        or writes it."""

    def read_pointer(self, tensor: int) -> str:
        """The same for a tensor that the step reads in one layout and writes in another."""

    def scratch(self, name: str, ctype: str = "int8_t") -> str:
        """C expression of type `ctype *`: a scratch buffer of this step."""

    def table(self, stem: str, values: np.ndarray, comment: str = "") -> str:
        """Adds a const table (its C type follows from the dtype: int8, int16, int32, uint8, uint16, uint32)
        aligned to 4 bytes; gives its name. Equal tables are stored once."""

    def record(self, ctype: str, stem: str, fields: str) -> str:
        """Adds `static const ctype NAME = {fields};`; gives its name. The type is declared by a support
        file."""

    def support(self, *names: str) -> None:
        """Takes `c/NAME.c` into the file, once, after the support files it needs itself (its first lines say
        `// needs: OTHER ...`)."""

    def assembly(self, *names: str) -> None:
        """Takes `c/NAME.S` into gaze_model.S, once, and `c/NAME.c` with its prototypes as support."""


class Kernel(Protocol):
    """See the module's text."""

    name: str

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]: ...

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step: ...
