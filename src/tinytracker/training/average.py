"""The moving average of the weights: what is validated, saved and shipped."""

from __future__ import annotations

import copy

import torch

from tinytracker.models import Network


class MovingAverage:
    """Keeps `network`, a copy of another with exponentially averaged weights and batch-norm statistics.

    decay: of the average; it starts small, (1 + step) / (10 + step), so that the first weights are soon
    forgotten. 0 makes the copy follow exactly.
    """

    def __init__(self, source: Network, decay: float) -> None:
        self.network = copy.deepcopy(source).eval().requires_grad_(False)
        self._decay = decay
        pairs = [
            (mine, theirs)
            for mine, theirs in zip(self._tensors(self.network), self._tensors(source), strict=True)
            if mine.is_floating_point()
        ]
        self._mine, self._theirs = [mine for mine, _ in pairs], [theirs for _, theirs in pairs]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after step (from 0)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._mine, self._theirs, 1 - decay)

    @staticmethod
    def _tensors(network: Network) -> list[torch.Tensor]:
        return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
