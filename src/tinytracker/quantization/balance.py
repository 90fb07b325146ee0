"""Channels balanced: each gets all 256 steps for the range in which it is best kept.

The channels of a tensor share one int8 step, so one that reaches to 0.1 beside one that reaches to 9 is left
with three steps. Every channel is scaled so that the range that costs the output least, by the first-order
estimate on training samples, becomes the tensor's (Nagel et al., ICCV 2019, section 4.1, scale to equal
extremes and in front of depthwise convolutions only). Where nothing clips or pads a layer's results they are
centred, too. The network computes the same.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from tinytracker.progress import Progress, no_progress
from tinytracker.quantization.channels import Axis, Channels
from tinytracker.quantization.fold import Part
from tinytracker.quantization.sensitivity import BATCH, Seen, channel_costs, rounding_error, see

SHARES = (1.0, 0.92, 0.85, 0.78, 0.7, 0.6, 0.5, 0.4)  # of the extremes, tried as a channel's range
MOST = 64.0  # between the factors of a tensor's channels
ALIVE = 1e-6  # of the largest channel; below, a channel is left as it is


def balance(folded: Part, inputs: tuple[Tensor, ...], progress: Progress = no_progress) -> Part:
    """A copy of a folded network that computes the same and loses less by rounding.

    inputs: samples as the network takes them.
    """
    network = copy.deepcopy(folded)
    channels = Channels(network, tuple(tensor[:1] for tensor in inputs))
    kept = _best_ranges(channels, inputs, progress)
    widths: dict[Axis, list[_Kept]] = {}
    for node, best in kept.items():
        widths.setdefault(channels.tensors[node], []).append(best)
        if channels.shiftable(node):
            channels.shift(node, (best.low + best.high) / 2)
    channels.scale({axis: _factor(members) for axis, members in widths.items()})
    return network


@dataclass(frozen=True, slots=True)
class _Kept:
    """The range of each channel of a tensor that costs least, and what it costs, (C,) each."""

    low: Tensor
    high: Tensor
    cost: Tensor


def _factor(members: list[_Kept]) -> Tensor:
    """What the channels of an axis are multiplied by: of its tensors each has its say by what it costs."""
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
    return (factor / factor.min()).clamp(max=MOST)


def _best_ranges(channels: Channels, inputs: tuple[Tensor, ...], progress: Progress) -> dict[fx.Node, _Kept]:
    nodes = [node for node, axis in channels.tensors.items() if axis in channels.free]
    if not nodes:
        return {}
    extremes = _extremes(channels.traced, nodes, inputs)
    tried = {node: _tried(*extremes[node], channels.shiftable(node)) for node in nodes}
    costs = {node: torch.zeros(len(tried[node]), len(extremes[node][0])) for node in nodes}
    for done, batch in enumerate(see(channels.traced, nodes, inputs), start=1):
        for seen in batch:
            for place, (low, high) in enumerate(tried[seen.node]):
                costs[seen.node][place] += channel_costs(seen, _error(seen, low, high))
        progress(min(done * BATCH, len(inputs[0])), len(inputs[0]))
    best = {}
    for node in nodes:
        cost, place = costs[node].min(0)
        lows, highs = (torch.stack(ends) for ends in zip(*tried[node], strict=True))
        best[node] = _Kept(lows.gather(0, place[None])[0], highs.gather(0, place[None])[0], cost)
    return best


def _tried(low: Tensor, high: Tensor, shiftable: bool) -> list[tuple[Tensor, Tensor]]:
    """The ranges tried for each channel, (lows, highs), the extremes first."""
    if shiftable:
        middle, half = (low + high) / 2, (high - low) / 2
        return [(middle - half * down, middle + half * up) for down in SHARES[:6] for up in SHARES[:6]]
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
