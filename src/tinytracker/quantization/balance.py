"""Channels balanced: each gets as many of the 256 steps as its rounding costs the output.

The channels of a tensor share one int8 step, so one that reaches to 0.1 beside one that reaches to 9 is left
with three steps. For every channel the range is sought that costs the output least, by the first-order
estimate on training samples, and channels are scaled so that these ranges become alike (Nagel et al., ICCV
2019, section 4.1, scale to equal extremes, in front of depthwise convolutions only). Where nothing clips or
pads a layer's results they are centred, too. The network computes the same.

What evens out channels makes the next layer's weights uneven, which share a step too: channels go as far
towards equal ranges as makes both together cost least.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from tinytracker.progress import Progress, no_progress
from tinytracker.quantization.channels import Axis, Channels
from tinytracker.quantization.clip import SHARES, SHARES_OF_EITHER_SIDE
from tinytracker.quantization.fold import Part
from tinytracker.quantization.sensitivity import (
    BATCH,
    Seen,
    channel_costs,
    rounding_error,
    see,
    weight_costs,
)

EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # how far channels go towards equal ranges
ROUNDS = 2  # over the axes, which share layers
MOST = 64.0  # between the factors of a tensor's channels
ALIVE = 1e-6  # of the largest channel; below, a channel is left as it is
WEIGHT_STEPS = 127
CANCELLED = 0.25  # of what plain rounding of weights costs is left by `weights.round_weights`


def balance(folded: Part, inputs: tuple[Tensor, ...], progress: Progress = no_progress) -> Part:
    """A copy of a folded network that computes the same and loses less by rounding.

    inputs: samples as the network takes them.
    """
    network = copy.deepcopy(folded)
    channels = Channels(network, tuple(tensor[:1] for tensor in inputs))
    kept, weights = _seen(channels, inputs, progress)
    tensors: dict[Axis, list[_Kept]] = {}
    for node, best in kept.items():
        tensors.setdefault(channels.tensors[node], []).append(best)
    factors = _chosen(channels, tensors, weights)
    for node, best in kept.items():
        if channels.shiftable(node):
            channels.shift(node, (best.low + best.high) / 2)
    channels.scale(factors)
    return network


@dataclass(frozen=True, slots=True)
class _Kept:
    """The range of each channel of a tensor that costs least, and what it costs, (C,) each."""

    low: Tensor
    high: Tensor
    cost: Tensor

    def cost_with(self, factor: Tensor) -> float:
        """Of rounding all channels, multiplied by a factor, within one range."""
        width = (self.high - self.low) * factor
        coarser = torch.where(width > ALIVE * width.max(), width.max() / width, torch.ones_like(width))
        return float((self.cost * coarser.square()).sum())


def _chosen(
    channels: Channels,
    tensors: dict[Axis, list[_Kept]],
    weights: dict[nn.Conv2d | nn.Linear, Tensor],
) -> dict[Axis, Tensor]:
    """The factors of the axes: each goes towards equal ranges as far as costs least, the others being as they
    are."""
    full = {axis: _factor(members) for axis, members in tensors.items()}
    factors = {axis: torch.ones_like(factor) for axis, factor in full.items()}
    layers: dict[Axis, list[nn.Conv2d | nn.Linear]] = {axis: [] for axis in full}
    for layer in weights:
        read, made = channels.axes(layer)
        for axis in {*read, made} & full.keys():
            layers[axis].append(layer)

    def cost(axis: Axis) -> float:
        rounding = sum(member.cost_with(factors[axis]) for member in tensors[axis])
        return rounding + sum(
            _weight_cost(layer, weights[layer], channels, factors) for layer in layers[axis]
        )

    for _ in range(ROUNDS):
        for axis in full:
            costs = []
            for exponent in EXPONENTS:
                factors[axis] = full[axis] ** exponent
                costs.append(cost(axis))
            factors[axis] = full[axis] ** EXPONENTS[min(range(len(costs)), key=costs.__getitem__)]
    return factors


def _weight_cost(
    layer: nn.Conv2d | nn.Linear, costs: Tensor, channels: Channels, factors: dict[Axis, Tensor]
) -> float:
    """Of rounding a dense layer's weights, scaled as its axes are."""
    read, made = channels.axes(layer)
    shape = (1, -1, *[1] * (costs.ndim - 2))
    smaller = channels.factor(read, factors).reshape(shape) / channels.factor([made], factors).reshape(
        -1, *[1] * (costs.ndim - 1)
    )
    scaled = layer.weight.detach().abs() / smaller
    top = scaled.flatten(1).amax(1) if isinstance(layer, nn.Conv2d) else scaled.amax()
    per_result = (costs * smaller.square()).flatten(1).sum(1)
    return CANCELLED / 12 * float((per_result * (top / WEIGHT_STEPS).square()).sum())


def _factor(members: list[_Kept]) -> Tensor:
    """What would make the channels of an axis equal: of its tensors each has its say by what it costs."""
    logs, weights = [], []
    for member in members:
        width = member.high - member.low
        alive = width > ALIVE * width.max()
        log = torch.where(alive, width.clamp(min=1e-30).log(), torch.zeros_like(width))
        logs.append(log - (log * member.cost).sum() / member.cost.sum().clamp(min=1e-30))
        weights.append(torch.where(alive, member.cost + 1e-12 * member.cost.sum(), torch.zeros_like(width)))
    total = torch.stack(weights).sum(0)
    log = (torch.stack(logs) * torch.stack(weights)).sum(0) / total.clamp(min=1e-30)
    factor = torch.where(total > 0, (-log).exp(), torch.ones_like(log))
    least = factor[total > 0].min() if (total > 0).any() else torch.ones(())
    return (factor / least).clamp(1.0, MOST)


def _seen(
    channels: Channels, inputs: tuple[Tensor, ...], progress: Progress
) -> tuple[dict[fx.Node, _Kept], dict[nn.Conv2d | nn.Linear, Tensor]]:
    """The best ranges of the tensors on free axes, and what errors of dense layers' weights cost."""
    nodes = [node for node, axis in channels.tensors.items() if axis in channels.free]
    dense = channels.dense()
    if not nodes:
        return {}, {}
    extremes = _extremes(channels.traced, nodes, inputs)
    tried = {node: _tried(*extremes[node], channels.shiftable(node)) for node in nodes}
    costs = {node: torch.zeros(len(tried[node]), len(extremes[node][0])) for node in nodes}
    weights = {layer: torch.zeros_like(layer.weight) for layer in dense.values()}
    for done, batch in enumerate(see(channels.traced, {*nodes, *dense, *map(_source, dense)}, inputs), 1):
        by_node = {seen.node: seen for seen in batch}
        with torch.no_grad():
            for node in nodes:
                for place, (low, high) in enumerate(tried[node]):
                    costs[node][place] += channel_costs(by_node[node], _error(by_node[node], low, high))
            for node, layer in dense.items():
                weights[layer] += weight_costs(layer, by_node[_source(node)].values, by_node[node].gradients)
        progress(min(done * BATCH, len(inputs[0])), len(inputs[0]))
    best = {}
    for node in nodes:
        least, chosen = costs[node].min(0)
        lows, highs = (
            torch.stack(ends).gather(0, chosen[None])[0] for ends in zip(*tried[node], strict=True)
        )
        best[node] = _Kept(lows, highs, least)
    return best, weights


def _source(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def _tried(low: Tensor, high: Tensor, shiftable: bool) -> list[tuple[Tensor, Tensor]]:
    """The ranges tried for each channel, (lows, highs), the extremes first."""
    if shiftable:
        middle, half = (low + high) / 2, (high - low) / 2
        return [
            (middle - half * down, middle + half * up)
            for down in SHARES_OF_EITHER_SIDE
            for up in SHARES_OF_EITHER_SIDE
        ]
    if (low >= 0).all():
        return [(torch.zeros_like(high), high * share) for share in SHARES]
    reach = torch.maximum(-low, high)
    return [(-reach * share, reach * share) for share in SHARES]


def _error(seen: Seen, low: Tensor, high: Tensor) -> Tensor:
    shape = (1, -1, *[1] * (seen.values.ndim - 2))
    return rounding_error(seen.values, low.reshape(shape), high.clamp(min=1e-30).reshape(shape))


def _extremes(
    traced: fx.GraphModule, nodes: list[fx.Node], inputs: tuple[Tensor, ...]
) -> dict[fx.Node, tuple[Tensor, Tensor]]:
    """The least and greatest value of each channel, (C,) each, by node."""
    found: dict[fx.Node, tuple[Tensor, Tensor]] = {}
    wanted = set(nodes)

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            result = super().run_node(n)
            if n in wanted:
                assert isinstance(result, Tensor)
                values = result.transpose(0, 1).flatten(1)
                low, high = values.amin(1), values.amax(1)
                if n in found:
                    low, high = torch.minimum(low, found[n][0]), torch.maximum(high, found[n][1])
                found[n] = low, high
            return result

    with torch.no_grad():
        for start in range(0, len(inputs[0]), BATCH):
            Recorder(traced).run(*(tensor[start : start + BATCH] for tensor in inputs))
    return found
