"""Muon: momentum whose steps are made orthogonal, for the weights of hidden layers; AdamW for all others.

A step of plain momentum is, as a matrix, nearly of low rank: a few directions take all the movement. Muon
gives every direction its share, and our small convolutional networks learn as much from fewer samples
(benchmarks/optimisers.py). After K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks"
(2024); a step has the root mean square that AdamW's usually has, so both share a learning rate: J. Liu et
al., "Muon is Scalable for LLM Training" (arXiv 2502.16982), section 2.2. torch.optim.Muon takes no
convolutions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
QUINTIC = (
    3.4445,
    -4.7750,
    2.0315,
)  # takes singular values in (0, 1] to about 0.7 to 1.2 in ITERATIONS steps (Jordan et al.)
ITERATIONS = 5
LEAST_OUTPUTS = 16
RMS = 0.2  # root mean square of AdamW's steps, as found by Liu et al.


class Muon(torch.optim.AdamW):
    """AdamW, but for groups with "orthogonal": True, whose parameters (at least two axes, outputs first)
    are Muon's. capturable: the step may be recorded as a CUDA graph; learning rates are tensors then."""

    def __init__(self, groups: list[dict[str, Any]], lr: float, capturable: bool = False) -> None:
        for group in groups:
            group.setdefault("orthogonal", False)
        super().__init__(groups, lr=lr, fused=True, capturable=capturable)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step by the gradients, of which those of Muon's own parameters are spent by it."""
        for group in self.param_groups:
            if group["orthogonal"]:
                for alike in _by_shape(group["params"]):
                    self._move(alike, group["lr"], group["weight_decay"])
        return super().step(closure)

    def _move(self, alike: list[Tensor], learning_rate: float | Tensor, weight_decay: float) -> None:
        """Moves parameters whose matrices have one shape: a batch of matrices is made orthogonal as fast as
        one."""
        ahead = []
        for parameter in alike:
            gradient, parameter.grad = parameter.grad, None  # AdamW passes over it
            assert gradient is not None
            momentum = self._momentum(parameter).lerp_(gradient, 1 - MOMENTUM)
            ahead.append(gradient.lerp(momentum, MOMENTUM).flatten(1))  # Nesterov's look ahead
        size = RMS * max(ahead[0].shape) ** 0.5
        for parameter, step in zip(alike, orthogonal(torch.stack(ahead)), strict=True):
            parameter.mul_(1 - learning_rate * weight_decay)
            parameter.sub_(step.view(parameter.shape) * (learning_rate * size))

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # AdamW expects one wherever there is a state
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        return momentum


def _by_shape(parameters: list[Tensor]) -> list[list[Tensor]]:
    """Parameters that have a gradient, those with matrices of one shape together."""
    groups: dict[tuple[int, ...], list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            groups.setdefault((parameter.shape[0], parameter[0].numel()), []).append(parameter)
    return list(groups.values())


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of `matrix`, (..., m, n), and singular values near 1, by Newton and
    Schulz's iteration.

    The iteration multiplies by polynomials of the Gram matrix from one side, so it runs on that, which is
    small.
    """
    if matrix.shape[-2] > matrix.shape[-1]:
        return orthogonal(matrix.mT).mT
    matrix = matrix / (matrix.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    gram = matrix @ matrix.mT
    one = torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    product = one
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        factor = a * one + b * gram + c * (gram @ gram)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ matrix


def hidden_weights(network: nn.Module) -> list[Tensor]:
    """The weights that Muon is for: of convolutions and FCs, but not of depthwise ones, whose channels have
    nothing to do with each other, nor of layers with few outputs, such as the last, where each has a meaning
    and a scale of its own."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [
        layer.weight
        for layer in layers
        if getattr(layer, "groups", 1) == 1 and len(layer.weight) >= LEAST_OUTPUTS
    ]
