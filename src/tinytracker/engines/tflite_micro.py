"""TensorFlow Lite Micro's interpreter on the host: what a microcontroller computes, bit by bit.

On every input tried, PyPI's `tflite-micro` gave the same bytes as TFLM built for Cortex-M4 and M7 with
reference and with CMSIS-NN kernels. It is slow, and the oracle for all microcontroller targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.errors import ModelError
from tinytracker.extras import need
from tinytracker.quiet import quiet_stderr
from tinytracker.tflite.file import name_of, read_tflite
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.shapes import shape_fault

ARENA_BYTES = 32 << 20


class TfliteMicroEngine:
    """An int8 .tflite file, or its bytes, under TFLM.

    Raises ModelError if TFLM lacks an operator or the file keeps its weights outside the flatbuffer (TFLM
    would then run and answer nonsense), MissingExtraError without `tflite-micro`.
    """

    name = "tflite-micro"
    batch = 1

    def __init__(self, source: Path | bytes) -> None:
        need("tflite_micro.python.tflite_micro", "micro")
        from tflite_micro.python.tflite_micro import runtime

        from tinytracker.engines.litert import LiteRTEngine

        # LiteRT refuses what makes no sense (TFLM's interpreter would crash on it) and knows the tensors'
        # names.
        checked = LiteRTEngine(source, kernels="builtin")
        self.inputs, self.outputs = checked.inputs, checked.outputs
        content = read_tflite(source)
        self._called = name_of(source)
        _refuse_outside_weights(content, name_of(source))
        _refuse_misfits(content, name_of(source))
        try:
            with quiet_stderr():
                self._interpreter = runtime.Interpreter.from_bytes(
                    content, arena_size=max(ARENA_BYTES, 4 * len(content))
                )
        except (RuntimeError, ValueError) as error:
            reason = (str(error).splitlines() or ["no reason given"])[0]
            raise ModelError(
                f"{name_of(source)} does not run under TensorFlow Lite Micro: {reason}"
            ) from error

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, array in enumerate(inputs):
            self._interpreter.set_input(np.ascontiguousarray(array), index)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise ModelError(f"{self._called} does not run under TensorFlow Lite Micro: {error}") from error
        return [np.array(self._interpreter.get_output(index)) for index in range(len(self.outputs))]


def _refuse_misfits(content: bytes, name: str) -> None:
    """TFLM takes the shapes of a file on trust, and aborts the process or reads beyond a tensor where they
    do not fit."""
    graph = read_graph(content, name)
    for op in graph.ops:
        if fault := shape_fault(graph, op):
            raise ModelError(
                f"{name} does not run under TensorFlow Lite Micro: {op.layer} {fault}; export it again"
            )


def _refuse_outside_weights(content: bytes, name: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    if any(model.Buffers(index).Offset() > 1 for index in range(model.BuffersLength())):
        raise ModelError(
            f"{name} keeps its weights outside the flatbuffer, which TFLM cannot read; export it with "
            f"tinytracker"
        )
