"""What the compiler computes exactly: every layer outside it becomes a finding that names the layer and what
to do.

An operator's conditions are functions; their docstrings are what docs/compiler.md's table says
(`operators.py`), so that the two cannot part. They are asked in order, and each may take for granted what
those before it found to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from tinytracker.compiler.fixedpoint import quantize_multiplier
from tinytracker.compiler.kernels.plain_elementwise import sum_multipliers
from tinytracker.findings import Finding, Severity
from tinytracker.tflite.graph import Activation, Graph, Op, Tensor
from tinytracker.tflite.shapes import shape_fault

# TFLM's reference/softmax.h shifts by 23 and the sum's integer bits; it asserts that this is at most 31
MOST_SOFTMAX = 511
MOST_LEFT_SHIFT = (
    30  # of a multiplier; TFLite's QuantizeMultiplier saturates beyond, and sums wrap long before
)
LEAST_SCALE, MOST_SCALE = 2.0**-24, 2.0**24  # of a real network's values, by far
LEAST_EXPONENT = 2.0**-26  # per step of a SOFTMAX's input: TFLM cannot shift by less
MODEL = "model"

Fault = tuple[str, str]  # what is, behind the layer's name, and the remedy
Condition = Callable[[Graph, Op], Iterator[Fault]]


def check(graph: Graph) -> Iterator[Finding]:
    """Why a graph cannot be compiled: what is the matter with the whole, then the first thing with each layer
    that is.

    The graph's float ends are gone by now, and its constants folded (`passes`).
    """
    yield from (Finding(MODEL, Severity.ERROR, *fault) for fault in islice(_end_faults(graph), 1))
    for op in graph.ops:
        yield from (Finding(op.layer, Severity.ERROR, *fault) for fault in islice(_faults(graph, op), 1))


def _end_faults(graph: Graph) -> Iterator[Fault]:
    for number in graph.outputs:
        if graph[number].is_constant:
            yield (
                f"its output {graph[number].name} does not depend on any input",
                "export a network that computes it",
            )
    for number in (*graph.inputs, *graph.outputs):
        yield from number_faults(graph[number])


def _faults(graph: Graph, op: Op) -> Iterator[Fault]:
    if op.kind not in CONDITIONS:
        yield "is an operator the compiler does not have", f"use only {', '.join(CONDITIONS)}"
    for condition in (*GENERAL, *CONDITIONS.get(op.kind, ())):
        yield from condition(graph, op)


def number_faults(tensor: Tensor) -> Iterator[Fault]:
    """Why values cannot be computed with."""
    if tensor.dtype != "int8":
        yield f"has {tensor.dtype} values ({tensor.name})", "quantise the network to int8 throughout"
    if tensor.quantization is None or len(tensor.quantization.scales) != 1:
        yield (
            f"has values without one scale and zero point ({tensor.name})",
            "quantise activations per tensor",
        )
    if not LEAST_SCALE <= tensor.scale <= MOST_SCALE:
        yield (
            f"has values with the scale {tensor.scale:g} ({tensor.name})",
            "quantise the network again, on real samples",
        )
    if any(length < 1 for length in tensor.shape):
        yield f"has the shape {tensor.shape} ({tensor.name})", "export it with fixed, positive sizes"


def _computes(graph: Graph, op: Op) -> Iterator[Fault]:
    """It depends on an input."""
    if not graph.data_inputs(op):
        yield "computes from constants alone", "compute it beforehand and store the result"


def _int8(graph: Graph, op: Op) -> Iterator[Fault]:
    """What goes in and comes out is int8 with one scale and zero point and a fixed shape."""
    for number in (*graph.data_inputs(op), *op.outputs):
        yield from number_faults(graph[number])


def _fitting_shapes(graph: Graph, op: Op) -> Iterator[Fault]:
    """Its output has the shape that follows from its inputs."""
    fault = shape_fault(graph, op)
    if fault:
        yield fault, "export it again"


GENERAL: tuple[Condition, ...] = (_computes, _int8, _fitting_shapes)


def _batch_of_one(graph: Graph, op: Op) -> Iterator[Fault]:
    """A batch of 1."""
    batch = graph[op.inputs[0]].shape[0]
    if batch != 1:
        yield f"computes a batch of {batch}", "export it for a batch of 1"


def _constant_weights(graph: Graph, op: Op) -> Iterator[Fault]:
    """Constant int8 weights without zero points, one scale or one per output channel."""
    weights = graph[op.inputs[1]]
    if not weights.is_constant:
        yield "has weights that are computed", "make them constants"
    if weights.dtype != "int8" or weights.quantization is None:
        yield f"has {weights.dtype} weights", "quantise weights to int8"
        return
    if any(weights.quantization.zero_points):
        yield "has weights with a zero point", "quantise weights symmetrically"
    channels = _channels(graph, op)
    if len(weights.quantization.scales) not in (1, channels):
        yield (
            f"has {len(weights.quantization.scales)} scales for {channels} channels",
            "quantise per output channel",
        )


def _constant_bias(graph: Graph, op: Op) -> Iterator[Fault]:
    """A constant int32 bias, or none."""
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias, channels = graph[op.inputs[2]], _channels(graph, op)
        if bias.dtype != "int32" or not bias.is_constant or bias.elements != channels:
            yield f"has a bias of {bias.elements} {bias.dtype}", f"make it a constant of {channels} int32"


def _channels(graph: Graph, op: Op) -> int:
    weights = graph[op.inputs[1]].shape
    return weights[3] if op.kind == "DEPTHWISE_CONV_2D" else weights[0]


def _weighted_rescaling(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale that its sums can be brought to."""
    weights = graph[op.inputs[1]].quantization
    assert weights is not None
    yield from _rescaling(graph[op.inputs[0]].scale * max(weights.scales) / graph[op.outputs[0]].scale)


def _product_rescaling(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale that its products can be brought to."""
    first, second = (graph[number] for number in op.inputs[:2])
    yield from _rescaling(first.scale * second.scale / graph[op.outputs[0]].scale)


def _mean_rescaling(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale that its sums can be brought to."""
    yield from _rescaling(graph[op.inputs[0]].scale / graph[op.outputs[0]].scale)


def _rescaling(factor: float) -> Iterator[Fault]:
    if quantize_multiplier(factor)[1] > MOST_LEFT_SHIFT:
        yield f"multiplies its sums by {factor:g}", "quantise its output more coarsely"


def _default_format(graph: Graph, op: Op) -> Iterator[Fault]:
    """Weights in the default format, not shuffled."""
    if op.attributes["shuffled"]:
        yield "has shuffled weights", "export it in the default format of weights"


def _same_scale(graph: Graph, op: Op) -> Iterator[Fault]:
    """One scale and zero point for inputs and output: it moves values, and changes none."""
    output = graph[op.outputs[0]]
    for number in (number for number in op.inputs if number >= 0 and graph[number].dtype == "int8"):
        if (graph[number].scale, graph[number].zero_point) != (output.scale, output.zero_point):
            yield (
                "changes the scale of what it only moves",
                "give its inputs and output one scale and zero point",
            )


def _constant_operands(graph: Graph, op: Op) -> Iterator[Fault]:
    """Constants among its operands are int8 with one scale, too."""
    for number in op.inputs:
        if number >= 0 and graph[number].is_constant:
            yield from number_faults(graph[number])


def _constant_value(graph: Graph, op: Op) -> Iterator[Fault]:
    """What it pads with is one constant int8."""
    value = graph[op.inputs[2]]
    if not value.is_constant or value.elements != 1:
        yield "pads with what is computed", "make it one constant"
    yield from number_faults(value)


def _no_activation(graph: Graph, op: Op) -> Iterator[Fault]:
    """No fused activation."""
    if op.activation is not Activation.NONE:
        yield f"has the fused activation {op.activation}", "put it into a layer of its own"


def _sum_scales(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale that is not too small for its inputs' (TFLM refuses that, too)."""
    if any(shift > 0 for _, shift in sum_multipliers(graph, op)):
        yield (
            "has an output scale too small for its inputs' (TFLM refuses it too)",
            "quantise its output more coarsely",
        )


def _hard_swish_scale(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale that is not too small for its input's (TFLM refuses that, too)."""
    source, output = graph[op.inputs[0]], graph[op.outputs[0]]
    if quantize_multiplier(source.scale / 128 / output.scale)[1] > 0:
        yield (
            "has an output scale too small for its input's (TFLM refuses it too)",
            "quantise its output more coarsely",
        )


def _unit_output(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale of 1/256 and a zero point of -128."""
    output = graph[op.outputs[0]]
    if (output.scale, output.zero_point) != (1 / 256, -128):
        yield (
            f"has an output scale of {output.scale:g} and zero point {output.zero_point}",
            "make them 1/256 and -128",
        )


def _signed_unit_output(graph: Graph, op: Op) -> Iterator[Fault]:
    """An output scale of 1/128 and a zero point of 0."""
    output = graph[op.outputs[0]]
    if (output.scale, output.zero_point) != (1 / 128, 0):
        yield (
            f"has an output scale of {output.scale:g} and zero point {output.zero_point}",
            "make them 1/128 and 0",
        )


def _short_softmax(graph: Graph, op: Op) -> Iterator[Fault]:
    """At most 511 values, whose sum TFLM can divide by, and an input scale of at least 2^-26."""
    shape = graph[op.inputs[0]].shape
    depth = shape[-1] if shape else 0
    if not 1 <= depth <= MOST_SOFTMAX:
        yield f"is over {depth} values, whose sum TFLM cannot divide by", f"take at most {MOST_SOFTMAX}"
    if op.attributes["beta"] * graph[op.inputs[0]].scale < LEAST_EXPONENT:
        yield "tells no difference of its inputs from another", "quantise its input more coarsely"


def _only_at_the_end(graph: Graph, op: Op) -> Iterator[Fault]:
    """Only at a float output, where it is left to the caller."""
    yield "turns into float in the middle of the network", "keep int8 up to the output"


_WEIGHTED = (_constant_weights, _constant_bias, _weighted_rescaling)
_POOLED = (_batch_of_one, _same_scale)
# Operator -> its conditions beside the general ones, in the order they are asked.
CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "CONV_2D": (_batch_of_one, *_WEIGHTED),
    "DEPTHWISE_CONV_2D": (_batch_of_one, *_WEIGHTED),
    "FULLY_CONNECTED": (*_WEIGHTED, _default_format),
    "ADD": (_constant_operands, _sum_scales),
    "MUL": (_constant_operands, _product_rescaling),
    "SUB": (_constant_operands, _sum_scales),
    "PAD": (_same_scale,),
    "PADV2": (_constant_value, _same_scale),
    "CONCATENATION": (_constant_operands, _same_scale, _no_activation),
    "MEAN": (_mean_rescaling,),
    "AVERAGE_POOL_2D": _POOLED,
    "MAX_POOL_2D": _POOLED,
    "RESHAPE": (_same_scale,),
    "TRANSPOSE": (_same_scale,),
    "SPLIT": (_same_scale,),
    "STRIDED_SLICE": (_same_scale,),
    "SLICE": (_same_scale,),
    "RELU": (),
    "RELU6": (_same_scale,),
    "HARD_SWISH": (_hard_swish_scale,),
    "LOGISTIC": (_unit_output,),
    "TANH": (_signed_unit_output,),
    "SOFTMAX": (_short_softmax, _unit_output),
    "QUANTIZE": (),
    "DEQUANTIZE": (_only_at_the_end,),
}
