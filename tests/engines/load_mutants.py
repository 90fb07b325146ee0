"""Loads and runs damaged .tflite files, those that pass `tflite.verify`, in a process of its own: it may die
of them.

python -m tests.engines.load_mutants SEED COUNT FIRST       # prints a line before each that it loads, "end"
at last
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from tests.compiler.graphs import RandomGraph
from tests.tflite_mutants import mutants
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.engines.protocol import Engine
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import ModelError, TargetError
from tinytracker.tflite.verify import verify
from tinytracker.zoo import find, list_released


def whole_files() -> list[bytes]:
    """The released networks, and small graphs of other operators, such as all of these engines run when
    they are whole."""
    released = [find(name).path.read_bytes() for name in list_released()]
    return [*released, *(RandomGraph(np.random.default_rng(seed), 5).finish() for seed in (4, 7))]


def engines(content: bytes) -> Iterator[Engine]:
    for kernels in ("xnnpack", "reference"):
        yield LiteRTEngine(content, kernels=kernels)  # type: ignore[arg-type]
    yield TfliteMicroEngine(content)


def main(seed: int, count: int, first: int) -> None:
    for index, content in enumerate(mutants(whole_files(), count, seed)):
        if index < first:
            continue
        try:
            verify(content, "mutant")
        except ModelError:
            continue
        print(index, flush=True)
        made = engines(content)
        while True:
            try:
                engine = next(made)
            except StopIteration:
                break
            except (ModelError, TargetError):  # refused in a line after all
                break
            with suppress(ModelError):
                engine.invoke([np.zeros(spec.shape, spec.dtype) for spec in engine.inputs])
    print("end", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
