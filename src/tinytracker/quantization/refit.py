"""Weights that fit what rounding left: layer after layer, each refitted to its rounded inputs and then
rounded.

A layer of the int8 network sees what rounding made of the layers before it. Its weights and biases are
refitted, by least squares on training samples, to give what the float layer gives; then they are rounded one
input after the other, each time moving those not yet rounded to make up for it (Frantar et al., GPTQ, ICLR
2023). Nothing is trained, no labels are needed, the same samples give the same weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from tinytracker.progress import Progress, no_progress
from tinytracker.quantization.fake_quant import round_to_steps
from tinytracker.quantization.fold import Part
from tinytracker.quantization.trace import trace

ROWS = 24_000  # places of maps a layer is fitted on
CHUNK = 32  # samples unfolded at a time
HELD_BACK = 4  # of so many rows one, to choose how far weights may move
DAMPING = 0.01  # of the mean square of the inputs, for rounding
RIDGES = (0.001, 0.01, 0.1, 1.0)  # of the same, tried for refitting
LARGEST = 127


def refit(
    network: Part,
    ranges: Mapping[str, tuple[float, float]],
    inputs: tuple[Tensor, ...],
    progress: Progress = no_progress,
) -> Part:
    """A copy of a folded network whose weights lie on int8 steps (per output channel, of an FC per tensor).

    ranges: of the graph's nodes whose values are rounded, by name. inputs: samples, all kept in memory with a
    layer's values. progress: over the layers.
    """
    rounded = copy.deepcopy(network)
    exact, coarse = (fx.Interpreter(_in_place_off(trace(part))) for part in (network, rounded))
    exact.args_iter, coarse.args_iter = iter(inputs), iter(inputs)
    nodes = list(zip(exact.module.graph.nodes, coarse.module.graph.nodes, strict=True))
    fitted: set[object] = set()
    with torch.no_grad():
        for done, (node, twin) in enumerate(nodes, start=1):
            if node.op == "output":
                break
            exact.env[node] = exact.run_node(node)
            layer = coarse.module.get_submodule(str(twin.target)) if twin.op == "call_module" else None
            if isinstance(layer, nn.Conv2d | nn.Linear) and twin.target not in fitted:
                fitted.add(twin.target)  # one that runs again stays as its first run made it
                _fit(layer, coarse.env[twin.args[0]], exact.env[node])
            value = coarse.run_node(twin)
            if node.name in ranges:
                low, high = (torch.tensor(end) for end in ranges[node.name])
                value = round_to_steps(value, low, high)
            coarse.env[twin] = value
            for used, one in ((exact.user_to_last_uses, node), (coarse.user_to_last_uses, twin)):
                for old in used.get(one, []):
                    (exact if one is node else coarse).env.pop(old, None)
            progress(done, len(nodes))
    return rounded


def _in_place_off(traced: fx.GraphModule) -> fx.GraphModule:
    for module in traced.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return traced


def _fit(layer: nn.Conv2d | nn.Linear, inputs: Tensor, wanted: Tensor) -> None:
    """Gives a layer rounded weights and a bias with which it makes `wanted` of the rounded inputs."""
    given, results = _rows(layer, inputs, wanted)
    groups, results_each = results.shape[0], results.shape[1]
    weights = layer.weight.reshape(groups, results_each, -1).double()
    held = torch.arange(given.shape[2]) % HELD_BACK == 0
    moved = _refitted(weights, given, results, held)
    product, mean = _moments(given)
    rounded = _round_in_turn(moved, product, per_channel=isinstance(layer, nn.Conv2d))
    bias = results.mean(2) - (rounded @ mean[..., None])[..., 0]
    layer.weight.copy_(rounded.reshape(layer.weight.shape))
    assert layer.bias is not None
    layer.bias.copy_(bias.reshape(-1))


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
        unfolded = F.unfold(inputs[some], layer.kernel_size, layer.dilation, layer.padding, layer.stride)
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


def _refitted(weights: Tensor, given: Tensor, results: Tensor, held: Tensor) -> Tensor:
    """Weights moved towards least squares, as far as rows held back agree; where none do, as they were."""
    product, mean = _moments(given[..., ~held])
    centred = given - mean[..., None]
    left = results - weights @ given
    left = left - left[..., ~held].mean(2, keepdim=True)
    mixed = left[..., ~held] @ centred[..., ~held].transpose(1, 2) / int((~held).sum())
    best, least = weights, left[..., held].square().mean()
    for ridge in RIDGES:
        move = torch.linalg.solve(_damped(product, ridge), mixed.transpose(1, 2)).transpose(1, 2)
        missed = (left[..., held] - move @ centred[..., held]).square().mean()
        if missed < least:
            best, least = weights + move, missed
    return best


def _round_in_turn(weights: Tensor, product: Tensor, per_channel: bool) -> Tensor:
    """Weights on steps. The largest of each scale stays at 127 steps, for by it the scale is known again."""
    groups, rows, columns = weights.shape
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
