"""TensorFlow Lite Micro's answers, to compare with byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from tinytracker.quiet import quiet_stderr
from tinytracker.tflite.graph import Graph


class Oracle:
    """One interpreter of a .tflite file's bytes."""

    def __init__(self, content: bytes) -> None:
        with quiet_stderr():
            self._interpreter = runtime.Interpreter.from_bytes(
                content, arena_size=max(8 << 20, 4 * len(content))
            )

    def invoke(self, samples: Sequence[Sequence[np.ndarray]], outputs: int = 1) -> list[list[np.ndarray]]:
        answers = []
        for sample in samples:
            for place, array in enumerate(sample):
                self._interpreter.set_input(np.ascontiguousarray(array), place)
            self._interpreter.invoke()
            answers.append([np.array(self._interpreter.get_output(place)) for place in range(outputs)])
        return answers


def random_samples(graph: Graph, count: int, seed: int = 0) -> list[list[np.ndarray]]:
    """int8 inputs: noise over the full range, and every fourth sample an extreme or a smooth one."""
    rng = np.random.default_rng(seed)
    samples = []
    for index in range(count):
        sample = []
        for number in graph.inputs:
            shape = graph[number].shape
            noise = rng.integers(-128, 128, shape)
            if index % 8 == 3:
                noise = np.where(rng.random(shape) < 0.5, -128, 127)
            if index % 8 == 7:
                noise = np.clip(np.cumsum(rng.integers(-3, 4, noise.size)).reshape(shape), -128, 127)
            sample.append(noise.astype(np.int8))
        samples.append(sample)
    return samples
