"""Operators of one int8 as tables of its 256 values, each worked out as TensorFlow Lite Micro's reference
kernel does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinytracker.compiler import fixedpoint
from tinytracker.compiler.fixedpoint import high_mul16, multiply, quantize_multiplier, rounding_shift
from tinytracker.compiler.quant import HIGH, LOW, clamp_range, table_of
from tinytracker.tflite.graph import Activation, Graph, Op, Tensor


def _clamped(value: int, low: int = LOW, high: int = HIGH) -> int:
    return min(max(value, low), high)


def _fixed_point(source: Tensor, function: Callable[[int], int], bits: int, offset: int) -> np.ndarray:
    """LOGISTIC and TANH (integer_ops/logistic.h, tanh.h): the input as Q4.27, the result's highest bits."""
    multiplier, shift = quantize_multiplier(source.scale * (1 << 27))
    radius = fixedpoint.input_radius(4, shift)

    def result(value: int) -> int:
        x = value - source.zero_point
        if abs(x) >= radius:
            return LOW if x < 0 else HIGH
        return _clamped(rounding_shift(function(multiply(x, multiplier, shift)), bits) + offset)

    return table_of(result)


def _rescaled(source: Tensor, output: Tensor, low: int = LOW, high: int = HIGH) -> np.ndarray:
    """QUANTIZE from int8 to int8 (requantize.h), and RELU with a clamp (activations.cc)."""
    multiplier, shift = quantize_multiplier(source.scale / output.scale)
    return table_of(
        lambda value: _clamped(
            multiply(value - source.zero_point, multiplier, shift) + output.zero_point, low, high
        )
    )


def _relu6(source: Tensor) -> np.ndarray:
    """RELU6 clamps in the input's own scale; TFLM does not rescale it."""
    low, high = clamp_range(source, Activation.RELU6)
    return table_of(lambda value: _clamped(value, low, high))


def _hard_swish(source: Tensor, output: Tensor) -> np.ndarray:
    """x * relu6(x + 3) / 6 in 16-bit fixed point (reference/hard_swish.h)."""
    fine = np.float32(1 / 128) * np.float32(source.scale)
    out_multiplier, out_exponent = _int16_multiplier(float(fine / np.float32(output.scale)))
    relu_multiplier, relu_exponent = _int16_multiplier(float(fine / np.float32(3 / 32768)))

    def result(value: int) -> int:
        x = (value - source.zero_point) * 128
        on_output_scale = high_mul16(x, out_multiplier)
        gate = x
        if relu_exponent > 0:
            gate = _saturated16(gate << (relu_exponent - 1))
        gate = high_mul16(gate, relu_multiplier)
        if relu_exponent > 0:
            gate = _saturated16(gate << 1)
        if relu_exponent < 0:
            gate = rounding_shift(gate, -relu_exponent)
        gate = (gate + (1 << 15)) >> 1
        product = int(gate * on_output_scale / (1 << 15))  # truncates towards zero
        return _clamped(rounding_shift(product, -out_exponent) + output.zero_point)

    return table_of(result)


def _int16_multiplier(real: float) -> tuple[int, int]:
    """DownScaleInt32ToInt16Multiplier of QuantizeMultiplier."""
    multiplier, exponent = quantize_multiplier(real)
    top = fixedpoint.INT32_MAX - (1 << 15)
    return fixedpoint.INT16_MAX if multiplier >= top else (multiplier + (1 << 15)) >> 16, exponent


def _saturated16(value: int) -> int:
    return _clamped(value, fixedpoint.INT16_MIN, fixedpoint.INT16_MAX)


def table(graph: Graph, op: Op) -> np.ndarray | None:
    """int8 (256,), for inputs -128..127; None if the operator is no function of one int8."""
    source, output = graph[op.inputs[0]], graph[op.outputs[0]]
    if op.kind == "LOGISTIC":
        return _fixed_point(source, fixedpoint.logistic, 31 - 8, LOW)
    if op.kind == "TANH":
        return _fixed_point(source, fixedpoint.tanh, 31 - 7, 0)
    if op.kind == "RELU":
        return _rescaled(source, output, *clamp_range(output, Activation.RELU))
    if op.kind == "RELU6":
        return _relu6(source)
    if op.kind == "HARD_SWISH":
        return _hard_swish(source, output)
    if op.kind == "QUANTIZE" and source.dtype == output.dtype == "int8":
        return _rescaled(source, output)
    return None


def softmax_exponents(source: Tensor, beta: float) -> np.ndarray:
    """int32 (256,): exp(-d * scale * beta) as of 2^31 for differences d = 0..255 to the greatest; -1 where
    TFLM counts nothing (reference/softmax.h, PreprocessSoftmaxScaling)."""
    multiplier, shift = quantize_multiplier(min(beta * source.scale * (1 << 26), 2**31 - 1.0))
    farthest = fixedpoint.input_radius(5, shift)
    return np.array(
        [
            fixedpoint.exp_of_negative(multiply(-difference, multiplier, shift), 5)
            if difference <= farthest
            else -1
            for difference in range(256)
        ],
        np.int32,
    )
