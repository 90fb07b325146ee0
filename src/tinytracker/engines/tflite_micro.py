"""TensorFlow Lite Micro's interpreter on the host: what a microcontroller computes, bit by bit.

On every input tried, PyPI's `tflite-micro` gave the same bytes as TFLM built for Cortex-M4 and M7 with reference and
with CMSIS-NN kernels. It is slow, and the oracle for all microcontroller targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.engines.quiet import quiet_stderr
from tinytracker.engines.tflite_file import read_tflite
from tinytracker.errors import MissingExtraError, ModelError

ARENA_BYTES = 32 << 20


class TfliteMicroEngine:
    """An int8 .tflite file under TFLM. Raises ModelError if TFLM lacks an operator or the file keeps its weights outside
    the flatbuffer (TFLM would then run and answer nonsense), MissingExtraError without `tflite-micro`."""

    name = "tflite-micro"
    batch = 1

    def __init__(self, path: Path) -> None:
        try:
            from tflite_micro.python.tflite_micro import runtime
        except ImportError as error:
            raise MissingExtraError("tflite_micro", "micro") from error
        from tinytracker.engines.litert import LiteRTEngine

        # LiteRT verifies the flatbuffer (TFLM's interpreter would crash on a broken one) and knows the tensors' names.
        checked = LiteRTEngine(path, kernels="builtin")
        self.inputs, self.outputs = checked.inputs, checked.outputs
        content = read_tflite(path)
        _refuse_outside_weights(content, path)
        try:
            with quiet_stderr():
                self._interpreter = runtime.Interpreter.from_bytes(content, arena_size=max(ARENA_BYTES, 4 * len(content)))
        except (RuntimeError, ValueError) as error:
            reason = (str(error).splitlines() or ["no reason given"])[0]
            raise ModelError(f"{path} does not run under TensorFlow Lite Micro: {reason}") from error

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, array in enumerate(inputs):
            self._interpreter.set_input(np.ascontiguousarray(array), index)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(index)) for index in range(len(self.outputs))]


def _refuse_outside_weights(content: bytes, path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    if any(model.Buffers(index).Offset() > 1 for index in range(model.BuffersLength())):
        raise ModelError(f"{path} keeps its weights outside the flatbuffer, which TFLM cannot read; export it with tinytracker")
