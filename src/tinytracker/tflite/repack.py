"""A .tflite as every target wants it: weights inside the flatbuffer, short names, the operator versions of
int8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinytracker.tflite.schema import bring_weights_inside, operator_name, pack, unpack

# The versions in which TFLite's operators learnt int8; quantizers leave later ones that old runtimes refuse.
INT8_VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "ADD": 2,
    "MUL": 2,
    "TANH": 2,
    "LOGISTIC": 2,
    "RESHAPE": 1,
    "CONCATENATION": 2,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
}


def repack(
    content: bytes, input_names: Sequence[str], output_name: str = "output", integer: bool = True
) -> bytes:
    """Writes a .tflite anew, plain and small; it computes the same.

    Weights that lie behind the flatbuffer move into it (TFLM reads nothing else, and fails silently); inputs
    and output are named as in the card, other tensors t0, t1, ...; equal constants are stored once, unused
    ones not at all; with `integer`, operators state the version that introduced int8.
    """
    model = unpack(content)
    bring_weights_inside(model, content)
    main = model.subgraphs[0]
    _drop_idle_requantizations(model)
    _drop_unused_operator_codes(model)
    names = dict(zip((int(index) for index in main.inputs), input_names, strict=True)) | {
        int(main.outputs[0]): output_name
    }
    for index, tensor in enumerate(main.tensors):
        tensor.name = names.get(index, f"t{index}").encode()
    for operator in main.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = operator_name(model, operator)
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(
            code.builtinCode, 127
        )  # the old field is one byte; 127 means "see the new one"
        if integer and name in INT8_VERSIONS:
            code.version = INT8_VERSIONS[name]
    model.description = b"tinytracker"
    model.metadata = [entry for entry in model.metadata or [] if entry.name == b"min_runtime_version"]
    model.signatureDefs = None
    _keep_used_buffers(model)
    return pack(model)


def _drop_idle_requantizations(model: Any) -> None:
    """Removes QUANTIZE operators whose output has the very scale and zero point of their input; their readers
    read that.

    ai-edge-quantizer puts one before a CONCATENATION behind a RESHAPE even where nothing is to be changed.
    """
    main = model.subgraphs[0]
    outputs = {int(index) for index in main.outputs}
    stand_in: dict[int, int] = {}
    kept = []
    for operator in main.operators:
        operator.inputs = np.array(
            [stand_in.get(int(index), int(index)) for index in operator.inputs], np.int32
        )
        if operator_name(model, operator) == "QUANTIZE" and int(operator.outputs[0]) not in outputs:
            before, after = (main.tensors[int(ends[0])] for ends in (operator.inputs, operator.outputs))
            if before.type == after.type and _grid(before) == _grid(after):
                stand_in[int(operator.outputs[0])] = int(operator.inputs[0])
                continue
        kept.append(operator)
    main.operators = kept
    used = sorted(
        {int(index) for operator in kept for index in (*operator.inputs, *operator.outputs) if index >= 0}
    )
    places = {index: place for place, index in enumerate(used)} | {-1: -1}
    main.tensors = [main.tensors[index] for index in used]
    for owner, field in [(operator, field) for operator in kept for field in ("inputs", "outputs")]:
        setattr(owner, field, np.array([places[int(index)] for index in getattr(owner, field)], np.int32))
    main.inputs = np.array([places[int(index)] for index in main.inputs], np.int32)
    main.outputs = np.array([places[int(index)] for index in main.outputs], np.int32)


def _drop_unused_operator_codes(model: Any) -> None:
    """The table of operators names only those in use: a runtime may refuse a file for one it never meets."""
    used = sorted({operator.opcodeIndex for graph in model.subgraphs for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for graph in model.subgraphs:
        for operator in graph.operators:
            operator.opcodeIndex = used.index(operator.opcodeIndex)


def _grid(tensor: Any) -> tuple[list[float], list[int]]:
    """Scales and zero points."""
    return list(tensor.quantization.scale), list(tensor.quantization.zeroPoint)


def _keep_used_buffers(model: Any) -> None:
    """Leaves buffer 0 (empty, by convention) and those that a tensor or metadata uses, each content once."""
    kept: list[Any] = [model.buffers[0]]
    places: dict[bytes, int] = {b"": 0}
    users = [*(tensor for graph in model.subgraphs for tensor in graph.tensors), *model.metadata]
    for user in users:
        buffer = model.buffers[user.buffer]
        data = b"" if buffer.data is None else bytes(bytearray(buffer.data))
        if data not in places:
            places[data] = len(kept)
            kept.append(buffer)
        user.buffer = places[data]
    model.buffers = kept
