"""What every engine is: something that runs a network on arrays in the tensors' own number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output tensor.

    shape: with the batch first, pictures as (1, height, width, channels). dtype: "int8", "uint8" or
    "float32". scale, zero_point: real value = (stored - zero_point) * scale; scale 0 means that the stored
    value is the real one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    @property
    def is_quantized(self) -> bool:
        return self.scale != 0

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """Real values -> stored ones, in the tensor's dtype; halves round away from zero, what does not
        fit is clipped."""
        if not self.is_quantized:
            return np.asarray(real, self.dtype)
        steps = np.asarray(real, np.float64) / self.scale
        rounded = np.trunc(steps + np.copysign(0.5, steps)) + self.zero_point
        limits = np.iinfo(self.dtype)
        return np.asarray(np.clip(rounded, limits.min, limits.max), self.dtype)

    def dequantize(self, stored: np.ndarray) -> np.ndarray:
        """Stored values -> real ones, float32."""
        if not self.is_quantized:
            return np.asarray(stored, np.float32)
        return (stored.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Engine(Protocol):
    """A network ready to run. One engine serves one thread at a time.

    batch: how many samples `invoke` takes at once; None: any number.
    """

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def batch(self) -> int | None: ...

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Runs the network once.

        inputs: per tensor of `inputs`, in order, an array of its shape (n instead of 1 first where `batch`
        allows) and dtype; not kept. Returns fresh arrays, one per tensor of `outputs`, in its dtype.
        """
        ...
