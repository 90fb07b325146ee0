"""Flatbuffer -> graph: what the file says, with paddings worked out in pixels and axes counted from the
front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.errors import TargetError
from tinytracker.tflite.flatbuffer import Broken
from tinytracker.tflite.graph import Activation, Graph, Op, Quantization, Tensor, Window
from tinytracker.tflite.schema import TYPES, bring_weights_inside, operator_name
from tinytracker.tflite.verify import MOST_BYTES, verify

_ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: Activation.NONE,
    schema.ActivationFunctionType.RELU: Activation.RELU,
    schema.ActivationFunctionType.RELU6: Activation.RELU6,
    schema.ActivationFunctionType.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
}
_NAMES_OF_ACTIVATIONS = {
    code: name for name, code in vars(schema.ActivationFunctionType).items() if name[0] != "_"
}
RECURRENT = (
    "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "RNN",
    "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "BIDIRECTIONAL_SEQUENCE_RNN",
)
_READ = (
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
)
_WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D")


def read_graph(content: bytes, name: str = "the network") -> Graph:
    """Reads the main subgraph of a .tflite file's bytes, weights behind the flatbuffer included. name: for
    messages.

    Raises ModelError if they are not a whole .tflite, TargetError for what the graph has no words for
    (several subgraphs, constants of odd types, operators whose parameters are computed while the network
    runs).
    """
    model = verify(content, name)
    bring_weights_inside(model, content)
    if len(model.subgraphs) != 1:
        raise TargetError(
            f"{name} has {len(model.subgraphs)} subgraphs, expected 1; export it without control flow"
        )
    main = model.subgraphs[0]
    tensors = {number: _tensor(model, tensor, number, name) for number, tensor in enumerate(main.tensors)}
    ops = tuple(_op(model, operator, number, tensors) for number, operator in enumerate(main.operators))
    inputs, outputs = tuple(map(int, main.inputs)), tuple(map(int, main.outputs))
    return Graph(name, tensors, (), inputs, outputs).with_ops(ops)


def _tensor(model: Any, tensor: Any, number: int, name: str) -> Tensor:
    """Names are optional in the format; messages and headers call a tensor without one by its number."""
    shape = tuple(int(length) for length in (tensor.shape if tensor.shape is not None else ()))
    title, dtype = (tensor.name or b"").decode() or f"tensor {number}", TYPES[tensor.type]
    buffer = model.buffers[tensor.buffer]
    data = None
    if buffer.data is not None and len(buffer.data):
        if dtype not in _READ:
            raise TargetError(
                f"{name}: the constant {title} is {dtype}; expected int8 weights and int32 biases; quantise "
                f"to int8"
            )
        raw = np.asarray(buffer.data, np.uint8).tobytes()
        data = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)
    return Tensor(title, shape, dtype, _quantization(tensor.quantization), data)


def _quantization(parameters: Any) -> Quantization | None:
    if parameters is None or parameters.scale is None or not len(parameters.scale):
        return None
    scales = tuple(float(scale) for scale in np.asarray(parameters.scale, np.float32))
    stored = [0] if parameters.zeroPoint is None or not len(parameters.zeroPoint) else parameters.zeroPoint
    points = tuple(int(point) for point in np.broadcast_to(stored, len(scales)))
    return Quantization(scales, points, int(parameters.quantizedDimension))


def _op(model: Any, operator: Any, number: int, tensors: Mapping[int, Tensor]) -> Op:
    kind = operator_name(model, operator)
    inputs, outputs = tuple(map(int, operator.inputs)), tuple(map(int, operator.outputs))
    options = operator.builtinOptions
    window = _window(kind, options, inputs, tensors) if kind in _WINDOWED else None
    reader = _ATTRIBUTES.get(kind)
    try:
        attributes = reader(options, inputs, tensors) if reader is not None else {}
    except Broken as broken:
        raise TargetError(f"layer {number} ({kind}) {broken}") from None
    return Op(kind, number, inputs, outputs, _activation(kind, options, number), window, attributes)


def _activation(kind: str, options: Any, number: int) -> Activation:
    code = getattr(options, "fusedActivationFunction", schema.ActivationFunctionType.NONE)
    if code not in _ACTIVATIONS and kind in RECURRENT:
        return (
            Activation.NONE
        )  # its gates' own, by which nothing here goes; whoever needs them says what it lacks
    if code not in _ACTIVATIONS:
        raise TargetError(
            f"layer {number} ({kind}) has the fused activation "
            f"{_NAMES_OF_ACTIVATIONS.get(code, f'of number {code}')}; "
            "expected none, RELU, RELU6 or RELU_N1_TO_1"
        )
    return _ACTIVATIONS[code]


def _window(kind: str, options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> Window:
    """Paddings as TFLite computes them (padding.h, ComputePaddingHeightWidth): SAME puts the odd pixel
    behind."""
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
    if not -rank <= axis < rank:
        raise Broken(f"goes along axis {axis} of {rank}; export it again")
    return axis % rank


def _constant(number: int, tensors: Mapping[int, Tensor], what: str, length: int | None = None) -> list[int]:
    """length: how many numbers are expected; None: any, but one at least."""
    data = tensors[number].data if number >= 0 else None
    if data is None:
        raise Broken(f"has {what} computed while the network runs; expected a constant: export it again")
    if data.dtype.kind not in "iu" or not data.size or (length is not None and data.size != length):
        wanted = "some integers" if length is None else f"{length} integers"
        raise Broken(f"has {what} of {data.size} {data.dtype}, expected {wanted}; export it again")
    return [int(value) for value in data.reshape(-1)]


def _pad(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    rank = len(tensors[inputs[0]].shape)
    pairs = np.array(_constant(inputs[1], tensors, "the padding", 2 * rank)).reshape(-1, 2)
    if pairs.size and not 0 <= pairs.min() <= pairs.max() <= MOST_BYTES:
        raise Broken(f"pads by {pairs.tolist()}; export it again")
    return {"before": tuple(map(int, pairs[:, 0])), "after": tuple(map(int, pairs[:, 1]))}


def _strided_slice(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    """begin, end and strides with masks and negative numbers worked out (strided_slice_logic.h)."""
    if options.ellipsisMask or options.newAxisMask:
        raise Broken("has an ellipsis or a new axis; write the slice out for every axis")
    shape = tensors[inputs[0]].shape
    begin, end, strides = (_constant(number, tensors, "the slice", len(shape)) for number in inputs[1:4])
    if 0 in strides:
        raise Broken("has a stride of 0; export it again")
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
    shape = tensors[inputs[0]].shape
    begin, size = (_constant(number, tensors, "the slice", len(shape)) for number in inputs[1:3])
    end = [length if n == -1 else start + n for length, start, n in zip(shape, begin, size, strict=True)]
    if any(not 0 <= start <= stop <= length for start, stop, length in zip(begin, end, shape, strict=True)):
        raise Broken(f"takes {size} from {begin} of the shape {shape}; export it again")
    return {"begin": tuple(begin), "end": tuple(end), "strides": (1,) * len(shape)}


def _mean(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    rank = len(tensors[inputs[0]].shape)
    axes = {_from_front(axis, rank) for axis in _constant(inputs[1], tensors, "the axis")}
    return {"axes": tuple(sorted(axes)), "keep_dims": bool(options.keepDims)}


def _transpose(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    rank = len(tensors[inputs[0]].shape)
    permutation = [_from_front(axis, rank) for axis in _constant(inputs[1], tensors, "the permutation", rank)]
    if sorted(permutation) != list(range(rank)):
        raise Broken(f"takes the axes {permutation}, not each once; export it again")
    return {"permutation": tuple(permutation)}


def _softmax(options: Any, inputs: tuple[int, ...], tensors: Mapping[int, Tensor]) -> dict[str, Any]:
    beta = float(np.float32(options.beta))
    if not 0 < beta < np.inf:
        raise Broken(f"has the factor {beta}; expected one above 0")
    return {"beta": beta}


_ATTRIBUTES = {
    "DEPTHWISE_CONV_2D": lambda options, inputs, tensors: {"multiplier": int(options.depthMultiplier)},
    "FULLY_CONNECTED": lambda options, inputs, tensors: {
        "keep_dims": bool(options.keepNumDims),
        "shuffled": options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT,
    },
    "CONCATENATION": lambda options, inputs, tensors: {
        "axis": _from_front(int(options.axis), len(tensors[inputs[0]].shape))
    },
    "MEAN": _mean,
    "SOFTMAX": _softmax,
    "SPLIT": lambda options, inputs, tensors: {
        "axis": _from_front(_constant(inputs[0], tensors, "the axis", 1)[0], len(tensors[inputs[1]].shape))
    },
    "TRANSPOSE": _transpose,
    "PAD": _pad,
    "PADV2": _pad,
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
}
