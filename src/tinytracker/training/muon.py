"""Muon: momentum whose steps are made orthogonal, for the weights of hidden layers; AdamW for all others.

A step of plain momentum is, as a matrix, nearly of low rank: a few directions take all the movement. Muon gives every
direction its share, and our small convolutional networks learn as much from fewer samples (benchmarks/optimisers.py). After
K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); a step has the root mean square that AdamW's
usually has, so both share a learning rate: J. Liu et al., "Muon is Scalable for LLM Training" (arXiv 2502.16982), section 2.2.
torch.optim.Muon takes no convolutions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
QUINTIC = (3.4445, -4.7750, 2.0315)  # takes singular values in (0, 1] to about 0.7 to 1.2 in ITERATIONS steps (Jordan et al.)
ITERATIONS = 5
LEAST_OUTPUTS = 16
RMS = 0.2  # root mean square of AdamW's steps, as found by Liu et al.


class Muon(torch.optim.AdamW):
    """AdamW, but for groups with "orthogonal": True, whose parameters (at least two axes, outputs first) are Muon's."""

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        for group in groups:
            group.setdefault("orthogonal", False)
        super().__init__(groups, lr=lr, fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step by the gradients, of which those of Muon's own parameters are spent by it."""
        for group in self.param_groups:
            if not group["orthogonal"]:
                continue
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"], group["weight_decay"])
                    parameter.grad = None  # AdamW passes over it
        return super().step(closure)

    def _move(self, parameter: Tensor, gradient: Tensor, learning_rate: float, weight_decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # AdamW expects one wherever there is a state
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's look ahead
        size = RMS * max(matrix.shape) ** 0.5
        parameter.mul_(1 - learning_rate * weight_decay)
        parameter.sub_(orthogonal(matrix).view(parameter.shape), alpha=learning_rate * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of `matrix`, (m, n), and singular values near 1, by Newton and Schulz's iteration.

    The iteration multiplies by polynomials of the Gram matrix from one side, so it runs on that, which is small.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T).T
    matrix = matrix / (matrix.norm() + 1e-7)
    gram = matrix @ matrix.T
    one = torch.eye(len(gram), device=gram.device, dtype=gram.dtype)
    product = one
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        factor = a * one + b * gram + c * (gram @ gram)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ matrix


def hidden_weights(network: nn.Module) -> list[Tensor]:
    """The weights that Muon is for: of convolutions and FCs, but not of depthwise ones, whose channels have nothing to do with
    each other, nor of layers with few outputs, such as the last, where each has a meaning and a scale of its own."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [layer.weight for layer in layers if getattr(layer, "groups", 1) == 1 and len(layer.weight) >= LEAST_OUTPUTS]
