"""What rounding a tensor costs the network's output: a first-order estimate, on samples.

A small change e of a tensor's values changes an output by the sum of gradient times e. So one pass forwards
and one backwards per output tell of every tensor, every channel and every range that could be tried what its
rounding and clipping would cost; nothing has to be run again. Errors of tensors add up: on our networks the
sum of the estimates is the measured cost within a few per cent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

STEPS = 255
BATCH = 16
PROBES = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """A node's values on a batch, (B, C, ...), and of each output the gradient with respect to them."""

    node: fx.Node
    values: Tensor
    gradients: list[Tensor]


def see(
    traced: fx.GraphModule, nodes: Collection[fx.Node], inputs: tuple[Tensor, ...]
) -> Iterator[list[Seen]]:
    """Values and gradients of the nodes, batch by batch."""
    for start in range(0, len(inputs[0]), BATCH):
        with torch.enable_grad():
            batch = _seen(traced, nodes, tuple(tensor[start : start + BATCH] for tensor in inputs), start)
        yield batch


def _seen(
    traced: fx.GraphModule, nodes: Collection[fx.Node], inputs: tuple[Tensor, ...], seed: int
) -> list[Seen]:
    run = _Keeping(traced, nodes)
    outputs = run.run(*inputs)
    kept = list(run.values.values())
    gradients = [
        torch.autograd.grad(probe.sum(), kept, retain_graph=True, allow_unused=True)
        for probe in _probes(outputs.flatten(1), seed)
    ]
    return [
        Seen(node, values.detach(), [_or_zero(gradient[place], values) for gradient in gradients])
        for place, (node, values) in enumerate(run.values.items())
    ]


def rounding_error(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """What rounding to 256 steps from low to high (broadcast) changes values by."""
    step = (high - low) / STEPS
    return torch.minimum(
        torch.maximum(((values - low) / step).round_().mul_(step).add_(low), low), high
    ).sub_(values)


def channel_costs(seen: Seen, error: Tensor) -> Tensor:
    """The squared change of the outputs that an error of each channel makes, summed over samples and outputs,
    (C,)."""
    shape = (*error.shape[:2], -1)
    return _stack([(gradient * error).reshape(shape).sum(2).square().sum(0) for gradient in seen.gradients])


def tensor_cost(seen: Seen, error: Tensor) -> Tensor:
    """The same of all channels together, ()."""
    return _stack([(gradient * error).flatten(1).sum(1).square().sum() for gradient in seen.gradients])


def weight_costs(layer: nn.Conv2d | nn.Linear, inputs: Tensor, gradients: list[Tensor]) -> Tensor:
    """The squared change of the outputs that a unit's error of each weight makes, summed over samples and
    outputs: (results, inputs, ...) as a dense layer's weights.

    inputs: of the layer on a batch. gradients: with respect to its results.
    """
    if isinstance(layer, nn.Linear):
        return _stack([gradient.square().T @ inputs.square() for gradient in gradients])
    unfolded = unfold(layer, inputs).transpose(1, 2)
    per_sample = [gradient.flatten(2) @ unfolded for gradient in gradients]
    return _stack([one.square().sum(0) for one in per_sample]).reshape(layer.weight.shape)


def unfold(layer: nn.Conv2d, inputs: Tensor) -> Tensor:
    """What a convolution multiplies by its weights at each place, (B, inputs * kernel, places)."""
    assert not isinstance(layer.padding, str)
    return F.unfold(inputs, layer.kernel_size, layer.dilation, layer.padding, layer.stride)


def _probes(outputs: Tensor, seed: int) -> list[Tensor]:
    """Two numbers per sample, (B,) each, the sum of whose squared changes is that of all outputs' on average:
    the outputs, or where there are more (an eye locator has 14), sums of them under random signs."""
    count = outputs.shape[1]
    if count <= PROBES:
        return [outputs[:, column] for column in range(count)]
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (PROBES, *outputs.shape), generator=generator) * 2.0 - 1.0
    return [(outputs * sign).sum(1) / PROBES**0.5 for sign in signs]


def _stack(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).sum(0)


def _or_zero(gradient: Tensor | None, values: Tensor) -> Tensor:
    return torch.zeros_like(values) if gradient is None else gradient


class _Keeping(fx.Interpreter):
    def __init__(self, traced: fx.GraphModule, nodes: Collection[fx.Node]) -> None:
        super().__init__(traced)
        self._nodes = nodes
        self.values: dict[fx.Node, Tensor] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if n in self._nodes:
            assert isinstance(result, Tensor)
            if not result.requires_grad:
                result.requires_grad_()
            self.values[n] = result
        return result
