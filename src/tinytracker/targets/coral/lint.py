"""Will the Edge TPU run this network whole? Layer by layer, against the compiler's documented limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tinytracker.findings import Finding, Severity
from tinytracker.targets.coral import limits
from tinytracker.targets.coral.rewrite import rewrite
from tinytracker.tflite.file import read_tflite
from tinytracker.tflite.graph import Activation, Graph, Op
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find_tflite


def lint(path: Path) -> list[Finding]:
    """Findings on an int8 .tflite or a released network, as the export rewrites it; raises ModelError if
    it is none."""
    found = find_tflite(path, "lint --target coral").path
    rewritten = rewrite(read_tflite(found), found.stem)
    notes = [
        Finding("model", Severity.NOTE, f"tinytracker export --target coral rewrites it: {change}")
        for change in rewritten.changes
    ]
    return [*lint_graph(read_graph(rewritten.content, found.stem)), *notes]


def lint_graph(graph: Graph) -> list[Finding]:
    """Findings in the order of the layers, those on the whole model first."""
    findings = [*_ends(graph), *_size(graph)]
    broken: Op | None = None
    for op in graph.ops:
        found = list(_operator(graph, op))
        findings += found
        if broken is None and any(finding.severity is Severity.ERROR for finding in found):
            broken = op
    if broken is not None:
        behind = len(graph.ops) - 1 - graph.ops.index(broken)
        message = f"{broken.layer} does not map, and the {behind} layers behind it run on the processor too"
        findings.insert(0, Finding("model", Severity.WARNING, message, "mend this layer first"))
    return findings


def _ends(graph: Graph) -> Iterator[Finding]:
    for what, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        for number in numbers:
            tensor = graph[number]
            if tensor.dtype not in ("int8", "uint8"):
                yield Finding(
                    "model",
                    Severity.ERROR,
                    f"its {what} {tensor.name} is {tensor.dtype}; the chip takes int8",
                    "quantise the network from end to end: tinytracker export does",
                )
            if any(length < 1 for length in tensor.shape):
                yield Finding(
                    "model",
                    Severity.ERROR,
                    f"its {what} {tensor.name} has the shape {tensor.shape}",
                    "export it with fixed sizes",
                )


def _size(graph: Graph) -> Iterator[Finding]:
    total = sum(tensor.bytes for tensor in graph.tensors.values() if tensor.is_constant)
    if total > limits.PARAMETER_BYTES:
        yield Finding(
            "model",
            Severity.WARNING,
            f"its parameters take {total:,} bytes, the chip keeps about "
            f"{limits.PARAMETER_BYTES:,}; the rest is fetched every time",
            "make the network smaller",
        )


def _operator(graph: Graph, op: Op) -> Iterator[Finding]:
    if op.kind not in limits.SUPPORTED:
        remedy = limits.REPLACEMENTS.get(op.kind, "replace it by supported layers")
        yield _error(op, "is not supported", remedy)
        return
    for number in (*op.inputs, *op.outputs):
        if number >= 0:
            yield from _tensor(graph, op, number)
    condition = _CONDITIONS.get(op.kind)
    if condition is not None:
        yield from condition(graph, op)


def _tensor(graph: Graph, op: Op, number: int) -> Iterator[Finding]:
    tensor = graph[number]
    if (
        not tensor.is_constant
        and sum(length > 1 for length in tensor.shape) > limits.MAX_DIMENSIONS_ABOVE_ONE
    ):
        yield _error(
            op,
            f"has a tensor of shape {tensor.shape}: more than {limits.MAX_DIMENSIONS_ABOVE_ONE} dimensions "
            f"above 1",
            "keep to one picture at a time: (1, height, width, channels)",
        )
    if tensor.dtype == "float32":
        yield _error(op, f"computes float32 ({tensor.name})", "quantise the network to int8")


def _concatenation(graph: Graph, op: Op) -> Iterator[Finding]:
    yield from _no_activation(graph, op)
    for number in op.inputs:
        data, quantization = graph[number].data, graph[number].quantization
        if data is not None and (
            len(op.inputs) != 2 or quantization is None or np.any(data != quantization.zero_point)
        ):
            yield _error(
                op,
                f"joins a constant that is not zero ({graph[number].name})",
                "only one picture and a grid in front of a CONV_2D can be rewritten; feed it as an input",
            )


def _convolution(graph: Graph, op: Op) -> Iterator[Finding]:
    assert op.window is not None
    if op.window.dilation[0] != op.window.dilation[1]:
        yield _error(op, f"has the dilations {op.window.dilation}", "use the same dilation in x and y")
    if op.kind == "DEPTHWISE_CONV_2D" and op.window.dilation != (1, 1):
        yield _error(
            op, f"has the dilations {op.window.dilation}", "use no dilation in depthwise convolutions"
        )
    if not graph[op.inputs[1]].is_constant:
        yield _error(op, "has weights that are computed", "make them constants")


def _no_activation(graph: Graph, op: Op) -> Iterator[Finding]:
    if op.activation is not Activation.NONE:
        yield _error(op, f"has the fused activation {op.activation}", "put it into a layer of its own")


def _dense(graph: Graph, op: Op) -> Iterator[Finding]:
    if op.attributes["shuffled"]:
        yield _error(op, "has shuffled weights", "export it in the default format of weights")
    shape = graph[op.outputs[0]].shape
    if sum(length > 1 for length in shape) > 1:
        yield _error(op, f"gives the shape {shape}", "its output must have one dimension")


def _mean(graph: Graph, op: Op) -> Iterator[Finding]:
    axes = op.attributes["axes"]
    if not set(axes) <= {1, 2} or len(graph[op.inputs[0]].shape) != 4:
        yield _error(op, f"averages over the axes {axes}", "average over x and y (axes 1 and 2) only")


def _pad(graph: Graph, op: Op) -> Iterator[Finding]:
    before, after = op.attributes["before"], op.attributes["after"]
    if any(before[axis] or after[axis] for axis in range(len(before)) if axis not in (1, 2)):
        yield _error(op, f"pads by {before} and {after}", "pad along x and y only")


def _softmax(graph: Graph, op: Op) -> Iterator[Finding]:
    shape = graph[op.inputs[0]].shape
    if sum(length > 1 for length in shape) > 1 or graph[op.inputs[0]].elements > limits.SOFTMAX_MAX_ELEMENTS:
        yield _error(
            op,
            f"takes the shape {shape}",
            f"give it one dimension of at most {limits.SOFTMAX_MAX_ELEMENTS:,}",
        )


def _strided_slice(graph: Graph, op: Op) -> Iterator[Finding]:
    if any(stride != 1 for stride in op.attributes["strides"]):
        yield _error(op, f"has the strides {op.attributes['strides']}", "use strides of 1")


def _split(graph: Graph, op: Op) -> Iterator[Finding]:
    if op.attributes["axis"] == 0:
        yield _error(op, "splits the batch", "split along another axis")


def _error(op: Op, message: str, remedy: str) -> Finding:
    return Finding(op.layer, Severity.ERROR, message, remedy)


_CONDITIONS: dict[str, Callable[[Graph, Op], Iterator[Finding]]] = {
    "AVERAGE_POOL_2D": _no_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _no_activation,
    "MEAN": _mean,
    "PAD": _pad,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "STRIDED_SLICE": _strided_slice,
}
