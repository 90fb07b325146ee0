"""What values a network's tensors take on real samples: the ranges that 256 steps are laid over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and greatest value of every activation tensor, sample by sample: float32 (n,) each."""

    lows: dict[str, np.ndarray]
    highs: dict[str, np.ndarray]

    def ranges(self, percentile: float = 100.0) -> Ranges:
        """The range of each tensor: at 100 over all samples (min/max); below, the given percentile of the
        samples' own extremes, so that a few odd samples do not coarsen the steps for all others."""
        return {
            name: (
                float(np.percentile(low, 100 - percentile)),
                float(np.percentile(self.highs[name], percentile)),
            )
            for name, low in self.lows.items()
        }


def observe(
    float_tflite: bytes,
    samples: Iterable[Sequence[np.ndarray]],
    progress: Progress | None = None,
    total: int = 0,
) -> Extremes:
    """Runs samples through a float .tflite and notes every activation's extremes; samples as
    `Observer.run` takes them."""
    observer = Observer(float_tflite)
    lows: dict[str, list[float]] = {}
    highs: dict[str, list[float]] = {}
    for done, sample in enumerate(samples, start=1):
        for name, values in observer.run(sample).items():
            lows.setdefault(name, []).append(float(values.min()))
            highs.setdefault(name, []).append(float(values.max()))
        if progress is not None:
            progress(done, total)
    return Extremes(
        {name: np.array(low) for name, low in lows.items()},
        {name: np.array(high) for name, high in highs.items()},
    )
