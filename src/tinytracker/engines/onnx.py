"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError
from tinytracker.extras import need


class OnnxEngine:
    """A float .onnx file as `tinytracker export` writes it: pictures channels last, any batch.

    Raises ModelError if the file is not ONNX, MissingExtraError without onnxruntime.
    """

    name = "onnx"
    batch = None

    def __init__(self, path: Path, threads: int = 1) -> None:
        need("onnxruntime", "onnx")
        import onnxruntime

        self._session = open_session(path, onnxruntime.SessionOptions(), threads, "an ONNX file")
        self.inputs = tuple(_spec(argument, path) for argument in self._session.get_inputs())
        self.outputs = tuple(_spec(argument, path) for argument in self._session.get_outputs())
        self._names = [spec.name for spec in self.inputs]

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return list(self._session.run(None, dict(zip(self._names, inputs, strict=True))))


def open_session(path: Path, options: Any, threads: int, expected: str) -> Any:
    """An onnxruntime.InferenceSession of a file on the CPU; `options` are SessionOptions.

    Raises ModelError, saying what was expected, if the file cannot be read or run.
    """
    from onnxruntime import InferenceSession

    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; expected {expected}") from error
    except Exception as error:  # onnxruntime's exceptions share no base but this
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise ModelError(f"{path} cannot be run: expected {expected}; {reason}") from error


def _spec(argument: Any, path: Path) -> TensorSpec:
    name, shape, kind = argument.name, argument.shape, argument.type
    if kind != "tensor(float)" or any(not isinstance(length, int) for length in shape[1:]):
        raise ModelError(
            f"{path}: tensor {name} is {kind} {shape}; expected float with all sizes but the batch fixed"
        )
    return TensorSpec(name, (1, *shape[1:]), "float32")
