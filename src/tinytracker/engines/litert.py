"""LiteRT (formerly TensorFlow Lite) with XNNPACK: the default engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.engines.quiet import quiet_stderr
from tinytracker.engines.tflite_file import read_tflite
from tinytracker.errors import ModelError

Kernels = Literal["xnnpack", "builtin", "reference"]


class LiteRTEngine:
    """A .tflite file on the CPU.

    threads: for one invocation. kernels: "xnnpack" is the fastest; "builtin" LiteRT's own; "reference" plain C++ loops,
    the nearest to a microcontroller's results. Int8 results differ by a few steps of the output between the three.
    Raises ModelError if the file is not a .tflite that LiteRT can run.
    """

    batch = 1

    def __init__(self, path: Path, threads: int = 1, kernels: Kernels = "xnnpack") -> None:
        self.name = "litert" if kernels == "xnnpack" else f"litert-{kernels}"
        content = read_tflite(path)
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
            reason = (str(error).splitlines() or ["no reason given"])[0]
            raise ModelError(f"{path} cannot be run: expected a whole .tflite file, LiteRT says: {reason}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs, self.outputs = tuple(map(_spec, inputs)), tuple(map(_spec, outputs))
        self._input_indices = [detail["index"] for detail in inputs]
        self._output_indices = [detail["index"] for detail in outputs]

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, array in zip(self._input_indices, inputs, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._output_indices]


def _spec(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    shape = tuple(int(length) for length in detail["shape"])
    return TensorSpec(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point))
