"""Flatbuffer -> graph: what the file says, with paddings worked out in pixels and axes counted from the front."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.engines.tflite_file import IDENTIFIER
from tinytracker.errors import ModelError, TargetError
from tinytracker.quantization.graph import operator_name, unpack
from tinytracker.targets.mcu.graph import Activation, Graph, Op, Quantization, Tensor, Window

_TYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: Activation.NONE,
    schema.ActivationFunctionType.RELU: Activation.RELU,
    schema.ActivationFunctionType.RELU6: Activation.RELU6,
    schema.ActivationFunctionType.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
}
_WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")


def read(content: bytes, name: str) -> Graph:
    """Reads the main subgraph of a .tflite file's bytes.

    Raises ModelError if they are not a whole .tflite, TargetError for what the compiler has no words for (several
    subgraphs, tensors of unknown shape, weights outside the flatbuffer).
    """
    if content[4:8] != IDENTIFIER:
        raise ModelError(f"{name} is not a .tflite file: expected 'TFL3' at byte 4, found {content[4:8]!r}")
    try:
        model = unpack(content)
        return _graph(model, name)
    except (struct.error, IndexError, TypeError, ValueError, UnicodeDecodeError, AttributeError) as error:
        raise ModelError(f"{name} is a damaged .tflite file ({type(error).__name__}: {error}); export it again") from error


def _graph(model: Any, name: str) -> Graph:
    if len(model.subgraphs) != 1:
        raise TargetError(f"{name} has {len(model.subgraphs)} subgraphs, expected 1; export it without control flow")
    main = model.subgraphs[0]
    tensors = {number: _tensor(model, tensor, name) for number, tensor in enumerate(main.tensors)}
    ops = tuple(_op(model, operator, place, tensors) for place, operator in enumerate(main.operators))
    inputs, outputs = tuple(map(int, main.inputs)), tuple(map(int, main.outputs))
    return Graph(name, tensors, (), inputs, outputs).with_ops(ops)


def _tensor(model: Any, tensor: Any, name: str) -> Tensor:
    shape = tuple(int(length) for length in (tensor.shape if tensor.shape is not None else ()))
    title, dtype = tensor.name.decode(), _TYPES[tensor.type]
    buffer = model.buffers[tensor.buffer]
    if (getattr(buffer, "offset", 0) or 0) > 1:
        raise TargetError(f"{name} keeps the weights of {title} outside the flatbuffer; export it with tinytracker")
    data = None
    if buffer.data is not None and len(buffer.data):
        raw = np.asarray(buffer.data, np.uint8).tobytes()
        if dtype in ("int8", "uint8", "int16", "int32", "int64", "float32", "bool"):
            data = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)
        else:
            raise TargetError(
                f"{name}: the constant {title} is {dtype}; expected int8 weights and int32 biases; quantise to int8"
            )
    return Tensor(title, shape, dtype, _quantization(tensor.quantization), data)


def _quantization(parameters: Any) -> Quantization | None:
    if parameters is None or parameters.scale is None or not len(parameters.scale):
        return None
    scales = tuple(float(scale) for scale in np.asarray(parameters.scale, np.float32))
    points = (0,) * len(scales) if parameters.zeroPoint is None else tuple(int(point) for point in parameters.zeroPoint)
    return Quantization(scales, points, int(parameters.quantizedDimension))


def _op(model: Any, operator: Any, place: int, tensors: Mapping[int, Tensor]) -> Op:
    kind = operator_name(model, operator)
    inputs = tuple(map(int, operator.inputs if operator.inputs is not None else ()))
    outputs = tuple(map(int, operator.outputs if operator.outputs is not None else ()))
    options = operator.builtinOptions
    code = getattr(options, "fusedActivationFunction", schema.ActivationFunctionType.NONE)
    if code not in _ACTIVATIONS:
        raise TargetError(
            f"layer {place} ({kind}) has a fused activation of number {code}; expected none, RELU, RELU6 or RELU_N1_TO_1"
        )
    window = _window(kind, options, inputs, tensors) if kind in _WINDOWED else None
    reader = _ATTRIBUTES.get(kind)
    attributes = reader(options, inputs, tensors) if reader is not None else {}
    return Op(kind, place, inputs, outputs, _ACTIVATIONS[code], window, attributes)


def _window(kind: str, options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> Window:
    """Paddings as TFLite computes them (padding.h, ComputePaddingHeightWidth): SAME puts the odd pixel behind."""
    if kind.endswith("POOL_2D"):
        kernel = (int(options.filterHeight), int(options.filterWidth))
    else:
        kernel = (int(tensors[inputs[1]].shape[1]), int(tensors[inputs[1]].shape[2]))
    stride = (int(options.strideH), int(options.strideW))
    dilation = (int(getattr(options, "dilationHFactor", 1)), int(getattr(options, "dilationWFactor", 1)))
    before, after = [0, 0], [0, 0]
    if options.padding == schema.Padding.SAME:
        for axis in (0, 1):
            length = tensors[inputs[0]].shape[1 + axis]
            reach = (kernel[axis] - 1) * dilation[axis] + 1
            outputs = -(-length // stride[axis])
            total = max((outputs - 1) * stride[axis] + reach - length, 0)
            before[axis], after[axis] = total // 2, total - total // 2
    return Window(kernel, stride, dilation, (before[0], before[1]), (after[0], after[1]))


def _from_front(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


def _constant(number: int, tensors: Mapping[int, Tensor], what: str) -> list[int]:
    data = tensors[number].data
    if data is None:
        raise TargetError(
            f"{what} of {tensors[number].name} is computed while the network runs; expected a constant: export it again"
        )
    return [int(value) for value in data.reshape(-1)]


def _pad(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    pairs = np.array(_constant(inputs[1], tensors, "the padding")).reshape(-1, 2)
    return {"before": tuple(map(int, pairs[:, 0])), "after": tuple(map(int, pairs[:, 1]))}


def _strided_slice(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    """begin, end and strides with masks and negative numbers worked out (strided_slice_logic.h)."""
    if options.ellipsisMask or options.newAxisMask:
        raise TargetError("STRIDED_SLICE with an ellipsis or a new axis; write the slice out for every axis")
    shape = tensors[inputs[0]].shape
    begin, end, strides = (_constant(number, tensors, "the slice") for number in inputs[1:4])
    starts, stops = [], []
    for axis, (length, stride) in enumerate(zip(shape, strides, strict=True)):
        bit = 1 << axis
        lowest, highest = (0, length) if stride > 0 else (-1, length - 1)
        start = begin[axis] + (length if begin[axis] < 0 else 0)
        start = min(max(start, lowest), highest)
        if options.beginMask & bit:
            start = lowest if stride > 0 else highest
        stop = end[axis] + (length if end[axis] < 0 else 0)
        stop = min(max(stop, lowest), highest)
        if options.endMask & bit:
            stop = highest if stride > 0 else lowest
        if options.shrinkAxisMask & bit:
            stop = start + 1
        starts.append(start)
        stops.append(stop)
    return {"begin": tuple(starts), "end": tuple(stops), "strides": tuple(strides)}


def _slice(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    """A SLICE in the words of a STRIDED_SLICE; a size of -1 reaches to the end."""
    begin, size = (_constant(number, tensors, "the slice") for number in inputs[1:3])
    shape = tensors[inputs[0]].shape
    end = [length if n == -1 else start + n for length, start, n in zip(shape, begin, size, strict=True)]
    return {"begin": tuple(begin), "end": tuple(end), "strides": (1,) * len(shape)}


def _mean(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    rank = len(tensors[inputs[0]].shape)
    axes = {_from_front(axis, rank) for axis in _constant(inputs[1], tensors, "the axis")}
    return {"axes": tuple(sorted(axes)), "keep_dims": bool(options.keepDims)}


_ATTRIBUTES = {
    "DEPTHWISE_CONV_2D": lambda options, inputs, tensors: {"multiplier": int(options.depthMultiplier)},
    "FULLY_CONNECTED": lambda options, inputs, tensors: {
        "keep_dims": bool(options.keepNumDims),
        "shuffled": options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT,
    },
    "CONCATENATION": lambda options, inputs, tensors: {"axis": _from_front(int(options.axis), len(tensors[inputs[0]].shape))},
    "MEAN": _mean,
    "SOFTMAX": lambda options, inputs, tensors: {"beta": float(np.float32(options.beta))},
    "SPLIT": lambda options, inputs, tensors: {
        "axis": _from_front(_constant(inputs[0], tensors, "the axis")[0], len(tensors[inputs[1]].shape))
    },
    "TRANSPOSE": lambda options, inputs, tensors: {"permutation": tuple(_constant(inputs[1], tensors, "the permutation"))},
    "PAD": _pad,
    "PADV2": _pad,
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
}
