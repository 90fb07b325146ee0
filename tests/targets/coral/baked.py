"""A released network with its position channels baked in, as the authors' TinyTracker-S has them: a
CONCATENATION in front."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.domain import Box
from tinytracker.faces.crops import position_vectors
from tinytracker.tflite.schema import unpack


def bake(content: bytes, box: Box, frame_px: tuple[int, int], float_output: bool = False) -> bytes:
    """The file with one picture of one or three channels as its input, its grid that of a box in a frame
    (width, height).

    float_output: ends in a DEQUANTIZE, as the authors' files do.
    """
    model = unpack(content)
    main = model.subgraphs[0]
    joined = int(main.inputs[0])
    tensor = main.tensors[joined]
    _, height, width, channels = map(int, tensor.shape)
    columns, rows = position_vectors(box, *frame_px, width, height)
    grid = np.stack(np.broadcast_arrays(columns[None, :], rows[:, None]), -1)
    scale, zero_point = float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])
    stored = np.clip(np.rint(grid / scale) + zero_point, -128, 127).astype(np.int8)[None]
    picture = _add_tensor(model, "picture", (1, height, width, channels - 2), tensor.quantization)
    constant = _add_tensor(model, "grid", stored.shape, tensor.quantization, stored)
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    main.operators.insert(0, _operator(model, "CONCATENATION", [picture, constant], [joined], options))
    main.inputs = np.array([picture], np.int32)
    if float_output:
        given = int(main.outputs[0])
        real = _add_tensor(
            model, "real", tuple(main.tensors[given].shape), None, kind=schema.TensorType.FLOAT32
        )
        main.operators.append(_operator(model, "DEQUANTIZE", [given], [real], schema.DequantizeOptionsT()))
        main.outputs = np.array([real], np.int32)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _add_tensor(model, name, shape, quantization, data=None, kind=schema.TensorType.INT8) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.quantization = (
        name.encode(),
        np.array(shape, np.int32),
        kind,
        quantization,
    )
    if data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _operator(model, kind, inputs, outputs, options):
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = 2
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    return operator
