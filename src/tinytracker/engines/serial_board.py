"""A board on a serial link as an engine: the host crops, the board computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import DeviceError
from tinytracker.files import sha256
from tinytracker.link.link import BoardLink
from tinytracker.link.messages import BoardTensor


class SerialBoardEngine:
    """The network of a .tflite, computed by a board that was flashed with what was compiled from it.

    counts: what the board counted, per inference, in `count_unit` ("cycles", "instructions", "us", or "" if
    it does not). points_cm: as the board calibrated them, if it was given a calibration (`link.calibrate`).
    Raises DeviceError if the board holds another network, ModelError if the file is none.
    """

    name = "serial-board"
    batch = 1

    def __init__(self, link: BoardLink, path: Path) -> None:
        from tinytracker.engines.litert import LiteRTEngine

        hello = link.hello
        if hello.model_hash != model_hash(path):
            raise DeviceError(
                f"{hello.board} runs another network (hash {hello.model_hash:08x}) than {path.name} "
                f"({model_hash(path):08x}); give --model that one, or flash this one"
            )
        described = LiteRTEngine(path, kernels="builtin")  # knows the tensors' names and shapes
        for specs, tensors in ((described.inputs, hello.inputs), (described.outputs, hello.outputs)):
            if [prod(spec.shape) for spec in specs] != [tensor.bytes for tensor in tensors]:
                raise DeviceError(
                    f"{hello.board} has tensors of "
                    f"{', '.join(str(tensor.bytes) for tensor in tensors) or 'no'} "
                    f"bytes, {path.name} of other sizes; flash it with this network again"
                )
        self.link = link
        self.inputs = tuple(map(_on_board, described.inputs, hello.inputs))
        self.outputs = tuple(map(_on_board, described.outputs, hello.outputs))
        self.count_unit = hello.count
        self.counts: list[int] = []
        self.points_cm: list[tuple[float, float]] = []

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        result = self.link.infer(inputs)
        self.counts.append(result.count)
        if result.point_cm is not None:
            self.points_cm.append(result.point_cm)
        return [values.reshape(spec.shape) for values, spec in zip(result.outputs, self.outputs, strict=True)]


def _on_board(spec: TensorSpec, tensor: BoardTensor) -> TensorSpec:
    """Where the file begins with QUANTIZE or ends in DEQUANTIZE, a board leaves it out: int8, with the
    scale it told."""
    if spec.dtype != "float32":
        return spec
    return replace(spec, dtype="int8", scale=float(tensor.scale), zero_point=tensor.zero_point)


def model_hash(path: Path) -> int:
    """The number by which boards tell networks apart: the first 32 bits of the file's SHA-256."""
    return int(sha256(path)[:8], 16)
