"""torch -> float .tflite by litert-torch, with pictures channels last."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

from tinytracker.extras import need
from tinytracker.models.layers import BakedGrid
from tinytracker.models.network import Network, example_inputs
from tinytracker.quiet import silence


class ChannelsLast(nn.Module):
    """A network that takes pictures as (B, height, width, channels), in the order and with the shapes its
    card states.

    A baked grid is appended channels last too: otherwise the converter leaves a TRANSPOSE and a PAD behind
    it.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval()
        for name, module in list(self.network.named_modules()):
            if isinstance(module, BakedGrid):
                parent, _, child = name.rpartition(".")
                setattr(self.network.get_submodule(parent), child, _BakedGridChannelsLast(module))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(*(x.permute(0, 3, 1, 2) if x.ndim == 4 else x for x in inputs))


class _BakedGridChannelsLast(nn.Module):
    def __init__(self, grid: BakedGrid) -> None:
        super().__init__()
        self.register_buffer("grid", torch.cat([grid.columns, grid.rows], 1).permute(0, 2, 3, 1).contiguous())
        self.grid: Tensor

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        grid = self.grid.expand(last.shape[0], -1, -1, -1)
        return torch.cat([last, grid], 3).permute(0, 3, 1, 2)


def channels_last_inputs(network: Network) -> tuple[Tensor, ...]:
    """One sample of random inputs as `ChannelsLast` takes them, contiguous."""
    return tuple(x.permute(0, 2, 3, 1).contiguous() if x.ndim == 4 else x for x in example_inputs(network))


def to_float_tflite(folded: Network) -> bytes:
    """Converts a folded network (`fold`) to a float .tflite for one sample.

    Takes 3 to 10 s, and 5 s more the first time. Raises MissingExtraError without litert-torch.
    """
    with silence():
        need("litert_torch", "export")
        import litert_torch

        converted = litert_torch.convert(ChannelsLast(folded).eval(), channels_last_inputs(folded))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "float.tflite"
            converted.export(str(path))
            return path.read_bytes()
