"""What quantisation costs, and whether the runtimes agree on what an int8 file computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.engines.litert import Kernels, LiteRTEngine
from tinytracker.engines.tflite_micro import TfliteMicroEngine

KERNELS: tuple[Kernels, ...] = ("xnnpack", "builtin", "reference")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Float against int8 on the same samples.

    drift: mean distance between the two networks' outputs, in `unit` (mean absolute difference of the 14
    numbers for an eye locator). error_float, error_int8: mean Euclidean errors against the labels, None for
    an eye locator. unit: "cm" of gaze, "px" of a window's cells for pupils.
    """

    samples: int
    drift: float
    error_float: float | None = None
    error_int8: float | None = None
    unit: str = "cm"

    @property
    def loss(self) -> float | None:
        """How much larger the int8 network's mean error is; by chance it may be negative."""
        if self.error_float is None or self.error_int8 is None:
            return None
        return self.error_int8 - self.error_float

    @property
    def cost(self) -> float:
        """What is held against a limit: the loss, or an eye locator's drift."""
        return self.drift if self.loss is None else self.loss

    def as_card(self) -> dict[str, float | int]:
        """The figures for a card's results, rounded."""
        figures: dict[str, float | int] = {"samples": self.samples, "drift": round(self.drift, 4)}
        if self.loss is not None and self.error_float is not None and self.error_int8 is not None:
            figures[f"error_float_{self.unit}"] = round(self.error_float, 4)
            figures[f"error_int8_{self.unit}"] = round(self.error_int8, 4)
            figures[f"loss_{self.unit}"] = round(self.loss, 4)
        return figures


def compare(
    float_outputs: np.ndarray, int8_outputs: np.ndarray, truth: np.ndarray | None, unit: str = "cm"
) -> Comparison:
    """Compares what both give for the same samples, (n, numbers). truth: (n, 2), points in `unit`, or None
    for an eye locator."""
    if truth is None:
        return Comparison(len(float_outputs), float(np.abs(float_outputs - int8_outputs).mean()))
    drift = np.linalg.norm(float_outputs - int8_outputs, axis=1).mean()
    error_float, error_int8 = (
        float(np.linalg.norm(outputs - truth, axis=1).mean()) for outputs in (float_outputs, int8_outputs)
    )
    return Comparison(len(float_outputs), float(drift), error_float, error_int8, unit)


def agreement(path: Path, samples: Iterable[Sequence[np.ndarray]]) -> dict[str, int]:
    """How far LiteRT is from TFLM on an int8 file: the greatest difference of any output, in steps (LSB), by
    kernels.

    samples: real-valued arrays per input, each with a leading 1. Keys: "xnnpack", "builtin", "reference".
    tflite-micro is the oracle: it computes what the microcontrollers do.
    """
    oracle = TfliteMicroEngine(path)
    engines = {kernels: LiteRTEngine(path, kernels=kernels) for kernels in KERNELS}
    worst = dict.fromkeys(map(str, KERNELS), 0)
    for sample in samples:
        stored = [tensor.quantize(array) for tensor, array in zip(oracle.inputs, sample, strict=True)]
        expected = oracle.invoke(stored)[0].astype(int)
        for kernels, engine in engines.items():
            apart = int(np.abs(engine.invoke(stored)[0].astype(int) - expected).max())
            worst[kernels] = max(worst[kernels], apart)
    return worst
