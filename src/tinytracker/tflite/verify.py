"""Is a .tflite whole and does it make sense, so that any runtime may load it: bounds, sizes, numbers of
tensors, finite scales.

LiteRT and TFLM trust a file: one that is damaged in the right place ends the whole process. So nothing is
handed to them, or to our own reader, that has not passed here. What is checked is the file alone; what a
target can run is its linter's matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.errors import ModelError
from tinytracker.tflite.flatbuffer import Broken, Table, Tables, Union, Vector, Walk
from tinytracker.tflite.schema import OPERATORS, TYPES, operator_name, refuse_others, unpack

BYTE, INT, LONG = 1, 4, 8
TEXT, INTS = Vector(1), Vector(INT)
MOST_BYTES = (
    1 << 27
)  # of a tensor; the largest here has a few MB, and kernels take 30 times as much beside it
LEAST_SCALE, MOST_SCALE = 2.0**-40, 2.0**40  # the runtimes abort where the ratio of two overflows
LEAST_EXPONENT = 2.0**-26  # per step of what goes through an exponential function, which the kernels shift by
MOST_COARSER = 2.0**20  # steps of a sum in a step of what is summed
MOST_AXES = 8  # numpy and TFLite's kernels know as many at least

_OPTIONS = schema.BuiltinOptions
_TABLES_OF_OPTIONS = {
    _OPTIONS.Conv2DOptions: Table("options", {0: BYTE, 1: INT, 2: INT, 3: BYTE, 4: INT, 5: INT, 6: BYTE}),
    _OPTIONS.DepthwiseConv2DOptions: Table(
        "options", {0: BYTE, 1: INT, 2: INT, 3: INT, 4: BYTE, 5: INT, 6: INT}
    ),
    _OPTIONS.Pool2DOptions: Table("options", {0: BYTE, 1: INT, 2: INT, 3: INT, 4: INT, 5: BYTE}),
    _OPTIONS.FullyConnectedOptions: Table(
        "options", {0: BYTE, 1: BYTE, 2: BYTE, 3: BYTE, 4: BYTE, 5: Table("options")}
    ),
    _OPTIONS.ConcatenationOptions: Table("options", {0: INT, 1: BYTE}),
    _OPTIONS.SoftmaxOptions: Table("options", {0: INT}),
    _OPTIONS.StridedSliceOptions: Table("options", {0: INT, 1: INT, 2: INT, 3: INT, 4: INT, 5: BYTE}),
    _OPTIONS.SplitOptions: Table("options", {0: INT}),
    _OPTIONS.ReshapeOptions: Table("options", {0: INTS}),
    _OPTIONS.SqueezeOptions: Table("options", {0: INTS}),
    _OPTIONS.BucketizeOptions: Table("options", {0: INTS}),
    _OPTIONS.ConcatEmbeddingsOptions: Table("options", {0: INT, 1: INTS, 2: INTS}),
    _OPTIONS.VarHandleOptions: Table("options", {0: TEXT, 1: TEXT}),
}
_QUANTIZATION = Table(
    "a quantisation",
    {
        0: INTS,
        1: INTS,
        2: INTS,
        3: Vector(LONG),
        4: BYTE,
        5: Union(4, {1: Table("details", {0: TEXT})}),
        6: INT,
    },
)
_TENSOR = Table(
    "a tensor",
    {
        0: INTS,
        1: BYTE,
        2: INT,
        3: TEXT,
        4: _QUANTIZATION,
        5: BYTE,
        6: Table("sparsity"),
        7: INTS,
        8: BYTE,
        10: INT,
    },
)
_OPERATOR = Table(
    "an operator",
    {
        **{
            0: INT,
            1: INTS,
            2: INTS,
            3: BYTE,
            4: Union(3, _TABLES_OF_OPTIONS),
            5: TEXT,
            6: BYTE,
            7: Vector(BYTE),
            8: INTS,
        },
        **{9: LONG, 10: LONG, 11: BYTE, 12: Table("options"), 13: INT},
    },
)
_SUBGRAPH = Table("a graph", {0: Tables(_TENSOR), 1: INTS, 2: INTS, 3: Tables(_OPERATOR), 4: TEXT, 5: INT})
_TENSOR_MAP = Table("a signature's tensor", {0: TEXT, 1: INT})
_SIGNATURE = Table("a signature", {0: Tables(_TENSOR_MAP), 1: Tables(_TENSOR_MAP), 2: TEXT, 4: INT})
MODEL = Table(
    "the model",
    {
        0: INT,
        1: Tables(Table("an operator code", {0: BYTE, 1: TEXT, 2: INT, 3: INT})),
        2: Tables(_SUBGRAPH),
        3: TEXT,
        4: Tables(Table("a buffer", {0: Vector(BYTE), 1: LONG, 2: LONG})),
        5: INTS,
        6: Tables(Table("a metadata entry", {0: TEXT, 1: INT})),
        7: Tables(_SIGNATURE),
    },
)

# Operator -> the options it cannot do without, and its least number of inputs. Of the others the runtimes see
# to it.
_NEEDS = {
    "CONV_2D": (schema.Conv2DOptionsT, 2),
    "DEPTHWISE_CONV_2D": (schema.DepthwiseConv2DOptionsT, 2),
    "FULLY_CONNECTED": (schema.FullyConnectedOptionsT, 2),
    "AVERAGE_POOL_2D": (schema.Pool2DOptionsT, 1),
    "MAX_POOL_2D": (schema.Pool2DOptionsT, 1),
    "ADD": (schema.AddOptionsT, 2),
    "SUB": (schema.SubOptionsT, 2),
    "MUL": (schema.MulOptionsT, 2),
    "CONCATENATION": (schema.ConcatenationOptionsT, 1),
    "MEAN": (schema.ReducerOptionsT, 2),
    "SOFTMAX": (schema.SoftmaxOptionsT, 1),
    "STRIDED_SLICE": (schema.StridedSliceOptionsT, 4),
    "SLICE": (None, 3),
    "SPLIT": (schema.SplitOptionsT, 2),
    "TRANSPOSE": (None, 2),
    "PAD": (None, 2),
    "PADV2": (None, 3),
    "RESHAPE": (None, 1),
    **dict.fromkeys(("RELU", "RELU6", "HARD_SWISH", "LOGISTIC", "TANH", "QUANTIZE", "DEQUANTIZE"), (None, 1)),
}
_TAKES_SHAPE = ("RESHAPE", "BROADCAST_TO")  # from a list of numbers that is their second input
_COUNTS_IN_STEPS = ("ADD", "SUB", "MUL", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_LENGTHS = ("strideH", "strideW", "dilationHFactor", "dilationWFactor", "filterHeight", "filterWidth")


def verify(content: bytes, name: str) -> Any:
    """The file's object tree (`schema.unpack`) if it is whole; raises ModelError, naming the part that is
    not.

    name: what messages call the file.
    """
    refuse_others(content, name)
    try:
        Walk(content).check(MODEL)
        model = unpack(content)
        for fault in _faults(model, content):
            raise Broken(fault)
    except Broken as broken:
        or_cut = ", or cut off" if "outside the file's" in str(broken) else ""
        raise ModelError(
            f"{name} is a damaged .tflite file{or_cut}: {broken}; export or copy it again"
        ) from None
    return model


def _faults(model: Any, content: bytes) -> Iterator[str]:
    if model.version != 3:
        yield f"it says it is of version {model.version}, expected 3"
    if not model.buffers or not model.subgraphs or model.operatorCodes is None:
        yield "it lacks its list of buffers, graphs or operators"
    for index, buffer in enumerate(model.buffers):
        if (buffer.offset or 0) > 1 and buffer.offset + buffer.size > len(content):
            yield f"buffer {index} lies outside the file's {len(content)} bytes"
    for entry in model.metadata or []:
        if not 0 <= entry.buffer < len(model.buffers) or entry.name is None:
            yield "its metadata names no buffer that is there"
    for signature in model.signatureDefs or []:
        if not 0 <= signature.subgraphIndex < len(model.subgraphs) or signature.signatureKey is None:
            yield "a signature names no graph that is there"
        tensors = model.subgraphs[signature.subgraphIndex].tensors or []
        for mapped in (*(signature.inputs or ()), *(signature.outputs or ())):
            if not 0 <= mapped.tensorIndex < len(tensors) or mapped.name is None:
                yield "a signature names no tensor that is there"
    for graph in model.subgraphs:
        yield from _graph_faults(model, graph)


def _graph_faults(model: Any, graph: Any) -> Iterator[str]:
    if not graph.tensors:
        yield "a graph has no tensors"
    for number, tensor in enumerate(graph.tensors):
        for fault in _tensor_faults(model, tensor):
            yield f"tensor {number} {fault}"
    graph.inputs, graph.outputs, graph.operators = (
        [] if part is None else part for part in (graph.inputs, graph.outputs, graph.operators)
    )
    if not len(graph.outputs):
        yield "a graph has no outputs"
    for end in (*graph.inputs, *graph.outputs):
        if not 0 <= end < len(graph.tensors):
            yield f"a graph begins or ends in tensor {end}, which is not there"
    there = {
        number
        for number, tensor in enumerate(graph.tensors)
        if tensor.isVariable or _is_constant(model, tensor)
    }
    if there & {int(number) for number in graph.inputs}:
        yield "a graph's input is a constant"
    there |= {int(number) for number in graph.inputs}
    for number, operator in enumerate(graph.operators):
        for fault in _operator_faults(model, graph, operator, there):
            yield f"layer {number} {fault}"
        there |= {int(output) for output in operator.outputs}
    if not there >= {int(number) for number in graph.outputs}:
        yield "nothing computes one of its outputs"


def _is_constant(model: Any, tensor: Any) -> bool:
    buffer = model.buffers[tensor.buffer]
    return bool((buffer.data is not None and len(buffer.data)) or (buffer.offset or 0) > 1)


def _tensor_faults(model: Any, tensor: Any) -> Iterator[str]:
    if tensor.type not in TYPES:
        yield f"is of a type of number {tensor.type}, which there is not"
    if not 0 <= tensor.buffer < len(model.buffers):
        yield f"lies in buffer {tensor.buffer}, which is not there"
    if tensor.sparsity is not None:
        yield "is stored sparsely, which is not read"
    shape = [] if tensor.shape is None else [int(length) for length in tensor.shape]
    if len(shape) > MOST_AXES or any(length < 0 for length in shape) or math.prod(shape) > MOST_BYTES:
        yield f"has the shape {tuple(shape)}"
    if tensor.shapeSignature is not None and len(tensor.shapeSignature) not in (0, len(shape)):
        yield f"has a shape of {len(shape)} axes and a signature of {len(tensor.shapeSignature)}"
    try:
        _ = (tensor.name or b"").decode()
    except UnicodeDecodeError:
        yield "has a name that is no text"
    size = _bytes_of(TYPES[tensor.type], math.prod(shape))
    if size is not None and _is_constant(model, tensor):
        buffer = model.buffers[tensor.buffer]
        stored = buffer.size if (buffer.offset or 0) > 1 else len(buffer.data)
        if stored != size:
            yield f"takes {size} bytes, and {stored} are stored"
    if tensor.quantization is not None:
        yield from _quantization_faults(tensor.quantization, shape, TYPES[tensor.type])


def _bytes_of(dtype: str, elements: int) -> int | None:
    """What so many numbers take; None for what has no fixed size."""
    if dtype in ("int4", "uint4"):
        return -(-elements // 2)
    if dtype == "int2":
        return -(-elements // 4)
    try:
        return elements * np.dtype(dtype).itemsize
    except TypeError:  # strings, resources, variants, bfloat16
        return 2 * elements if dtype == "bfloat16" else None


def _quantization_faults(quantization: Any, shape: list[int], dtype: str) -> Iterator[str]:
    scales = np.asarray([] if quantization.scale is None else quantization.scale, np.float32)
    points = np.asarray([] if quantization.zeroPoint is None else quantization.zeroPoint, np.int64)
    if not np.isfinite(scales).all() or (scales <= 0).any():
        wrong = scales[~(np.isfinite(scales) & (scales > 0))][0]
        yield f"has the scale {wrong}, expected a finite one above 0"
    if len(points) not in (0, len(scales)) and not (len(points) == 1 or not len(scales)):
        yield f"has {len(scales)} scales and {len(points)} zero points"
    if dtype in ("int8", "uint8", "int16", "int32") and len(points):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if points.min() < low or points.max() > high:
            yield f"has a zero point outside {low} to {high}"
    if len(scales) and dtype in ("int8", "uint8", "int16") and not LEAST_SCALE <= scales.max() <= MOST_SCALE:
        yield f"has the scale {scales.max():g}, which no values have"
    axis = quantization.quantizedDimension
    if len(scales) > 1 and not (0 <= axis < len(shape) and len(scales) == shape[axis]):
        yield f"has {len(scales)} scales along axis {axis} of the shape {tuple(shape)}"


def _operator_faults(model: Any, graph: Any, operator: Any, there: set[int]) -> Iterator[str]:
    """there: tensors that have values when the operator runs."""
    if not 0 <= operator.opcodeIndex < len(model.operatorCodes):
        yield f"is operator {operator.opcodeIndex} of a list of {len(model.operatorCodes)}"
    code = model.operatorCodes[operator.opcodeIndex]
    if max(code.builtinCode, code.deprecatedBuiltinCode) not in OPERATORS:
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        yield f"is an operator of number {number}, which there is not"
    if operator.builtinOptions2 is not None:
        yield "is a StableHLO operator, which is not read"
    kind = operator_name(model, operator)
    operator.inputs, operator.outputs = (
        [] if part is None else part for part in (operator.inputs, operator.outputs)
    )
    for number in (*operator.inputs, *(operator.intermediates if operator.intermediates is not None else ())):
        if not -1 <= number < len(graph.tensors):
            yield f"({kind}) reads tensor {number}, which is not there"
    if not len(operator.outputs) or not all(0 <= number < len(graph.tensors) for number in operator.outputs):
        written = [int(number) for number in operator.outputs]
        yield f"({kind}) writes tensors {written} of {len(graph.tensors)}"
    if there & {int(number) for number in operator.outputs} or len(set(operator.outputs)) < len(
        operator.outputs
    ):
        yield f"({kind}) writes what is there already"
    if not {int(number) for number in operator.inputs} - {-1} <= there:
        yield f"({kind}) reads what nothing has computed yet"
    options, least = _NEEDS.get(kind, (None, 0))
    if len(operator.inputs) < least or any(number < 0 for number in operator.inputs[:least]):
        yield f"({kind}) has {len(operator.inputs)} inputs, expected {least} at least"
    if options is not None and not isinstance(operator.builtinOptions, options):
        yield f"({kind}) lacks its options"
    for length in _LENGTHS:
        if getattr(operator.builtinOptions, length, 1) < 1:
            yield f"({kind}) has a {length} of {getattr(operator.builtinOptions, length)}"
    yield from (f"({kind}) {fault}" for fault in _shape_faults(kind, graph, operator))
    yield from (f"({kind}) {fault}" for fault in _scale_faults(kind, graph, operator))


def _shape_faults(kind: str, graph: Any, operator: Any) -> Iterator[str]:
    """Ranks that kernels take for granted when they index a shape."""
    shapes = [
        ()
        if number < 0 or graph.tensors[number].shape is None
        else tuple(map(int, graph.tensors[number].shape))
        for number in operator.inputs
    ]
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D") and len(shapes[0]) != 4:
        yield f"reads the shape {shapes[0]}, expected a picture of four axes"
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and (len(shapes[1]) != 4 or min(shapes[1]) < 1):
        yield f"has weights of the shape {shapes[1]}, expected four axes"
    if kind == "FULLY_CONNECTED" and (len(shapes[1]) != 2 or min(shapes[1]) < 1):
        yield f"has weights of the shape {shapes[1]}, expected two axes"
    if kind in _TAKES_SHAPE and len(shapes) > 1 and math.prod(shapes[1]) > MOST_AXES:
        yield f"takes a shape of {math.prod(shapes[1])} axes from a tensor"
    if kind == "CONCATENATION" and not -len(shapes[0]) <= operator.builtinOptions.axis < len(shapes[0]):
        yield f"joins along axis {operator.builtinOptions.axis} of {len(shapes[0])}"


def _scale_faults(kind: str, graph: Any, operator: Any) -> Iterator[str]:
    """Numbers that a kernel divides or shifts by, and asserts of: it ends the process if they are not so."""
    if kind == "SOFTMAX":
        beta, scale = float(operator.builtinOptions.beta), _scale(graph, operator.inputs[0])
        if not (math.isfinite(beta) and beta > 0) or (scale and beta * scale < LEAST_EXPONENT):
            yield f"has the factor {beta:g} for values in steps of {scale:g}"
    if kind in ("LOGISTIC", "TANH") and 0 < _scale(graph, operator.inputs[0]) < LEAST_EXPONENT:
        yield f"reads values in steps of {_scale(graph, operator.inputs[0]):g}"
    if kind in _COUNTS_IN_STEPS:
        tensors = [graph.tensors[number] for number in (*operator.inputs, *operator.outputs) if number >= 0]
        types = [TYPES[tensor.type] for tensor in tensors]
        for tensor, dtype in zip(tensors, types, strict=True):
            if dtype in ("int8", "uint8", "int16") and not _has_scale(tensor):
                yield f"reads or gives {dtype} of which no scale is known"
        if kind in ("ADD", "SUB", "MUL") and len(set(types)) > 1:
            yield f"reads or gives {' and '.join(sorted(set(types)))}"
    if kind in ("ADD", "SUB"):
        sources, output = (
            [_scale(graph, number) for number in operator.inputs[:2]],
            _scale(graph, operator.outputs[0]),
        )
        if output and 2 * max(sources) >= output * MOST_COARSER:
            yield f"adds values in steps of {max(sources):g} up in steps of {output:g}"


def _has_scale(tensor: Any) -> bool:
    return tensor.quantization is not None and bool(
        tensor.quantization.scale is not None and len(tensor.quantization.scale)
    )


def _scale(graph: Any, number: int) -> float:
    """The one scale of a quantised tensor; 0 of another."""
    quantization = graph.tensors[number].quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return 0.0
    return float(quantization.scale[0])
