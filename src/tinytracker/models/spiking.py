"""Neurons that integrate and fire, and what turns their spikes into numbers: what Retina's spiking network
is made of. Time is the first axis everywhere: (T, B, ...)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SURROGATE_WIDTH = 0.5  # of the threshold


class _Spikes(torch.autograd.Function):
    """Whole thresholds in a potential. Backward: exponentials about every multiple of the threshold, so that
    a neuron that nearly fired learns, and one that fired often does too (Neftci et al., IEEE Signal
    Processing Magazine 36(6), 2019, and sinabs' PeriodicExponential)."""

    @staticmethod
    def forward(ctx: Any, potential: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(potential, threshold)
        return torch.div(potential, threshold, rounding_mode="floor").clamp_(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        potential, threshold = ctx.saved_tensors
        thresholds = potential / threshold
        nearest = thresholds.round().clamp_(min=1)
        slope = torch.exp(-(thresholds - nearest).abs() / SURROGATE_WIDTH) / threshold
        return gradient * slope, None


class IntegrateAndFire(nn.Module):
    """IAF: a potential grows by what comes in, fires once for every whole threshold in it, loses those, and
    never falls below `lowest`. It does not leak.

    rectifies: as long as it is set, the neuron gives instead what it would fire on average of an even
    current: the current in thresholds, where it is positive. A network learns quickly so, and goes on with
    spikes (what conversion of a conventional network starts from: Rueckauer et al., Frontiers in
    Neuroscience 11, 2017).

    (T, B, ...) -> spikes (T, B, ...), whole numbers; every call starts from potential 0. threshold and lowest
    are parameters that are counted and never trained, as sinabs (which Retina is written in) has them.

    >>> neuron = IntegrateAndFire()
    >>> neuron(torch.tensor([[0.6], [0.6], [2.0], [-9.0], [1.9]])).flatten().tolist()
    [0.0, 1.0, 2.0, 0.0, 0.0]
    """

    def __init__(self, threshold: float = 1.0, lowest: float = -1.0) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold), requires_grad=False)
        self.lowest = nn.Parameter(torch.tensor(lowest), requires_grad=False)
        self.rectifies = False

    def forward(self, current: Tensor) -> Tensor:
        if self.rectifies:
            return torch.relu(current) / self.threshold
        spikes, potential = [], torch.zeros_like(current[0])
        for coming in current:
            potential = potential + coming
            fired = _Spikes.apply(potential, self.threshold)
            potential = torch.maximum(potential - fired * self.threshold, self.lowest)
            spikes.append(fired)
        return torch.stack(spikes)


class SumPool(nn.Module):
    """Spikes of 2 x 2 pixels together, as wires that join: (N, C, H, W) -> (N, C, H // 2, W // 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return 4 * nn.functional.avg_pool2d(x, 2)


class TemporalFilter(nn.Module):
    """Spikes -> numbers: the last `length` bins weighted by scale * exp(-t / tau_synapse) * exp(-t /
    tau_membrane), t in bins (Retina's "non-spiking temporal filter"; 5 and 5 were its best). It runs beside
    the chip. (T, B, K) -> (T, B, K)."""

    def __init__(self, tau_synapse: float = 5.0, tau_membrane: float = 5.0, length: int = 20) -> None:
        super().__init__()
        self.tau_synapse = nn.Parameter(torch.tensor(tau_synapse))
        self.tau_membrane = nn.Parameter(torch.tensor(tau_membrane))
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.length = length

    def forward(self, spikes: Tensor) -> Tensor:
        weights = self.weights()
        filtered = weights[0] * spikes
        for ago in range(1, min(self.length, len(spikes))):
            late = torch.cat([torch.zeros_like(spikes[:ago]), spikes[:-ago]])
            filtered = filtered + weights[ago] * late
        return filtered

    def weights(self) -> Tensor:
        """By bins ago, (length,)."""
        ago = torch.arange(self.length, dtype=self.scale.dtype, device=self.scale.device)
        return self.scale * torch.exp(-ago / self.tau_synapse - ago / self.tau_membrane)
