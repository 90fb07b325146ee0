"""How far a rewritten network is from the original: measured, on seeded inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinytracker.engines.litert import LiteRTEngine
from tinytracker.engines.protocol import Engine, TensorSpec
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import MissingExtraError

SAMPLES = 64
SMOOTH_PX = (
    16  # blobs of this size, as faces have; noise alone never gets far from grey behind the first layers
)


@dataclass(frozen=True, slots=True)
class Change:
    """Differences of the outputs, in steps of the original's output (LSB); step: what one is, before the
    card's scale to cm. engine: that computed both."""

    engine: str
    samples: int
    greatest_steps: float
    mean_steps: float
    step: float

    def __str__(self) -> str:
        return (
            f"outputs differ by {self.mean_steps:.2f} steps of their 8 bits on average, "
            f"{self.greatest_steps:.0f} at most ({self.samples} random inputs, {self.engine}, measured)"
        )


def measure(original: bytes, rewritten: bytes, samples: int = SAMPLES) -> Change:
    """Runs both on the same inputs, under TensorFlow Lite Micro if it is installed, else under LiteRT."""
    first, second = _engines((original, rewritten))
    rng = np.random.default_rng(4)
    step = next((spec.scale for spec in second.outputs if spec.is_quantized), 1.0)
    apart = []
    for index in range(samples):
        real = [_random(rng, spec, smooth=index % 2 == 0) for spec in second.inputs]
        results = [_real_outputs(engine, real) for engine in (first, second)]
        apart.append(np.abs(results[0] - results[1]) / step)
    return Change(first.name, samples, float(np.max(apart)), float(np.mean(apart)), step)


def _engines(contents: Sequence[bytes]) -> list[Engine]:
    try:
        return [TfliteMicroEngine(content) for content in contents]
    except MissingExtraError:
        return [LiteRTEngine(content, kernels="reference") for content in contents]


def _random(rng: np.random.Generator, spec: TensorSpec, smooth: bool) -> np.ndarray:
    """Real values over the input's range: noise, or blobs."""
    values = rng.integers(-128, 128, spec.shape)
    if smooth and len(spec.shape) == 4:
        coarse = rng.integers(
            -128, 128, (1, *(-(-length // SMOOTH_PX) for length in spec.shape[1:3]), spec.shape[3])
        )
        values = coarse.repeat(SMOOTH_PX, 1).repeat(SMOOTH_PX, 2)[:, : spec.shape[1], : spec.shape[2]]
    return (values.astype(np.float32) - np.float32(spec.zero_point)) * np.float32(spec.scale)


def _real_outputs(engine: Engine, real: Sequence[np.ndarray]) -> np.ndarray:
    stored = [
        spec.quantize(array) if spec.is_quantized else array
        for spec, array in zip(engine.inputs, real, strict=True)
    ]
    outputs = engine.invoke(stored)
    return np.concatenate(
        [
            (spec.dequantize(array) if spec.is_quantized else array).reshape(-1).astype(np.float64)
            for spec, array in zip(engine.outputs, outputs, strict=True)
        ]
    )
