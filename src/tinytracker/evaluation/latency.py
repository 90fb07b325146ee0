"""How long a network takes on this machine: the engine alone, one sample at a time, as live tracking runs
it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.engines.registry import open_engine
from tinytracker.zoo import find


@dataclass(frozen=True, slots=True)
class Latency:
    """Of `runs` runs on one thread, in milliseconds."""

    median_ms: float
    p95_ms: float
    runs: int


def measure_latency(model: str | Path, runs: int = 200, warm_up: int = 20, seed: int = 0) -> Latency:
    """Times single runs of a network's engine on random input of the right shape, after `warm_up` runs that
    do not count.

    Finding the face, cropping and feeding are not in it (benchmarks/pipeline.py times those). LiteRT runs on
    one thread.
    """
    engine = open_engine(find(model).path)
    random = np.random.default_rng(seed)
    inputs = [_random(spec, random) for spec in engine.inputs]
    for _ in range(warm_up):
        engine.invoke(inputs)
    times_ns = np.empty(runs, np.int64)
    for run in range(runs):
        started = time.perf_counter_ns()
        engine.invoke(inputs)
        times_ns[run] = time.perf_counter_ns() - started
    return Latency(float(np.median(times_ns)) / 1e6, float(np.percentile(times_ns, 95)) / 1e6, runs)


def _random(spec: TensorSpec, random: np.random.Generator) -> np.ndarray:
    """An array of a tensor's shape and dtype; real values in [-1, 1)."""
    if spec.dtype == "float32":
        return random.uniform(-1, 1, spec.shape).astype(np.float32)
    limits = np.iinfo(spec.dtype)
    return random.integers(limits.min, limits.max + 1, spec.shape, dtype=spec.dtype)
