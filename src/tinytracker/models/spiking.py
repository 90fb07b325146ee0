"""Neurons that integrate and fire, and what turns their spikes into numbers: what Retina's spiking network
is made of. Time is the first axis everywhere: (T, B, ...)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

SURROGATE_WIDTH = 0.5  # of the threshold


class _Spikes(torch.autograd.Function):
    """Spikes of integrate-and-fire neurons, (T, ...) -> (T, ...). Backward, through all of time: exponentials
    about every multiple of the threshold, so that a neuron that nearly fired learns, and one that fired often
    does too (Neftci et al., IEEE Signal Processing Magazine 36(6), 2019, and sinabs' PeriodicExponential).

    One function of all bins, and not an automatic derivative of each bin: a step of training takes two thirds
    of the time.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, threshold: float, lowest: float) -> Tensor:
        potentials, spikes = torch.empty_like(current), torch.empty_like(current)
        left = torch.zeros_like(current[0])
        for coming, potential, fired in zip(current, potentials, spikes, strict=True):
            torch.add(left, coming, out=potential)
            torch.div(potential, threshold, out=fired).floor_().clamp_(min=0)
            torch.sub(potential, fired, alpha=threshold, out=left).clamp_(min=lowest)
        ctx.save_for_backward(potentials, spikes)
        ctx.threshold, ctx.lowest = threshold, lowest
        return spikes

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        potentials, spikes = ctx.saved_tensors
        threshold, lowest = ctx.threshold, ctx.lowest
        found, later = torch.empty_like(potentials), torch.zeros_like(potentials[0])
        for bin_ in range(len(potentials) - 1, -1, -1):
            potential = potentials[bin_]
            later = later * (
                potential - threshold * spikes[bin_] > lowest
            )  # what is lost below is not learnt
            thresholds = potential / threshold
            away = (thresholds - thresholds.round().clamp_(min=1)).abs_()
            slope = away.mul_(-1 / SURROGATE_WIDTH).exp_().div_(threshold)
            torch.addcmul(later, gradient[bin_] - threshold * later, slope, out=found[bin_])
            later = found[bin_]
        return found, None, None


class IntegrateAndFire(nn.Module):
    """IAF: a potential grows by what comes in, fires once for every whole threshold in it, loses those, and
    never falls below `lowest`. It does not leak.

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

    def forward(self, current: Tensor) -> Tensor:
        fired: Tensor = _Spikes.apply(current, float(self.threshold), float(self.lowest))
        return fired


class SumPool(nn.Module):
    """Spikes of 2 x 2 pixels together, as wires that join: (N, C, H, W) -> (N, C, H // 2, W // 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return 4 * nn.functional.avg_pool2d(x, 2)


class TemporalFilter(nn.Module):
    """Spikes -> numbers: the last `length` bins weighted by scale * exp(-t / tau_synapse) * exp(-t /
    tau_membrane), t in bins (Retina's "non-spiking temporal filter"; 5 and 5 were its best). It runs beside
    the chip. (T, B, K) -> (T, B, K).

    scale: small, so that a number is many spikes and one spike a small step of it. Before there have been
    `length` bins, those that there were weigh as much as so many: numbers are as large from the first bin on.
    """

    def __init__(
        self, tau_synapse: float = 5.0, tau_membrane: float = 5.0, length: int = 20, scale: float = 0.05
    ) -> None:
        super().__init__()
        self.tau_synapse = nn.Parameter(torch.tensor(tau_synapse))
        self.tau_membrane = nn.Parameter(torch.tensor(tau_membrane))
        self.scale = nn.Parameter(torch.tensor(scale))
        self.length = length

    def forward(self, spikes: Tensor) -> Tensor:
        weights = self.weights()
        filtered = weights[0] * spikes
        for ago in range(1, min(self.length, len(spikes))):
            late = torch.cat([torch.zeros_like(spikes[:ago]), spikes[:-ago]])
            filtered = filtered + weights[ago] * late
        so_far = weights.cumsum(0)[torch.arange(len(spikes)).clamp(max=self.length - 1)]
        return filtered * (weights.sum() / so_far)[:, None, None]

    def weights(self) -> Tensor:
        """By bins ago, (length,)."""
        ago = torch.arange(self.length, dtype=self.scale.dtype, device=self.scale.device)
        return self.scale * torch.exp(-ago / self.tau_synapse - ago / self.tau_membrane)
