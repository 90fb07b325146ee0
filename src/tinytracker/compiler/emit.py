"""gaze_model.h, gaze_model.c and, where a kernel wants assembly, gaze_model.S: text, the same for the same
input."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np

from tinytracker.compiler.header import header, title
from tinytracker.compiler.kernels import Match, Step
from tinytracker.compiler.plan import Places, Plan
from tinytracker.tflite.graph import Graph

WIDTH = 120  # of lines, as far as expressions allow
ROWS_HEADER_BYTES = 8  # at the arena's beginning: how many rows have come, where rows can be pushed
_C_TYPES = {
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
}
_NEEDS = re.compile(r"// needs: ([\w ]+)\n")


@dataclass(frozen=True, slots=True)
class Emitted:
    """files: name -> text. table_bytes: step -> bytes of const tables and records its kernel added,
    weights included."""

    files: dict[str, str]
    table_bytes: tuple[int, ...]


@dataclass(slots=True)
class _Writer:
    """What a kernel writes its step with (`kernels.Writer`), and all that has been written."""

    places: Places = field(default_factory=lambda: Places({}, {}, {}))
    tables: list[str] = field(default_factory=list)
    names: dict[tuple[str, bytes], str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    supports: list[str] = field(default_factory=list)
    assemblies: list[str] = field(default_factory=list)
    table_bytes: int = 0

    def pointer(self, tensor: int) -> str:
        if tensor in self.places.writes:
            return f"(arena + {self.places.writes[tensor]})"
        return self.read_pointer(tensor)

    def read_pointer(self, tensor: int) -> str:
        return f"(arena + {self.places.reads[tensor]})"

    def scratch(self, name: str, ctype: str = "int8_t") -> str:
        place = f"(arena + {self.places.scratch[name]})"
        return place if ctype == "int8_t" else f"(({ctype} *)(void *){place})"

    def table(self, stem: str, values: np.ndarray, comment: str = "") -> str:
        flat = np.ascontiguousarray(values).reshape(-1)
        ctype = _C_TYPES[str(flat.dtype)]
        key = (ctype, flat.tobytes())
        if key in self.names:
            return self.names[key]
        name = self._unused(stem)
        self.names[key] = name
        self.table_bytes += flat.nbytes
        lines = _numbers(flat)
        self.tables.append(
            f"{f'/* {comment} */' if comment else ''}GM_TABLE({ctype}, {name}, {flat.size}) = "
            f"{{\n{lines}\n}};"
        )
        return name

    def record(self, ctype: str, stem: str, fields: str) -> str:
        key = (ctype, fields.encode())
        if key in self.names:
            return self.names[key]
        name = self._unused(stem)
        self.names[key] = name
        self.table_bytes += 4 * (fields.count(",") + 1)
        self.tables.append(_wrapped(f"static const {ctype} {name} = {fields};"))
        return name

    def support(self, *names: str) -> None:
        for name in names:
            if name not in self.supports:
                needs = _NEEDS.match(_source(f"{name}.c"))
                if needs is not None:
                    self.support(*needs[1].split())
                self.supports.append(name)

    def assembly(self, *names: str) -> None:
        for name in names:
            if name not in self.assemblies:
                self.assemblies.append(name)
            self.support(name)

    def _unused(self, stem: str) -> str:
        name, number = f"gm_{stem}", 1
        while name in self.used:
            number += 1
            name = f"gm_{stem}_{number}"
        self.used.add(name)
        return name


def rows_can_be_pushed(graph: Graph, steps: Sequence[Match]) -> bool:
    """Whether the network's first step reads its only input row by row and no other reads it at all."""
    if len(graph.inputs) != 1 or not steps or not steps[0].streams:
        return False
    image = graph.inputs[0]
    return (
        set(steps[0].reads) == {image}
        and all(image not in step.reads for step in steps[1:])
        and image not in graph.outputs
    )


def emit(
    graph: Graph, steps: Sequence[Match], plan: Plan, prefix: str, digest: str, keep_input: bool = True
) -> Emitted:
    """digest: hexadecimal SHA-256 of the .tflite file. keep_input: as the plan was made."""
    writer = _Writer()
    functions, sizes = [], []
    for index, (match, places) in enumerate(zip(steps, plan.steps, strict=True)):
        writer.places, before = places, writer.table_bytes
        step = match.kernel.emit(match, graph, writer)
        functions.append(_step_function(index, match, graph, step, places))
        sizes.append(writer.table_bytes - before)
    streams = rows_can_be_pushed(graph, steps)
    files = {
        f"{prefix}.h": header(graph, plan, prefix, digest, streams, keep_input),
        f"{prefix}.c": _source_file(graph, plan, prefix, writer, functions, streams),
    }
    if writer.assemblies:
        files[f"{prefix}.S"] = "\n".join(_source(f"{name}.S") for name in writer.assemblies)
    return Emitted(files, tuple(sizes))


@cache
def _source(name: str) -> str:
    return (resources.files("tinytracker.compiler") / "c" / name).read_text(encoding="utf-8")


def _numbers(values: np.ndarray) -> str:
    """Lines of numbers, at most 120 characters wide."""
    texts = [str(value) if value != -(2**31) else "(-2147483647 - 1)" for value in values.tolist()]
    per_line = max(1, 114 // (max(map(len, texts), default=1) + 2))
    return "\n".join(
        "    " + ", ".join(texts[at : at + per_line]) + "," for at in range(0, len(texts), per_line)
    )


def _wrapped(text: str) -> str:
    """A long line of C or of a comment as several."""
    return textwrap.fill(
        text, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _indented(text: str, depth: int = 1) -> str:
    return "\n".join("    " * depth + line if line else line for line in text.splitlines())


def describe(match: Match, graph: Graph) -> str:
    """What a step is, for a comment: its layers, shapes and kernel."""
    ops = graph.ops[match.first : match.first + match.count]
    layers = ", ".join(f"layer {op.number} {op.kind}" for op in ops) or "rearranging"
    shapes = [
        " + ".join(f"{'x'.join(map(str, graph[number].shape))} {layout}" for number, layout in side.items())
        for side in (match.reads, match.writes)
    ]
    return f"{layers}: {shapes[0] or 'constants'} -> {shapes[1]}; {match.kernel.name}"


def _step_function(index: int, match: Match, graph: Graph, step: Step, places: Places) -> str:
    comment = _wrapped(f"/* Step {index}. {describe(match, graph)} */") + "\n"
    if not match.streams:
        if not step.code:
            return ""
        return f"{comment}static void gm_step{index}(int8_t *arena) {{\n{_indented(step.code)}\n}}"
    (source,) = (number for number in match.reads)
    height, width, channels = graph[source].hwc
    head = f"static void gm_step{index}_row(int8_t *arena, const int8_t *row, int32_t y)"
    row = f"{comment}{head} {{\n{_indented(step.row)}\n}}\n"
    return (
        f"{row}\nstatic void gm_step{index}(int8_t *arena) {{\n"
        f"    for (int32_t y = 0; y < {height}; y++) {{\n"
        f"        gm_step{index}_row(arena, arena + {places.reads[source]} + y * {width * channels}, y);\n  "
        f"  }}\n}}"
    )


# What clang-tidy's bugprone set says beyond these three is kept to. An offset is below the arena's size, far
# from 2^31.
_LINT = (
    "bugprone-easily-swappable-parameters,bugprone-implicit-widening-of-multiplication-result,"
    "bugprone-signed-char-misuse"
)
_ASSEMBLY_GUARD = """#if defined(__arm__) && !defined(__ARM_FEATURE_DSP)
#error "this network was compiled for a core with the DSP extension (Cortex-M4, M7, M33, M55); export it with --cpu portable"
#endif
#if defined(__ARM_BIG_ENDIAN)
#error "this network was compiled for a little-endian core; export it with --cpu portable"
#endif"""  # noqa: E501
_PREAMBLE = """#if defined(__GNUC__)
#define GM_TABLE(type, name, count) static const type name[count] __attribute__((aligned(4)))
#else
#define GM_TABLE(type, name, count) static const type name[count]
#endif"""


def _source_file(
    graph: Graph, plan: Plan, prefix: str, writer: _Writer, functions: list[str], streams: bool
) -> str:
    guards = [_ASSEMBLY_GUARD] if writer.assemblies else []
    supports = [_NEEDS.sub("", _source(f"{name}.c")).strip() for name in writer.supports]
    parts = [
        title(graph),
        f"/* NOLINTBEGIN({_LINT}) */",
        f'#include "{prefix}.h"',
        *guards,
        _PREAMBLE,
        *supports,
        *writer.tables,
        *(function for function in functions if function),
        _public_functions(graph, plan, prefix, functions, streams),
        f"/* NOLINTEND({_LINT}) */",
    ]
    return "\n\n".join(parts) + "\n"


def _public_functions(graph: Graph, plan: Plan, prefix: str, functions: list[str], streams: bool) -> str:
    calls = [f"    gm_step{index}(base);" for index, function in enumerate(functions) if function]
    parts = [
        _selector(
            f"int8_t *{prefix}_input(void *arena, int index)",
            "int8_t",
            "",
            [plan.inputs[n] for n in graph.inputs],
        ),
        _selector(
            f"const int8_t *{prefix}_output(const void *arena, int index)",
            "const int8_t",
            "const ",
            [plan.outputs[n] for n in graph.outputs],
        ),
    ]
    if streams:
        height, width, channels = graph[graph.inputs[0]].hwc
        rest = "\n".join(calls[1:])
        parts += [
            f"void {prefix}_begin(void *arena) {{\n    *(int32_t *)arena = 0; /* rows that have come */\n}}",
            f"void {prefix}_push_rows(void *arena, const int8_t *rows, int count) {{\n"
            f"    int32_t y = *(int32_t *)arena;\n"
            f"    for (int row = 0; row < count && y < {height}; row++, y++, rows += {width * channels}) {{\n"
            f"        gm_step0_row((int8_t *)arena, rows, y);\n    }}\n"
            f"    *(int32_t *)arena = y;\n}}",
            f"void {prefix}_finish(void *arena) {{\n"
            + (f"    int8_t *base = (int8_t *)arena;\n{rest}" if rest else "    (void)arena;")
            + "\n}",
        ]
    body = "\n".join(calls) if calls else "    (void)base;"
    parts.append(f"void {prefix}_invoke(void *arena) {{\n    int8_t *base = (int8_t *)arena;\n{body}\n}}")
    return "\n\n".join(parts)


def _selector(head: str, ctype: str, const: str, offsets: list[int]) -> str:
    lines = [f"{head} {{", f"    {const}int8_t *base = ({ctype} *)arena;", "    switch (index) {"]
    for place, offset in enumerate(offsets):
        lines += [f"    case {place}:", f"        return base + {offset};"]
    lines += ["    default:", "        return 0;", "    }", "}"]
    return "\n".join(lines)
