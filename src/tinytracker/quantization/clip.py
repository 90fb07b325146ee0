"""Where to cut each tensor's range: wide ranges have coarse steps, narrow ones clip."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from tinytracker.models.network import Network
from tinytracker.progress import Progress, no_progress
from tinytracker.quantization.fake_quant import Rounding, Simulation, round_to_steps
from tinytracker.quantization.ranges import OUTPUT_MARGIN
from tinytracker.quantization.sensitivity import BATCH, see, tensor_cost
from tinytracker.quantization.trace import kind_of, trace

SHARES = (1.0, 0.92, 0.85, 0.78, 0.7, 0.6, 0.5, 0.4)  # of the extremes, tried as a range
SHARES_OF_EITHER_SIDE = SHARES[:6]
SATURATING = (nn.Tanh, nn.Sigmoid)


def best_ranges(
    folded: Network, inputs: tuple[Tensor, ...], progress: Progress = no_progress
) -> dict[str, tuple[float, float]]:
    """The range of every tensor that costs the network's output least, by the first-order estimate, by the
    name of the graph's node.

    Inputs and what a tanh gives out have fixed ones. What the network gives out, and what a tanh takes in, is
    not cut: a gaze farther out than any seen must not stop at the farthest one. (`ranges.settle` widens
    outputs.)
    """
    simulation = Simulation(folded)
    for start in range(0, len(inputs[0]), BATCH):
        simulation.observe(tuple(tensor[start : start + BATCH] for tensor in inputs))
    traced = trace(simulation.finish())
    names = {node.name: node for node in traced.graph.nodes}
    shared: dict[Rounding, list[fx.Node]] = {}
    for name, rounding in simulation.roundings.items():
        shared.setdefault(rounding, []).append(names[name])
    ranges: dict[str, tuple[float, float]] = {}
    searched: dict[fx.Node, Rounding] = {}
    for rounding, nodes in shared.items():
        low, high = rounding.range
        if not rounding.fixed and any(_saturates(node, traced) for node in nodes):
            margin = OUTPUT_MARGIN * (high - low)
            low, high = low - margin, high + margin
        elif not rounding.fixed and high > low and not any(_is_output(node) for node in nodes):
            searched.update(dict.fromkeys(nodes, rounding))
        ranges.update({node.name: (low, high) for node in nodes})
    tried = {rounding: _tried(rounding) for rounding in searched.values()}
    costs = {rounding: torch.zeros(len(tried[rounding])) for rounding in tried}
    for done, batch in enumerate(see(traced, searched.keys(), inputs), start=1):
        for seen in batch:
            rounding = searched[seen.node]
            for place, ends in enumerate(tried[rounding]):
                error = round_to_steps(seen.values, *ends) - seen.values
                costs[rounding][place] += tensor_cost(seen, error)
        progress(min(done * BATCH, len(inputs[0])), len(inputs[0]))
    for rounding, cost in costs.items():
        best = tried[rounding][int(cost.argmin())]
        ranges.update({node.name: (float(best[0]), float(best[1])) for node in shared[rounding]})
    return ranges


def _tried(rounding: Rounding) -> list[tuple[Tensor, Tensor]]:
    if float(rounding.low) == 0:
        return [(rounding.low, rounding.high * share) for share in SHARES]
    return [
        (rounding.low * down, rounding.high * up)
        for down in SHARES_OF_EITHER_SIDE
        for up in SHARES_OF_EITHER_SIDE
    ]


def _saturates(node: fx.Node, traced: fx.GraphModule) -> bool:
    return any(kind_of(user, traced) in SATURATING for user in node.users)


def _is_output(node: fx.Node) -> bool:
    return any(user.op == "output" for user in node.users)
