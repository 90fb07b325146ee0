"""What the sensor tells in a frame's metadata: reading it, and, for a simulated camera, writing it.

libcamera exports the network's outputs as one list of float32 (CnnOutputTensor) and a struct that says what
they are (CnnOutputTensorInfo): as in picamera2 0.3.38 and libcamera 0.6, little-endian, C alignment,

    char network_name[64]; uint32 num_tensors;
    struct { uint32 tensor_data_num; uint32 num_dimensions; uint16 size[16]; } info[16];
    uint8 frameCount; (3 bytes of padding)

frameCount is the sensor's own 8-bit count of the frame that the network saw.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytracker.errors import DeviceError

NAME_BYTES, MAX_TENSORS, MAX_DIMENSIONS = 64, 16, 16
_HEAD = struct.Struct(f"<{NAME_BYTES}sI")
_TENSOR = struct.Struct(f"<II{MAX_DIMENSIONS}H")
_TAIL = struct.Struct("<B3x")
INFO_BYTES = _HEAD.size + MAX_TENSORS * _TENSOR.size + _TAIL.size
COUNTS = 256  # frameCount is modulo this


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """name: the network's. shapes: of each output tensor. frame_count: 0 to 255, which frame the network
    saw."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    frame_count: int


def read_info(packed: bytes | Sequence[int]) -> TensorInfo:
    """Reads a CnnOutputTensorInfo; raises DeviceError if it has another length, as from another version of
    libcamera."""
    raw = bytes(packed)
    if len(raw) != INFO_BYTES:
        raise DeviceError(
            f"the camera's CnnOutputTensorInfo has {len(raw)} bytes, expected {INFO_BYTES}: libcamera and "
            "picamera2 differ in version; run: sudo apt update && sudo apt full-upgrade"
        )
    name, count = _HEAD.unpack_from(raw)
    shapes = []
    for index in range(min(count, MAX_TENSORS)):
        _, dimensions, *size = _TENSOR.unpack_from(raw, _HEAD.size + index * _TENSOR.size)
        shapes.append(tuple(size[:dimensions]))
    (frame_count,) = _TAIL.unpack_from(raw, INFO_BYTES - _TAIL.size)
    return TensorInfo(name.rstrip(b"\0").decode(errors="replace"), tuple(shapes), frame_count)


def write_info(info: TensorInfo) -> bytes:
    """The inverse of `read_info`."""
    tensors = b"".join(
        _TENSOR.pack(math.prod(shape), len(shape), *shape, *[0] * (MAX_DIMENSIONS - len(shape)))
        for shape in info.shapes
    )
    tensors += bytes(_TENSOR.size * (MAX_TENSORS - len(info.shapes)))
    return _HEAD.pack(info.name.encode(), len(info.shapes)) + tensors + _TAIL.pack(info.frame_count % COUNTS)


def frame_count(metadata: Mapping[str, Any]) -> int | None:
    """The sensor's count of the frame that the network saw; None if this frame carries no result."""
    packed = metadata.get("CnnOutputTensorInfo")
    return None if not packed else read_info(packed).frame_count


def with_result(
    outputs: Sequence[np.ndarray], name: str, frame_count: int, kpi_ms: tuple[float, float]
) -> dict[str, Any]:
    """The metadata of a frame that carries a result; kpi_ms: what the network and the rest of the
    processor took."""
    flat = [
        float(number)
        for output in outputs
        for number in np.asarray(output, np.float32).reshape(-1, order="F")
    ]
    info = TensorInfo(name, tuple(output.shape for output in outputs), frame_count % COUNTS)
    return {
        "CnnOutputTensor": flat,
        "CnnOutputTensorInfo": list(write_info(info)),
        "CnnKpiInfo": (round(kpi_ms[0] * 1000), round(kpi_ms[1] * 1000)),
    }
