"""Retina's spiking network (Bonazzi et al., CVPR-W 2024, arXiv 2312.00425), as its paper counts it:
windows of events, one after the other -> a grid of boxes about the pupil."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from tinytracker.inputs import OUTPUTS
from tinytracker.models.layers import ConvBN, FlattenNHWC
from tinytracker.models.network import Network, NetworkSpec, event_window
from tinytracker.models.registry import register
from tinytracker.models.spiking import IntegrateAndFire, SumPool, TemporalFilter

# output channels, kernel, stride, whether spikes are pooled behind it; every convolution is padded by 1
CONVOLUTIONS = ((16, 5, 2, True), (64, 3, 1, True), (16, 3, 1, True), (16, 3, 1, False),
                (8, 3, 1, False), (16, 3, 1, False))  # fmt: skip
FEATURES = 128


class Retina(Network):
    """See the builder `retina`. The embedding is the spikes of the last layer but one, (128,)."""

    def __init__(self, size_px: int, window_events: int, decimation: int, window_among: int) -> None:
        super().__init__()
        events = event_window(size_px, window_events, window_among)
        self.spec = NetworkSpec("retina", (events,), output="pupil_grid", output_scale_cm=1.0)
        self.options = {}
        self.decimation = Decimation(events.channels, decimation)
        blocks: list[SpikingBlock] = []
        channels, size = events.channels, (size_px, size_px)
        for out_channels, kernel, stride, pooled in CONVOLUTIONS:
            weighted = ConvBN(
                channels, out_channels, kernel, size=size, stride=stride, padding="one", relu=False
            )
            blocks.append(SpikingBlock(weighted, SumPool() if pooled else nn.Identity()))
            share = 2 if pooled else 1
            channels, size = out_channels, (weighted.out_size[0] // share, weighted.out_size[1] // share)
        self.blocks = nn.ModuleList(blocks)
        self.flat = nn.Sequential(
            FlattenNHWC(), nn.Linear(channels * size[0] * size[1], FEATURES, bias=False)
        )
        self.flat_neurons = IntegrateAndFire()
        self.embedding_shape = (FEATURES,)
        self.last = nn.Linear(FEATURES, len(OUTPUTS["pupil_grid"]), bias=False)
        self.last_neurons = IntegrateAndFire()
        self.filter = TemporalFilter()

    def forward(self, events: Tensor) -> Tensor:
        """(B, 2, H, W), one window from rest, -> (B, 160); or (B, T, 2, H, W), windows one after the other
        from rest, -> (B, T, 160)."""
        if events.ndim == 4:
            return self.forward(events[:, None])[:, 0]
        return self.filter(self.spikes(events.transpose(0, 1))[-1]).transpose(0, 1)

    def embed(self, events: Tensor) -> Tensor:
        return self.spikes(events[None])[-2][0]

    def spikes(self, events: Tensor) -> list[Tensor]:
        """What every layer of neurons fires for windows (T, B, 2, H, W), in the order of the layers: the
        decimation's, (T, B, C, H, W) of each block, (T, B, 128) and (T, B, 160)."""
        fired = [self.decimation(events)]
        for block in self.blocks:
            fired.append(block(fired[-1]))
        flat = self.flat_neurons(_each_bin(self.flat, fired[-1]))
        return [*fired, flat, self.last_neurons(_each_bin(self.last, flat))]

    def synaptic_operations(self, fired: list[Tensor]) -> Tensor:
        """How many weights the spikes of `spikes` touched, all together: each costs a chip one addition.

        Differentiable in the spikes, for a loss that wants few.
        """
        blocks = [cast(SpikingBlock, block) for block in self.blocks]
        layers: list[nn.Conv2d | nn.Linear] = [block.weighted.conv for block in blocks]
        layers += [cast(nn.Linear, self.flat[-1]), self.last]
        return torch.stack(
            [touched(layer, spikes).sum() for layer, spikes in zip(layers, fired[:-1], strict=True)]
        ).sum()


def touched(layer: nn.Conv2d | nn.Linear, spikes: Tensor) -> Tensor:
    """The weights of a convolution or a fully connected layer that spikes (T, B, ...) touch, counted for each
    window, (T,): a spike at a map's edge meets fewer."""
    if isinstance(layer, nn.Linear):
        return spikes.flatten(1).sum(1) * layer.out_features
    (step, _), (pad, _), (kernel, _) = layer.stride, _pair(layer.padding), layer.kernel_size
    sides = [(length + 2 * pad - kernel) // step + 1 for length in spikes.shape[-2:]]
    ones = torch.ones(1, 1, *sides, dtype=spikes.dtype, device=spikes.device)
    weights = torch.ones(1, 1, kernel, kernel, dtype=spikes.dtype, device=spikes.device)
    left_over = [(length + 2 * pad - kernel) % step for length in spikes.shape[-2:]]
    meets = nn.functional.conv_transpose2d(ones, weights, None, step, pad, left_over)
    return (spikes.sum(dim=(1, 2)) * meets[0, 0]).sum(dim=(1, 2)) * layer.out_channels


def _pair(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    assert not isinstance(padding, str)
    return padding


class SpikingBlock(nn.Module):
    """A convolution with batch norm, neurons, and a pooling of their spikes: (T, B, ...) -> (T, B, ...)."""

    def __init__(self, weighted: ConvBN, pool: nn.Module) -> None:
        super().__init__()
        self.weighted, self.neurons, self.pool = weighted, IntegrateAndFire(), pool

    def forward(self, spikes: Tensor) -> Tensor:
        return _each_bin(self.pool, self.neurons(_each_bin(self.weighted, spikes)))


class Decimation(nn.Module):
    """One spike out for every `rate` events in: weights of an identity, never trained."""

    def __init__(self, channels: int, rate: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv.weight = nn.Parameter(torch.eye(channels)[:, :, None, None], requires_grad=False)
        self.neurons = IntegrateAndFire(threshold=float(rate))

    def forward(self, events: Tensor) -> Tensor:
        return self.neurons(_each_bin(self.conv, events))


def _each_bin(layer: nn.Module, x: Tensor) -> Tensor:
    """(T, B, ...) through a layer that knows no time."""
    bins, batch = x.shape[:2]
    y = layer(x.flatten(0, 1))
    return y.view(bins, batch, *y.shape[1:])


@register
def retina(
    size_px: int = 64, window_events: int = 300, decimation: int = 1, window_among: int = 0
) -> Network:
    """Windows of events -> (B, 160) or (B, T, 160): 4 x 4 cells of two boxes (x, y, width, height,
    confidence). 63,046 parameters without the temporal filter's three; 3.37 M multiply-accumulates a window
    without the decimation's, if they were no spikes. decimation: events that make one spike."""
    return Retina(size_px, window_events, decimation, window_among)
