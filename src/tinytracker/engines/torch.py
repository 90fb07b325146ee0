"""A checkpoint run by torch, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.extras import need
from tinytracker.inputs import OUTPUTS

if TYPE_CHECKING:
    from tinytracker.models import Network


class TorchEngine:
    """A network of `tinytracker.models` behind the same tensors as its exported files: pictures channels
    last, any batch."""

    name = "torch"
    batch = None

    def __init__(self, network: Network) -> None:
        self._network = network.eval()
        self.inputs = tuple(
            TensorSpec(spec.name, (1, *spec.shape), "float32") for spec in network.spec.inputs
        )
        self.outputs = (TensorSpec("output", (1, len(OUTPUTS[network.spec.output])), "float32"),)

    @classmethod
    def load(cls, path: Path) -> TorchEngine:
        """Reads a checkpoint; raises CheckpointError, or MissingExtraError without torch."""
        need("torch", "train")
        from tinytracker.models.checkpoint import load_network

        return cls(load_network(path))

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
            maps = [tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor for tensor in tensors]
            return [self._network(*maps).numpy()]
