"""What shapes an operator's outputs must have, worked out from its inputs: a file can lie, and a pass can
go wrong."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tinytracker.tflite.graph import Graph, Op, Window

Shape = tuple[int, ...]


class Misfit(Exception):
    """Inputs that do not go together, in words for a message."""


def shape_fault(graph: Graph, op: Op) -> str:
    """What is the matter with the shapes of an operator, as a phrase behind its name; "" where they fit, or
    where nothing is known of the operator."""
    rule = _RULES.get(op.kind)
    if rule is None:
        return ""
    found = [graph[number].shape for number in op.outputs]
    try:
        expected = rule(graph, op)
    except Misfit as misfit:
        return str(misfit)
    if op.kind == "FULLY_CONNECTED" and not op.attributes["keep_dims"]:
        found = [(prod(found[0][:-1]), *found[0][-1:])]  # TFLite's converter writes (1, n) and (n,) alike
    return (
        ""
        if found == expected
        else f"gives the shape {found[0]}, where {expected[0]} follows from its inputs"
    )


def _source(graph: Graph, op: Op) -> Shape:
    return graph[op.inputs[0]].shape


def _same(graph: Graph, op: Op) -> list[Shape]:
    return [_source(graph, op)]


def _slid(source: Shape, window: Window) -> tuple[int, int]:
    """Height and width of what a window gives that slides over a picture."""
    sides = []
    for axis in (0, 1):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        room = source[1 + axis] + window.before[axis] + window.after[axis] - reach
        if room < 0:
            raise Misfit(f"looks {reach} pixels far in a picture of {source}")
        sides.append(room // window.stride[axis] + 1)
    return sides[0], sides[1]


def _convolution(graph: Graph, op: Op) -> list[Shape]:
    assert op.window is not None
    source, weights = _source(graph, op), graph[op.inputs[1]].shape
    depthwise = op.kind == "DEPTHWISE_CONV_2D"
    if depthwise and weights[0] != 1:
        raise Misfit(f"has weights of the shape {weights}")
    if depthwise and source[3] * op.attributes["multiplier"] != weights[3]:
        raise Misfit(f"has {weights[3]} output channels for {source[3]} input channels")
    if not depthwise and (source[3] % weights[3] or weights[0] % (source[3] // weights[3])):
        raise Misfit(f"has {source[3]} input channels in groups of {weights[3]}")
    return [(source[0], *_slid(source, op.window), weights[3] if depthwise else weights[0])]


def _pool(graph: Graph, op: Op) -> list[Shape]:
    assert op.window is not None
    source = _source(graph, op)
    return [(source[0], *_slid(source, op.window), source[3])]


def _dense(graph: Graph, op: Op) -> list[Shape]:
    source, (outputs, depth) = _source(graph, op), graph[op.inputs[1]].shape
    if op.attributes["keep_dims"]:
        if not source or source[-1] != depth:
            raise Misfit(f"has weights for {depth} values, its input has the shape {source}")
        return [(*source[:-1], outputs)]
    if prod(source) % depth:
        raise Misfit(f"has weights for {depth} values, its input has {prod(source)}")
    return [(prod(source) // depth, outputs)]


def _broadcast(graph: Graph, op: Op) -> list[Shape]:
    one, other = (graph[number].shape for number in op.inputs[:2])
    rank = max(len(one), len(other))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (one, other)]
    if any(a != b and 1 not in (a, b) for a, b in zip(*padded, strict=True)):
        raise Misfit(f"takes the shapes {one} and {other}, which do not go together")
    return [tuple(b if a == 1 else a for a, b in zip(*padded, strict=True))]


def _pad(graph: Graph, op: Op) -> list[Shape]:
    before, after = op.attributes["before"], op.attributes["after"]
    return [tuple(sum(lengths) for lengths in zip(_source(graph, op), before, after, strict=True))]


def _concatenation(graph: Graph, op: Op) -> list[Shape]:
    axis, shapes = op.attributes["axis"], [graph[number].shape for number in op.inputs]
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(others) != 1 or len({len(shape) for shape in shapes}) != 1:
        raise Misfit(f"joins the shapes {', '.join(map(str, shapes))} along axis {axis}")
    first = shapes[0]
    return [(*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])]


def _mean(graph: Graph, op: Op) -> list[Shape]:
    axes, keep = op.attributes["axes"], op.attributes["keep_dims"]
    lengths = enumerate(_source(graph, op))
    return [tuple(1 if axis in axes else length for axis, length in lengths if keep or axis not in axes)]


def _reshape(graph: Graph, op: Op) -> list[Shape]:
    source, output = _source(graph, op), graph[op.outputs[0]].shape
    if prod(source) != prod(output):
        raise Misfit(f"makes the shape {output} of {source}")
    return [output]


def _transpose(graph: Graph, op: Op) -> list[Shape]:
    source = _source(graph, op)
    return [tuple(source[axis] for axis in op.attributes["permutation"])]


def _split(graph: Graph, op: Op) -> list[Shape]:
    source, axis, parts = graph[op.inputs[1]].shape, op.attributes["axis"], len(op.outputs)
    if source[axis] % parts:
        raise Misfit(f"splits the shape {source} into {parts} parts along axis {axis}")
    return [(*source[:axis], source[axis] // parts, *source[axis + 1 :])] * parts


def _slice(graph: Graph, op: Op) -> list[Shape]:
    bounds = zip(*(op.attributes[key] for key in ("begin", "end", "strides")), strict=True)
    return [tuple(max(0, -(-(end - begin) // stride)) for begin, end, stride in bounds)]


_RULES: dict[str, Callable[[Graph, Op], list[Shape]]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolution),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _pool),
    "FULLY_CONNECTED": _dense,
    **dict.fromkeys(("ADD", "SUB", "MUL"), _broadcast),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "CONCATENATION": _concatenation,
    "MEAN": _mean,
    "RESHAPE": _reshape,
    "TRANSPOSE": _transpose,
    "SPLIT": _split,
    **dict.fromkeys(("STRIDED_SLICE", "SLICE"), _slice),
    **dict.fromkeys(
        ("RELU", "RELU6", "HARD_SWISH", "LOGISTIC", "TANH", "SOFTMAX", "QUANTIZE", "DEQUANTIZE"), _same
    ),
}
