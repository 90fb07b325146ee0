"""The flatbuffer of a .tflite as the schema's own objects, and the names of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.errors import ModelError


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


IDENTIFIER = b"TFL3"  # at byte 4 of every .tflite file (TensorFlow's schema.fbs, file_identifier)
OPERATORS = _names(schema.BuiltinOperator)
TYPES = {value: name.lower() for value, name in _names(schema.TensorType).items()}  # as numpy has them


def unpack(content: bytes) -> Any:
    """The flatbuffer as the schema's object tree (ModelT), free to be changed."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def pack(model: Any) -> bytes:
    """A .tflite file's bytes from a ModelT."""
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def operator_name(model: Any, operator: Any) -> str:
    """The builtin operator's name, such as CONV_2D."""
    code = model.operatorCodes[operator.opcodeIndex]
    return OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def bring_weights_inside(model: Any, content: bytes) -> bool:
    """Moves weights that lie in the file behind the flatbuffer into it (TFLM reads nothing else, and fails
    silently); gives whether there were any. Such buffers have an offset; 0 means none, 1 is a placeholder."""
    outside = [buffer for buffer in model.buffers if (buffer.offset or 0) > 1]
    for buffer in outside:
        buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset).copy()
        buffer.offset = buffer.size = 0
    return bool(outside)


def refuse_others(content: bytes, name: str) -> None:
    """Raises ModelError if bytes do not begin as a .tflite file does. name: what messages call them."""
    if not content:
        raise ModelError(f"{name} is empty; expected a .tflite file: export or copy it again")
    if content[4:8] != IDENTIFIER:
        what = f"{len(content)} bytes that begin with {content[:8]!r}"
        raise ModelError(
            f"{name} is not a .tflite file: expected 'TFL3' at byte 4, found {what}; give a network, not "
            f"its card"
        )
