"""What values a network's tensors take on real samples: the ranges that 256 steps are laid over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tinytracker.progress import Progress
from tinytracker.quiet import quiet_stderr
from tinytracker.tflite.read import read_graph

Ranges = dict[str, tuple[float, float]]  # tensor's name -> lowest, highest real value


class Observer:
    """Runs a float .tflite and shows what every tensor holds."""

    def __init__(self, float_tflite: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        graph = read_graph(float_tflite)
        with quiet_stderr():
            self._interpreter = Interpreter(
                model_content=float_tflite,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
        self._inputs = graph.inputs
        self._names = {graph[index].name: index for index in graph.activations}

    def run(self, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """The values of all activations by tensor name; inputs: float32 arrays in the file's order, each
        with a leading 1."""
        for index, array in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(index, array)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._names.items()}


def observe(
    float_tflite: bytes,
    samples: Iterable[Sequence[np.ndarray]],
    progress: Progress | None = None,
    total: int = 0,
) -> Ranges:
    """Runs samples through a float .tflite and notes every activation's extremes; samples as
    `Observer.run` takes them."""
    observer = Observer(float_tflite)
    ranges: Ranges = {}
    for done, sample in enumerate(samples, start=1):
        for name, values in observer.run(sample).items():
            low, high = float(values.min()), float(values.max())
            seen = ranges.get(name, (low, high))
            ranges[name] = min(low, seen[0]), max(high, seen[1])
        if progress is not None:
            progress(done, total)
    return ranges
