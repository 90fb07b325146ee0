"""Builds small int8 .tflite files operator by operator, from the format's schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "SPLIT": 2,
    "STRIDED_SLICE": 2,
    "TRANSPOSE": 2,
}
ACTIVATIONS = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
    "relu_n1_to_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}


@dataclass(frozen=True)
class Value:
    """A tensor under construction."""

    number: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int


class Builder:
    """Every method adds one operator and gives its output; `finish` gives the file's bytes."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._buffers = [schema.BufferT()]
        self._operators: list[Any] = []
        self._codes: list[Any] = []
        self._inputs: list[int] = []
        self._computed: list[Value] = []

    def tensor(self, shape, scale, zero_point=0, data=None, dtype=schema.TensorType.INT8, axis=0) -> Value:
        """scale: one or a sequence, one per element of `axis`; None: not quantised."""
        item = schema.TensorT()
        item.name, item.shape, item.type = f"t{len(self._tensors)}", list(shape), dtype
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self._buffers.append(buffer)
            item.buffer = len(self._buffers) - 1
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            item.quantization = schema.QuantizationParametersT()
            item.quantization.scale = scales.tolist()
            item.quantization.zeroPoint = [zero_point] * len(scales)
            item.quantization.quantizedDimension = axis
        self._tensors.append(item)
        first = 0.0 if scale is None else float(np.atleast_1d(np.asarray(scale, np.float32))[0])
        return Value(len(self._tensors) - 1, tuple(shape), first, zero_point)

    def input(self, shape, scale, zero_point) -> Value:
        value = self.tensor(shape, scale, zero_point)
        self._inputs.append(value.number)
        return value

    def constant(self, data, scale, zero_point=0) -> Value:
        return self.tensor(data.shape, scale, zero_point, data.astype(np.int8))

    def integers(self, values) -> Value:
        """An int32 constant: axes, paddings, shapes."""
        data = np.asarray(values, np.int32)
        return self.tensor(data.shape, None, data=data, dtype=schema.TensorType.INT32)

    def op(self, kind, inputs, shape, scale, zero_point, options=None) -> Value:
        """Any operator with one output."""
        return self.ops(kind, inputs, [(shape, scale, zero_point)], options)[0]

    def ops(self, kind, inputs, outputs, options=None) -> list[Value]:
        values = [self.tensor(*output) for output in outputs]
        self._computed += values
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
        code.version = VERSIONS.get(kind, 2 if kind != "RESHAPE" else 1)
        self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes) - 1
        operator.inputs = [-1 if value is None else value.number for value in inputs]
        operator.outputs = [value.number for value in values]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self._operators.append(operator)
        return values

    def weighted(
        self,
        kind,
        source,
        weights,
        bias,
        weight_scales,
        out_scale,
        out_zero,
        stride=(1, 1),
        dilation=(1, 1),
        padding="SAME",
        activation="none",
    ) -> Value:
        """CONV_2D (weights: out, h, w, in), DEPTHWISE_CONV_2D (1, h, w, out) or FULLY_CONNECTED (out, in)."""
        axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
        weight = self.tensor(weights.shape, weight_scales, 0, weights.astype(np.int8), axis=axis)
        scales = np.asarray(weight_scales, np.float32) * np.float32(source.scale)
        offset = None
        if bias is not None:
            offset = self.tensor(bias.shape, scales, 0, bias.astype(np.int32), schema.TensorType.INT32)
        options = getattr(
            schema,
            {"CONV_2D": "Conv2DOptionsT", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptionsT"}.get(
                kind, "FullyConnectedOptionsT"
            ),
        )()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        if kind == "FULLY_CONNECTED":
            shape = (source_rows(source, weights.shape[1]), weights.shape[0])
        else:
            options.padding = getattr(schema.Padding, padding)
            options.strideH, options.strideW = stride
            options.dilationHFactor, options.dilationWFactor = dilation
            kernel = weights.shape[1:3]
            lengths = []
            for place in (0, 1):
                length, reach = source.shape[1 + place], (kernel[place] - 1) * dilation[place] + 1
                full = length if padding == "SAME" else length - reach + 1
                lengths.append(-(-full // stride[place]))
            shape = (1, *lengths, weights.shape[3] if kind == "DEPTHWISE_CONV_2D" else weights.shape[0])
            if kind == "DEPTHWISE_CONV_2D":
                options.depthMultiplier = weights.shape[3] // source.shape[3]
        inputs = (
            [source, weight] if offset is None else [source, weight, offset]
        )  # TFLM crashes on a bias of -1
        return self.op(kind, inputs, shape, out_scale, out_zero, options)

    def unread(self) -> list[Value]:
        """What operators computed and no other reads."""
        read = {int(number) for operator in self._operators for number in operator.inputs}
        return [value for value in self._computed if value.number not in read]

    def finish(self, outputs) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = self._inputs, [value.number for value in outputs]
        model = schema.ModelT()
        model.version, model.buffers, model.operatorCodes, model.subgraphs = (
            3,
            self._buffers,
            self._codes,
            [graph],
        )
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def source_rows(source: Value, depth: int) -> int:
    return int(np.prod(source.shape)) // depth
