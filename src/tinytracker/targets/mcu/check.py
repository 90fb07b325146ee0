"""What the compiler knows: a layer outside it is an error that names the layer and what to do."""

from __future__ import annotations

from collections.abc import Callable

from tinytracker.errors import TargetError
from tinytracker.targets.mcu.fixedpoint import quantize_multiplier
from tinytracker.targets.mcu.graph import Graph, Op
from tinytracker.targets.mcu.kernels.plain_elementwise import sum_multipliers

KNOWN = (
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "SUB", "PAD", "PADV2", "CONCATENATION", "MEAN",
    "AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE", "TRANSPOSE", "SPLIT", "STRIDED_SLICE", "SLICE", "RELU", "RELU6", "HARD_SWISH",
    "LOGISTIC", "TANH", "SOFTMAX", "QUANTIZE", "DEQUANTIZE",
)  # fmt: skip
MOST_SOFTMAX = 511  # TFLM's reference/softmax.h shifts by 23 and the sum's integer bits; it asserts that this is at most 31
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
SAME_SCALE = ("PAD", "CONCATENATION", "RESHAPE", "TRANSPOSE", "SPLIT", "STRIDED_SLICE", "SLICE", "MAX_POOL_2D", "AVERAGE_POOL_2D")


def check(graph: Graph) -> None:
    """Raises TargetError for the first layer that cannot be computed exactly. The graph's float ends are gone by now."""
    for number in graph.outputs:
        if graph[number].is_constant:
            raise TargetError(f"the output {graph[number].name} does not depend on any input; export a network that computes it")
    for op in graph.ops:
        if op.kind not in KNOWN:
            _refuse(op, "is an operator the compiler does not have", f"use only {', '.join(KNOWN)}")
        _check_numbers(graph, op)
        if op.kind in WEIGHTED:
            _check_weights(graph, op)
        if op.kind in _CHECKS:
            _CHECKS[op.kind](graph, op)


def _refuse(op: Op, what: str, remedy: str) -> None:
    raise TargetError(f"{op.layer} {what}; {remedy}")


def _check_numbers(graph: Graph, op: Op) -> None:
    for number in (*graph.data_inputs(op), *op.outputs):
        tensor = graph[number]
        if tensor.dtype != "int8":
            _refuse(op, f"has {tensor.dtype} values ({tensor.name})", "quantise the network to int8 throughout")
        if tensor.quantization is None or len(tensor.quantization.scales) != 1:
            _refuse(op, f"has values without one scale and zero point ({tensor.name})", "quantise activations per tensor")
        if any(length < 1 for length in tensor.shape):
            _refuse(op, f"has the shape {tensor.shape} ({tensor.name})", "export it with fixed, positive sizes")
        if len(tensor.shape) > 1 and tensor.shape[0] != 1 and op.kind in (*WEIGHTED[:2], "MAX_POOL_2D", "AVERAGE_POOL_2D"):
            _refuse(op, f"computes a batch of {tensor.shape[0]}", "export it for a batch of 1")


def _check_weights(graph: Graph, op: Op) -> None:
    weights = graph[op.inputs[1]]
    if not weights.is_constant:
        _refuse(op, "has weights that are computed", "make them constants")
    if weights.dtype != "int8" or weights.quantization is None:
        _refuse(op, f"has {weights.dtype} weights", "quantise weights to int8")
        return
    if any(weights.quantization.zero_points):
        _refuse(op, "has weights with a zero point", "quantise weights symmetrically")
    channels = weights.shape[3] if op.kind == "DEPTHWISE_CONV_2D" else weights.shape[0]
    if len(weights.quantization.scales) not in (1, channels):
        _refuse(op, f"has {len(weights.quantization.scales)} scales for {channels} channels", "quantise per output channel")
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias = graph[op.inputs[2]]
        if bias.dtype != "int32" or not bias.is_constant or bias.elements != channels:
            _refuse(op, f"has a bias of {bias.elements} {bias.dtype}", f"make it a constant of {channels} int32")


def _check_groups(graph: Graph, op: Op) -> None:
    depth, group = graph[op.inputs[0]].shape[3], graph[op.inputs[1]].shape[3]
    if depth % group or graph[op.outputs[0]].shape[3] % (depth // group):
        _refuse(op, f"has {depth} input channels in groups of {group}", "make the groups equal")


def _check_depthwise(graph: Graph, op: Op) -> None:
    depth, channels = graph[op.inputs[0]].shape[3], graph[op.inputs[1]].shape[3]
    if channels % depth:
        _refuse(op, f"has {channels} output channels for {depth} input channels", "make it a multiple")


def _check_dense(graph: Graph, op: Op) -> None:
    if op.attributes["shuffled"]:
        _refuse(op, "has shuffled weights", "export it in the default format of weights")


def _check_same_scale(graph: Graph, op: Op) -> None:
    output = graph[op.outputs[0]]
    for number in graph.data_inputs(op):
        if (graph[number].scale, graph[number].zero_point) != (output.scale, output.zero_point):
            _refuse(op, "changes the scale of what it only moves", "give its inputs and output one scale and zero point")


def _check_sum(graph: Graph, op: Op) -> None:
    if any(shift > 0 for _, shift in sum_multipliers(graph, op)):
        _refuse(op, "has an output scale too small for its inputs' (TFLM refuses it too)", "quantise its output more coarsely")


def _check_hard_swish(graph: Graph, op: Op) -> None:
    source, output = graph[op.inputs[0]], graph[op.outputs[0]]
    if quantize_multiplier(source.scale / 128 / output.scale)[1] > 0:
        _refuse(op, "has an output scale too small for its input's (TFLM refuses it too)", "quantise its output more coarsely")


def _check_unit_output(graph: Graph, op: Op) -> None:
    output = graph[op.outputs[0]]
    if (output.scale, output.zero_point) != (1 / 256, -128):
        _refuse(op, f"has an output scale of {output.scale:g} and zero point {output.zero_point}", "make them 1/256 and -128")


def _check_softmax(graph: Graph, op: Op) -> None:
    depth = graph[op.inputs[0]].shape[-1]
    if depth > MOST_SOFTMAX:
        _refuse(op, f"is over {depth} values, whose sum TFLM cannot divide by", f"take at most {MOST_SOFTMAX}")
    _check_unit_output(graph, op)


def _check_dequantize(graph: Graph, op: Op) -> None:
    _refuse(op, "turns into float in the middle of the network", "keep int8 up to the output")


_CHECKS: dict[str, Callable[[Graph, Op], None]] = {
    **dict.fromkeys(SAME_SCALE, _check_same_scale),
    "CONV_2D": _check_groups,
    "DEPTHWISE_CONV_2D": _check_depthwise,
    "FULLY_CONNECTED": _check_dense,
    "ADD": _check_sum,
    "SUB": _check_sum,
    "HARD_SWISH": _check_hard_swish,
    "LOGISTIC": _check_unit_output,
    "SOFTMAX": _check_softmax,
    "DEQUANTIZE": _check_dequantize,
}
