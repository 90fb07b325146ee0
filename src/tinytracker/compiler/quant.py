"""Quantised arithmetic as TensorFlow Lite Micro does it: what a layer's numbers mean, worked out at compile
time.

A weighted layer is, per output channel, accumulator = bias + sum(weight * (input - input zero point)), then
`requantize(accumulator)`: times multiplier * 2^(shift - 31) with two roundings, plus the output's zero point,
clamped. Sources: TFLite's quantization_spec and TFLM's kernel_util.cc (PopulateConvolutionQuantizationParams,
CalculateActivationRangeQuantized).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinytracker.compiler.fixedpoint import multiply, quantize_multiplier
from tinytracker.tflite.graph import Activation, Graph, Op, Tensor

LOW, HIGH = -128, 127


@dataclass(frozen=True, slots=True, eq=False)
class Requantization:
    """Per output channel (arrays of length channels), for accumulators over raw inputs:

    result = clamp(multiply(bias + sum(weight * input), multiplier, shift) + zero_point, low, high)

    bias: int64, with the input's zero point folded in. greatest: int64, a bound of |accumulator| over all
    int8 inputs, at every stage of the sum, and of |bias|. low, high: the clamp, from the fused activation,
    within int8.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    bias: np.ndarray
    greatest: np.ndarray
    zero_point: int
    low: int
    high: int

    def apply(self, channel: int, accumulator: int) -> int:
        """The result of one accumulator, as TFLM has it."""
        value = (
            multiply(accumulator, int(self.multiplier[channel]), int(self.shift[channel])) + self.zero_point
        )
        return min(max(value, self.low), self.high)


def clamp_range(tensor: Tensor, activation: Activation) -> tuple[int, int]:
    """(low, high) of an output with a fused activation. Source: CalculateActivationRangeQuantized."""

    def quantized(real: float) -> int:
        # float32 division and rounding half away from zero, as the C++ does
        ratio = np.float32(real) / np.float32(tensor.scale)
        return tensor.zero_point + int(np.trunc(ratio + np.copysign(np.float32(0.5), ratio)))

    low, high = LOW, HIGH
    if activation in (Activation.RELU, Activation.RELU6):
        low = max(low, tensor.zero_point)
    if activation is Activation.RELU6:
        high = min(high, quantized(6.0))
    if activation is Activation.RELU_N1_TO_1:
        low, high = max(low, quantized(-1.0)), min(high, quantized(1.0))
    return low, high


def channels_last(graph: Graph, op: Op) -> np.ndarray:
    """A weighted operator's weights as int64 (output channels, terms): all that is multiplied for one
    output."""
    weights = graph.constant(op.inputs[1]).astype(np.int64)
    if op.kind == "DEPTHWISE_CONV_2D":
        return weights.reshape(-1, weights.shape[-1]).T
    return weights.reshape(weights.shape[0], -1)


def requantization(graph: Graph, op: Op) -> Requantization:
    """Of a CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED with constant weights and bias."""
    source, weight, output = graph[op.inputs[0]], graph[op.inputs[1]], graph[op.outputs[0]]
    assert weight.quantization is not None
    weights = channels_last(graph, op)
    channels = len(weights)
    bias = (
        graph.constant(op.inputs[2]).astype(np.int64).reshape(-1)
        if _has_bias(op)
        else np.zeros(channels, np.int64)
    )
    scales = weight.quantization.scales
    if op.kind == "FULLY_CONNECTED" and len(scales) == 1:
        # TFLM multiplies these two in float32 (GetQuantizedConvolutionMultipler), all others in double.
        real = [float(np.float32(source.scale) * np.float32(scales[0])) / output.scale] * channels
    else:
        per_channel = scales if len(scales) > 1 else scales * channels
        real = [source.scale * scale / output.scale for scale in per_channel]
    pairs = [quantize_multiplier(value) for value in real]
    low, high = clamp_range(output, op.activation)
    reach = np.abs(weights).sum(axis=1)
    folded = bias - source.zero_point * weights.sum(axis=1)
    # Raw inputs reach 128; TFLM's own, minus the zero point, 255: neither way of summing may overflow.
    greatest = np.maximum(np.abs(folded) + 128 * reach, np.abs(bias) + 255 * reach)
    return Requantization(
        np.array([pair[0] for pair in pairs], np.int64),
        np.array([pair[1] for pair in pairs], np.int64),
        folded,
        greatest,
        output.zero_point,
        low,
        high,
    )


def _has_bias(op: Op) -> bool:
    return len(op.inputs) > 2 and op.inputs[2] >= 0


def table_of(function: Callable[[int], int]) -> np.ndarray:
    """int8 (256,): a function of an int8 for -128..127, in this order."""
    return np.array([function(value) for value in range(LOW, HIGH + 1)], np.int8)
