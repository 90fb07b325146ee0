"""LiteRT (formerly TensorFlow Lite) with XNNPACK: the default engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError
from tinytracker.quiet import quiet_stderr
from tinytracker.tflite.file import name_of, read_tflite
from tinytracker.tflite.schema import operator_name, unpack

Kernels = Literal["xnnpack", "builtin", "reference"]


class LiteRTEngine:
    """A .tflite file, or its bytes, on the CPU.

    threads: for one invocation. kernels: "xnnpack" is the fastest; "builtin" LiteRT's own; "reference" plain
    C++ loops, the nearest to a microcontroller's results. Int8 results differ by a few steps of the output
    between the three. Raises ModelError if the file is not a .tflite that LiteRT can run, which `invoke`
    may be the first to see.
    """

    batch = 1

    def __init__(self, source: Path | bytes, threads: int = 1, kernels: Kernels = "xnnpack") -> None:
        self.name = "litert" if kernels == "xnnpack" else f"litert-{kernels}"
        content = read_tflite(source)
        self._called = name_of(source)
        if kernels == "xnnpack" and _xnnpack_dies_of(content):
            kernels = "builtin"
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = {
            "xnnpack": OpResolverType.AUTO,
            "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            "reference": OpResolverType.BUILTIN_REF,
        }[kernels]
        try:
            with quiet_stderr():
                self._interpreter = Interpreter(
                    model_content=content, num_threads=threads, experimental_op_resolver_type=resolver
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self._called} cannot be run: expected a whole .tflite file, LiteRT says: {_reason(error)}"
            ) from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs, self.outputs = tuple(map(_spec, inputs)), tuple(map(_spec, outputs))
        self._input_indices = [detail["index"] for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, array in zip(self._input_indices, inputs, strict=True):
            self._interpreter.set_tensor(index, array)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:  # some kernels see only now what they cannot compute
            raise ModelError(f"{self._called} cannot be run: LiteRT says: {_reason(error)}") from error
        return [self._interpreter.get_tensor(index) for index in self._output_indices]


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]


def _xnnpack_dies_of(content: bytes) -> bool:
    """A DEPTHWISE_CONV_2D without bias: a segmentation fault with LiteRT 2.3."""
    model = unpack(content)
    return any(
        operator_name(model, operator) == "DEPTHWISE_CONV_2D" and len(operator.inputs) < 3
        for graph in model.subgraphs
        for operator in graph.operators or ()
    )


def _spec(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(length) for length in detail["shape"])
    return TensorSpec(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point))
