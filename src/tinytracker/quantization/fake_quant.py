"""Training with simulated int8 rounding, for a network that calibration alone costs too much.

The folded network is traced; after everything that will be a tensor of the .tflite its values are rounded to
256 steps, and so are the weights, each as TFLite does it (per-channel symmetric weights, FULLY_CONNECTED per
tensor, asymmetric activations; gradients pass straight through, Jacob et al., CVPR 2018). The network learns
to give what its float self gives, so no labels are needed; the ranges it settled on are handed to
`int8.quantize`.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn.utils import parametrize

from tinytracker.models.layers import BakedGrid, FlattenNHWC
from tinytracker.models.network import Network
from tinytracker.progress import Progress
from tinytracker.quantization.calibration import Observer, Ranges
from tinytracker.quantization.ground import Samples
from tinytracker.quantization.ranges import FIXED_OUTPUT, input_range
from tinytracker.quantization.trace import kind_of, trace

BATCH = 32
WARM_UP_BATCHES = 8
FREEZE_AFTER = 0.6  # of the steps; then ranges stay, and weights settle into them
MOMENTUM = 0.02  # of the moving extremes
# Rounded after themselves: their results are tensors of their own. (A ReLU is one with the layer before it.)
ROUNDED_MODULES = (nn.Conv2d, nn.Linear, nn.ReLU, nn.AvgPool2d, nn.Tanh, nn.Sigmoid, BakedGrid)
ROUNDED_FUNCTIONS = (operator.add, operator.sub, operator.mul, torch.add, torch.mul, torch.cat)
# Give out the steps they take in.
SAME_SCALE_MODULES = (nn.AvgPool2d, nn.MaxPool2d, FlattenNHWC, BakedGrid)
SAME_SCALE_FUNCTIONS = (torch.cat, torch.nn.functional.pad)


class Rounding(nn.Module):
    """Rounds values to 256 steps over a range that contains 0: a fixed one, or one that follows the
    values' extremes."""

    def __init__(self, fixed: tuple[float, float] | None = None) -> None:
        super().__init__()
        self.fixed = fixed is not None
        self.observing, self.rounding, self.frozen = False, False, False
        low, high = fixed or (0.0, 0.0)
        self.register_buffer("low", torch.tensor(low))
        self.register_buffer("high", torch.tensor(high))
        self.low: Tensor
        self.high: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if not self.fixed and not self.frozen and (self.observing or self.training):
            with torch.no_grad():
                self._follow(x.min(), x.max())
        return round_to_steps(x, self.low, self.high) if self.rounding else x

    def _follow(self, low: Tensor, high: Tensor) -> None:
        if self.observing:
            self.low.copy_(torch.minimum(self.low, low))
            self.high.copy_(torch.maximum(self.high, high))
        else:
            self.low.lerp_(low.clamp(max=0), MOMENTUM)
            self.high.lerp_(high.clamp(min=0), MOMENTUM)

    @property
    def range(self) -> tuple[float, float]:
        return float(self.low), float(self.high)


class _RoundedWeight(nn.Module):
    """A parametrisation: symmetric int8 steps, one scale per output channel, or one for the whole tensor."""

    def __init__(self, per_channel: bool) -> None:
        super().__init__()
        self.per_channel = per_channel

    def forward(self, weight: Tensor) -> Tensor:
        magnitude = weight.detach().abs()
        if self.per_channel:
            scale = magnitude.flatten(1).amax(1).clamp(min=1e-9) / 127
            zeros = torch.zeros_like(scale, dtype=torch.int32)
            return torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -127, 127)
        scale = magnitude.amax().clamp(min=1e-9) / 127
        return torch.fake_quantize_per_tensor_affine(
            weight, scale, torch.zeros((), dtype=torch.int32), -127, 127
        )


class Simulation:
    """A folded network that rounds as its int8 file will. Without ranges of its graph's nodes: `observe` some
    batches first."""

    def __init__(self, folded: Network, ranges: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.network = copy.deepcopy(folded).train()
        self._traced, self.roundings = _traced(self.network)
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                parametrize.register_parametrization(
                    module, "weight", _RoundedWeight(isinstance(module, nn.Conv2d))
                )
        if ranges is not None:
            for name, rounding in self.roundings.items():
                rounding.low.fill_(ranges[name][0])
                rounding.high.fill_(ranges[name][1])
            self.set(frozen=True, rounding=True)

    def observe(self, inputs: tuple[Tensor, ...]) -> None:
        """Widens the ranges to the values that float activations take on a batch."""
        self.set(observing=True, rounding=False)
        with torch.no_grad():
            self._traced(*inputs)
        self.set(observing=False, rounding=True)

    def set(self, **flags: bool) -> None:
        """Sets flags of all roundings."""
        for rounding in self.roundings.values():
            for flag, value in flags.items():
                setattr(rounding, flag, value)

    def __call__(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return self._traced(*inputs)

    def finish(self) -> Network:
        """The network as plain float weights again, to be converted; the simulation is over."""
        for module in self.network.modules():
            if parametrize.is_parametrized(module):
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
        return self.network.eval()


def train(
    folded: Network,
    samples: Samples,
    indices: np.ndarray,
    *,
    steps: int,
    start: Network | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    learning_rate: float = 1e-4,
    seed: int = 0,
    progress: Progress | None = None,
) -> Simulation:
    """Trains a copy of a folded network to keep its outputs under rounding; call `finish` on the result.

    indices: training samples. start: the same network fitted to rounding, to begin from. ranges: of its
    graph's nodes, which stay; without them they follow what is seen. The loss is the mean distance between
    the rounded and the float network's outputs.
    """
    rng = np.random.default_rng([seed, len(indices)])
    simulation = Simulation(start or folded, ranges)
    parameters = list(simulation.network.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1), learning_rate / 20)

    def batch() -> tuple[Tensor, ...]:
        chosen = np.sort(rng.choice(indices, min(BATCH, len(indices)), replace=False))
        return to_tensors(samples.read(chosen))

    for _ in range(WARM_UP_BATCHES if ranges is None else 0):
        simulation.observe(batch())
    for step in range(steps):
        if step == int(steps * FREEZE_AFTER):
            simulation.set(frozen=True)
        inputs = batch()
        with torch.no_grad():
            wanted = folded(*inputs)
        loss = torch.linalg.vector_norm(simulation(inputs) - wanted, dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1, steps)
    simulation.set(frozen=True)
    return simulation


def ranges_for(
    float_tflite: bytes,
    network: Network,
    of_nodes: Mapping[str, tuple[float, float]],
    inputs: list[np.ndarray],
) -> Ranges:
    """The ranges of a graph's nodes by the names of the float .tflite's tensors.

    Tensors and graph nodes are recognised by their values on one sample (`inputs`, as `FloatSamples.read`
    gives it): a converter keeps neither names nor order. Tensors without a node of their own, such as a
    reshaped one, are left out.
    """
    values = _node_values(network, to_tensors(inputs))
    ranges: Ranges = {}
    for name, tensor in Observer(float_tflite).run(inputs).items():
        best, distance = "", np.inf
        for node, value in values.items():
            if node in of_nodes and value.size == tensor.size:
                apart = float(np.abs(value.reshape(-1) - tensor.reshape(-1)).max())
                if apart < distance:
                    best, distance = node, apart
        if best and distance <= 1e-3 * max(float(np.abs(tensor).max()), 1e-3):
            ranges[name] = of_nodes[best]
    return ranges


def _traced(network: Network) -> tuple[fx.GraphModule, dict[str, Rounding]]:
    """The network with roundings in it, and these by the name of the node whose values they round."""
    traced = trace(network)
    graph = traced.graph
    nodes = [node for node in graph.nodes if node.op != "output"]
    kinds = {node: kind_of(node, traced) for node in nodes}
    group = _same_scale(nodes, kinds)
    by_group: dict[fx.Node, Rounding] = {}
    specs = iter(network.spec.inputs)
    for node in nodes:
        if node.op == "placeholder":
            by_group[group[node]] = Rounding(input_range(next(specs)))
        elif kinds[node] in (nn.Tanh, nn.Sigmoid):
            by_group[group[node]] = Rounding(FIXED_OUTPUT["TANH" if kinds[node] is nn.Tanh else "LOGISTIC"])
    roundings: dict[str, Rounding] = {}
    for node in nodes:
        if not _is_rounded(node, kinds):
            continue
        rounding = by_group.setdefault(group[node], Rounding())
        roundings[node.name] = rounding
        traced.add_submodule(f"rounding_{node.name}", rounding)
        with graph.inserting_after(node):
            rounded = graph.call_module(f"rounding_{node.name}", (node,))
        node.replace_all_uses_with(rounded, delete_user_cb=lambda user, rounded=rounded: user is not rounded)
    traced.recompile()
    return traced, roundings


def _is_rounded(node: fx.Node, kinds: dict[fx.Node, object]) -> bool:
    if node.op == "placeholder":
        return True
    kind = kinds[node]
    if kind in (nn.Conv2d, nn.Linear) and [kinds.get(user) for user in node.users] == [nn.ReLU]:
        return False
    return kind in ROUNDED_MODULES or kind in ROUNDED_FUNCTIONS


def _same_scale(nodes: list[fx.Node], kinds: dict[fx.Node, object]) -> dict[fx.Node, fx.Node]:
    """Node -> the representative of the set it must share its range with."""
    parent = {node: node for node in nodes}

    def root(node: fx.Node) -> fx.Node:
        while parent[node] is not node:
            node = parent[node]
        return node

    for node in nodes:
        if kinds[node] in SAME_SCALE_MODULES or kinds[node] in SAME_SCALE_FUNCTIONS:
            for source in node.all_input_nodes:
                parent[root(source)] = root(node)
    return {node: root(node) for node in nodes}


def _node_values(network: Network, inputs: tuple[Tensor, ...]) -> dict[str, np.ndarray]:
    """The values of all nodes for one sample, maps channels last."""
    values: dict[str, np.ndarray] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            result = super().run_node(n)
            if isinstance(result, Tensor):
                shown = result.permute(0, 2, 3, 1) if result.ndim == 4 else result
                values[n.name] = shown.detach().numpy().copy()  # a ReLU in place would change it later
            return result

    with torch.no_grad():
        Recorder(trace(network)).run(*inputs)
    return values


def round_to_steps(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    scale = (high - low).clamp(min=1e-8) / 255
    zero_point = torch.round(-128 - low / scale).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, -128, 127)


def to_tensors(arrays: list[np.ndarray]) -> tuple[Tensor, ...]:
    """Arrays as `FloatSamples.read` gives them -> as a network takes them, maps (B, C, H, W)."""
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    return tuple(tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor for tensor in tensors)
