"""Weights rounded so that their errors cancel on what a layer really sees.

Layer after layer, from the first, on training samples whose values were rounded before: the weights of one
input are rounded, and those not yet rounded moved to make up for it (Frantar et al., GPTQ, ICLR 2023). The
bias then takes up what is left of the mean of the float layer's results. Nothing is trained, no labels are
needed, the same samples give the same weights.

Fitting the weights anew to the rounded inputs first, by least squares, makes each layer's results better and
the network's worse: least squares shrink weights in front of noise, and layers' shrinking adds up.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn

from tinytracker.progress import Progress, no_progress
from tinytracker.quantization.fake_quant import round_to_steps
from tinytracker.quantization.fold import Part
from tinytracker.quantization.sensitivity import unfold
from tinytracker.quantization.trace import trace

ROWS = 24_000  # places of maps a layer is fitted on
CHUNK = 32  # samples unfolded at a time
DAMPING = 0.01  # of the mean square of the inputs
LARGEST = 127
MOST_VALUES = 2**26  # of one tensor, over all samples: 256 MB


def round_weights(
    network: Part,
    ranges: Mapping[str, tuple[float, float]],
    inputs: tuple[Tensor, ...],
    progress: Progress = no_progress,
) -> Part:
    """A copy of a folded network whose weights lie on int8 steps (per output channel, of an FC per tensor).

    ranges: of the graph's nodes whose values are rounded, by name. inputs: samples; of a large network as
    many of them, evenly, as keep a tensor within MOST_VALUES. progress: over the layers.
    """
    rounded = copy.deepcopy(network)
    inputs = _within_memory(network, inputs)
    exact, coarse = _Walk(network, inputs), _Walk(rounded, inputs)
    fitted: set[object] = set()
    with torch.no_grad():
        for done, (node, twin) in enumerate(zip(exact.nodes, coarse.nodes, strict=True), start=1):
            wanted = exact.step(node)
            layer = rounded.get_submodule(str(twin.target)) if twin.op == "call_module" else None
            if isinstance(layer, nn.Conv2d | nn.Linear) and twin.target not in fitted:
                fitted.add(twin.target)  # one that runs again stays as its first run made it
                _fit(layer, coarse.env[twin.all_input_nodes[0]], wanted)
            coarse.step(twin, ranges.get(node.name))
            progress(done, len(exact.nodes))
    return rounded


def _within_memory(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    walk = _Walk(network, tuple(tensor[:1] for tensor in inputs))
    with torch.no_grad():
        largest = max(walk.step(node).numel() for node in walk.nodes)
    count = max(1, MOST_VALUES // largest)
    if count >= len(inputs[0]):
        return inputs
    kept = torch.linspace(0, len(inputs[0]) - 1, count).round().long()
    return tuple(tensor[kept] for tensor in inputs)


class _Walk(fx.Interpreter):
    """Runs a network's graph node by node and forgets what is not needed any more."""

    def __init__(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        traced = trace(network)
        super().__init__(traced)
        self.args_iter = iter(inputs)
        self.nodes = [node for node in traced.graph.nodes if node.op != "output"]

    def step(self, node: fx.Node, rounded_to: tuple[float, float] | None = None) -> Tensor:
        """Runs the next node; its value is rounded within a range, if one is given."""
        value: Tensor = self.run_node(node)
        if rounded_to is not None:
            value = round_to_steps(value, *(torch.tensor(end) for end in rounded_to))
        self.env[node] = value
        for old in self.user_to_last_uses.get(node, []):
            del self.env[old]
        return value


def _fit(layer: nn.Conv2d | nn.Linear, inputs: Tensor, wanted: Tensor) -> None:
    """Gives a layer rounded weights and a bias with which it makes `wanted` of the rounded inputs."""
    given, results = _rows(layer, inputs, wanted)
    groups, results_each = results.shape[0], results.shape[1]
    weights = layer.weight.reshape(groups, results_each, -1).double()
    product, mean = _moments(given)
    rounded = _round_in_turn(weights, product, per_channel=isinstance(layer, nn.Conv2d))
    bias = results.mean(2) - (rounded @ mean[..., None])[..., 0]
    layer.weight.copy_(rounded.reshape(layer.weight.shape))
    layer.bias = nn.Parameter(bias.reshape(-1).to(layer.weight.dtype))  # int8 layers have one, float may not


def _rows(layer: nn.Conv2d | nn.Linear, inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """What a layer multiplies by its weights, (groups, inputs, rows), and what comes of it, (groups, results,
    rows), at ROWS places of the maps, the same ones every time."""
    if isinstance(layer, nn.Linear):
        return inputs.T[None].double(), wanted.T[None].double()
    places = wanted[0, 0].numel()
    each = max(1, min(places, ROWS // len(inputs)))
    generator = torch.Generator().manual_seed(places)
    given, results = [], []
    for start in range(0, len(inputs), CHUNK):
        some = slice(start, start + CHUNK)
        unfolded = unfold(layer, inputs[some])
        chosen = torch.rand(len(unfolded), places, generator=generator).argsort(1)[:, :each]
        given.append(_choose(unfolded, chosen))
        results.append(_choose(wanted[some].flatten(2), chosen))
    given_all, results_all = torch.cat(given, 1), torch.cat(results, 1)
    return (
        given_all.reshape(layer.groups, -1, given_all.shape[1]).double(),
        results_all.reshape(layer.groups, -1, results_all.shape[1]).double(),
    )


def _choose(values: Tensor, places: Tensor) -> Tensor:
    """(n, channels, all places) -> (channels, n * chosen places)."""
    chosen = values.gather(2, places[:, None].expand(-1, values.shape[1], -1))
    return chosen.transpose(0, 1).flatten(1)


def _moments(given: Tensor) -> tuple[Tensor, Tensor]:
    """Covariance, (groups, inputs, inputs), and mean, (groups, inputs), of a layer's inputs."""
    mean = given.mean(2)
    centred = given - mean[..., None]
    return centred @ centred.transpose(1, 2) / given.shape[2], mean


def _damped(product: Tensor, share: float) -> Tensor:
    level = product.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-12)
    return product + torch.diag_embed(level[:, None].expand(-1, product.shape[1]) * share)


def _round_in_turn(weights: Tensor, product: Tensor, per_channel: bool) -> Tensor:
    """Weights on steps. The largest of each scale stays at 127 steps, for by it the scale is known again."""
    _, rows, columns = weights.shape
    size = weights.abs()
    top = size.amax(2, keepdim=True) if per_channel else size.amax((1, 2), keepdim=True).expand(-1, rows, 1)
    scale = top.clamp(min=1e-12) / LARGEST
    order = product.diagonal(dim1=1, dim2=2).argsort(1, descending=True)
    left = weights.gather(2, order[:, None].expand(-1, rows, -1)).clone()
    is_top = left.abs() >= top
    sorted_rows = _damped(product, DAMPING).gather(1, order[..., None].expand(-1, -1, columns))
    sorted_product = sorted_rows.gather(2, order[:, None].expand(-1, columns, -1))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(sorted_product))
    upper = torch.linalg.cholesky(inverse, upper=True)
    tops = left.sign() * LARGEST
    done = torch.zeros_like(left)
    for column in range(columns):
        steps = (left[..., column] / scale[..., 0]).round().clamp(-LARGEST, LARGEST)
        steps = torch.where(is_top[..., column], tops[..., column], steps)
        done[..., column] = steps * scale[..., 0]
        error = (left[..., column] - done[..., column]) / upper[:, None, column, column]
        left[..., column:] -= error[..., None] * upper[:, None, column, column:]
    return torch.zeros_like(done).scatter(2, order[:, None].expand(-1, rows, -1), done)
