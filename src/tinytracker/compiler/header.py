"""gaze_model.h: the network's sizes, shapes and scales as macros, and its functions."""

from __future__ import annotations

import re

import numpy as np

from tinytracker.compiler.plan import Plan
from tinytracker.tflite.graph import Graph, Tensor


def header(graph: Graph, plan: Plan, prefix: str, digest: str, streams: bool, keep_input: bool) -> str:
    """The header's text. streams: rows can be pushed. digest, keep_input: as of `emit.emit`."""
    upper = prefix.upper()
    lines = [
        title(graph),
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define {upper}_HASH 0x{digest[:8].upper()}U /* the first 32 bits of the .tflite file's SHA-256 */",
        f"#define {upper}_WORK_BYTES {plan.work_bytes} /* of the arena: all but the input buffers */",
        f"#define {upper}_ARENA_BYTES {plan.arena_bytes} /* with the input buffers, for {prefix}_input and "
        f"{prefix}_invoke */",
        f"#define {upper}_ARENA_ALIGN 8",
        f"#define {upper}_ROWS {int(streams)} /* 1: rows can be pushed as they come */",
        "",
        f"#define {upper}_INPUTS {len(graph.inputs)}",
    ]
    for place, number in enumerate(graph.inputs):
        tensor = graph[number]
        height, width, channels = tensor.hwc
        lines += [
            *_tensor_lines(f"{upper}_INPUT_{place}", tensor),
            f"#define {upper}_INPUT_{place}_HEIGHT {height}",
            f"#define {upper}_INPUT_{place}_WIDTH {width}",
            f"#define {upper}_INPUT_{place}_CHANNELS {channels}",
            *_scale_lines(f"{upper}_INPUT_{place}", tensor.scale, tensor.zero_point),
        ]
    lines += ["", f"#define {upper}_OUTPUTS {len(graph.outputs)}"]
    for place, number in enumerate(graph.outputs):
        tensor = graph[number]
        lines += [
            *_tensor_lines(f"{upper}_OUTPUT_{place}", tensor),
            *_scale_lines(f"{upper}_OUTPUT_{place}", tensor.scale, tensor.zero_point),
        ]
    lines += [
        "",
        "/* For tables of all inputs or outputs: DO(n) for each, in order. */",
        *_each_lines(f"{upper}_EACH_INPUT", len(graph.inputs)),
        *_each_lines(f"{upper}_EACH_OUTPUT", len(graph.outputs)),
        "",
        f"/* arena: {upper}_ARENA_BYTES of the caller's, aligned to {upper}_ARENA_ALIGN; one per thread "
        f"that computes. */",
        "",
        "/* Where input number `index` is to be laid, in the order (height, width, channel); 0 if there is "
        "no such input. */",
        f"int8_t *{prefix}_input(void *arena, int index);",
        "",
        "/* Computes. The inputs stay as they are. */"
        if keep_input
        else "/* Computes. The inputs are overwritten. */",
        f"void {prefix}_invoke(void *arena);",
        "",
        "/* Output number `index`, until the next begin or invoke; 0 if there is no such output. */",
        f"const int8_t *{prefix}_output(const void *arena, int index);",
    ]
    if streams:
        lines += [
            "",
            f"/* Instead of input and invoke, with an arena of {upper}_WORK_BYTES: begin, then every row of "
            f"the image from the",
            "   top, any number at a time, then finish. More rows than the image has are ignored. */",
            f"void {prefix}_begin(void *arena);",
            f"void {prefix}_push_rows(void *arena, const int8_t *rows, int count);",
            f"void {prefix}_finish(void *arena);",
        ]
    lines += ["", "#ifdef __cplusplus", "}", "#endif", "", f"#endif /* {upper}_H */", ""]
    return "\n".join(lines)


def _each_lines(name: str, count: int) -> list[str]:
    return [f"#define {name}(DO) {' '.join(f'DO({place})' for place in range(count))}".rstrip()]


def title(graph: Graph) -> str:
    """The first line of every file."""
    name = re.sub(r"[^ -~]|\*/", "_", graph.name)
    return f"/* {name}: an int8 network as C. Made by tinytracker; not to be edited. */"


def _tensor_lines(stem: str, tensor: Tensor) -> list[str]:
    name = re.sub(r'[^ -~]|["\\]', "_", tensor.name)
    return [
        f'#define {stem}_NAME "{name}"',
        f"#define {stem}_SHAPE {{{', '.join(map(str, tensor.shape))}}}",
        f"#define {stem}_BYTES {tensor.bytes}",
    ]


def _scale_lines(stem: str, scale: float, zero_point: int) -> list[str]:
    """real = SCALE * (integer - ZERO_POINT)"""
    text = repr(float(np.float32(scale).item()))
    return [f"#define {stem}_SCALE {text}f", f"#define {stem}_ZERO_POINT ({zero_point})"]
