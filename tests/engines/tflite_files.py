"""Writes the smallest .tflite that is of the family: one FULLY_CONNECTED from a picture to two numbers.

Built by hand from the format's schema, so that any shape, number format, scale and zero point can be asked
for.
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
}
WEIGHT_SCALE, OUTPUT_SCALE, OUTPUT_ZERO = 0.004, 0.02, 5


def write(
    path: Path,
    shape: tuple[int, ...],
    dtype: str = "int8",
    scale: float = 0.0081568,
    zero_point: int = -5,
    outputs: int = 2,
    float_output: bool = False,
) -> np.ndarray:
    """Writes a network whose outputs are (real input) @ weights.T; returns these weights, float (outputs,
    size).

    dtype: of input and output; with `float_output` a DEQUANTIZE follows. uint8 files take uint8 weights.
    """
    size = int(np.prod(shape))
    steps = np.random.default_rng(size).integers(-100, 101, (outputs, size))
    steps[:, np.arange(size) % 7 != 0] = 0  # few weights, so that sums stay within the output's range
    is_float = dtype == "float32"
    weight_scale = WEIGHT_SCALE / max(size / 500, 1)
    real = steps * weight_scale
    tensors, buffers = [], [_buffer(b"")]

    def tensor(name, shape, dtype, scale=None, zero=0, data=None):
        buffers.append(_buffer(data.tobytes() if data is not None else b""))
        item = schema.TensorT()
        item.name, item.shape, item.type = name, list(shape), dtype
        item.buffer = len(buffers) - 1 if data is not None else 0
        if scale is not None:
            item.quantization = schema.QuantizationParametersT()
            item.quantization.scale, item.quantization.zeroPoint = [scale], [zero]
        tensors.append(item)
        return len(tensors) - 1

    quantised = {} if is_float else {"scale": scale, "zero": zero_point}
    image = tensor("image", shape, TYPES[dtype], **quantised)
    if is_float:
        weights = tensor("weights", (outputs, size), TYPES[dtype], data=real.astype(np.float32))
        answer = tensor("answer", (1, outputs), TYPES[dtype])
    else:
        zero = 128 if dtype == "uint8" else 0
        stored = (steps + zero).astype(dtype)
        weights = tensor("weights", (outputs, size), TYPES[dtype], weight_scale, zero, stored)
        answer = tensor("answer", (1, outputs), TYPES[dtype], OUTPUT_SCALE, OUTPUT_ZERO + zero)
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes = 3, buffers, []
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [image], [answer], []
    options = schema.FullyConnectedOptionsT()
    _add(
        model, graph, "FULLY_CONNECTED", 4 if dtype == "int8" else 1, [image, weights, -1], [answer], options
    )
    if float_output:
        graph.outputs = [tensor("real", (1, outputs), TYPES["float32"])]
        _add(model, graph, "DEQUANTIZE", 2, [answer], graph.outputs, None)
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return real


def _add(model, graph, name, version, inputs, outputs, options) -> None:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = version
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes) - 1, inputs, outputs
    if options is not None:
        operator.builtinOptions, operator.builtinOptionsType = (
            options,
            schema.BuiltinOptions.FullyConnectedOptions,
        )
    graph.operators.append(operator)


def _buffer(data: bytes) -> schema.BufferT:
    item = schema.BufferT()
    item.data = np.frombuffer(data, np.uint8) if data else None
    return item
