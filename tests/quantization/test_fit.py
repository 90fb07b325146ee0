"""Fitting to int8: the same function, estimates that hold, ranges and weights that lose less, on the file's
steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.quantization.conftest import NETWORKS, network_with_statistics
from tinytracker.models import create_model, example_inputs
from tinytracker.models.layers import ConvBN, FlattenNHWC, InvertedResidual, Residual
from tinytracker.models.network import CropOptions, Network, NetworkSpec
from tinytracker.quantization.balance import balance
from tinytracker.quantization.channels import Channels
from tinytracker.quantization.clip import best_ranges
from tinytracker.quantization.convert import to_float_tflite
from tinytracker.quantization.fake_quant import Simulation, ranges_for
from tinytracker.quantization.fit import fit
from tinytracker.quantization.fold import fold
from tinytracker.quantization.int8 import quantize
from tinytracker.quantization.ranges import settle
from tinytracker.quantization.sensitivity import rounding_error, see, tensor_cost
from tinytracker.quantization.weights import round_weights
from tinytracker.targets.imx500.making.bake import bake
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.repack import repack


class Uneven(Network):
    """Residual streams, pooling and an FC, with channels a hundred times apart and far from 0."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = NetworkSpec("uneven", (CropOptions(16, position="none").face(),))
        self.options = {}
        self.body = nn.Sequential(
            ConvBN(3, 6, 3, size=(16, 16), stride=2),
            InvertedResidual(6, 12, 6, size=(8, 8)),
            InvertedResidual(6, 12, 8, size=(8, 8)),
            ConvBN(8, 8, 3, size=(8, 8)),
            Residual(8, size=(8, 8)),
        )
        self.head = nn.Sequential(nn.AvgPool2d(4), FlattenNHWC(), nn.Linear(32, 16), nn.ReLU(inplace=True),
                                  nn.Linear(16, 2), nn.Tanh())  # fmt: skip

    def embed(self, face: torch.Tensor) -> torch.Tensor:
        return self.body(face)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(face))


@pytest.fixture(scope="module")
def uneven() -> Network:
    torch.manual_seed(4)
    network = Uneven().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.5, 0.5)
            module.weight.data.copy_(10 ** torch.empty_like(module.weight).uniform_(-1, 1))
    with torch.no_grad():
        network.head[4].weight.mul_(0.3 / network(*inputs_of(network)).std())
    return fold(network)


def inputs_of(network: Network, count: int = 48, seed: int = 1) -> tuple[torch.Tensor, ...]:
    return example_inputs(network, count, torch.Generator().manual_seed(seed))


def cost(network: Network, ranges: dict[str, tuple[float, float]], float_network: Network) -> float:
    """Mean squared distance of a rounded network from the float one, on samples it was not fitted to."""
    other = inputs_of(network, 200, 2)
    with torch.no_grad():
        apart = Simulation(network, ranges)(other) - float_network(*other)
    return float(apart.square().sum(1).mean())


def min_max(network: Network) -> dict[str, tuple[float, float]]:
    simulation = Simulation(network)
    simulation.observe(inputs_of(network))
    return {name: rounding.range for name, rounding in simulation.roundings.items()}


def test_a_balanced_network_computes_the_same(uneven):
    other = inputs_of(uneven, 20, 3)
    before = {name: tensor.clone() for name, tensor in uneven.state_dict().items()}
    with torch.no_grad():
        torch.testing.assert_close(
            balance(uneven, inputs_of(uneven))(*other), uneven(*other), rtol=1e-4, atol=1e-5
        )
    assert all(torch.equal(tensor, before[name]) for name, tensor in uneven.state_dict().items()), (
        "it changed what it was given"
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_computes_the_same_when_balanced(name):
    network = fold(network_with_statistics(name))
    other = inputs_of(network, 4, 3)
    balanced = balance(network, inputs_of(network, 6))
    with torch.no_grad():
        wanted = network(*other)
        near = 2e-4 * float(wanted.abs().max())
        torch.testing.assert_close(balanced(*other), wanted, rtol=1e-3, atol=near)


def test_both_operands_of_a_sum_and_the_sum_have_one_axis(uneven):
    channels = Channels(uneven, inputs_of(uneven, 1))
    named = {node.name: axis for node, axis in channels.tensors.items()}
    assert named["body_0_act"] is named["add"] is named["body_1_body_2_conv"]
    assert named["body_0_act"] is not named["body_1_body_0_act"]
    assert named["face"] not in channels.free
    assert named["head_4"] not in channels.free, "a tanh changes what is scaled"


def test_only_what_nothing_clips_pads_or_adds_is_centred(uneven):
    channels = Channels(uneven, inputs_of(uneven, 1))
    centred = {node.name for node in channels.tensors if channels.shiftable(node)}
    assert centred == set()  # of this network every layer without ReLU is added or padded
    tinytracker_s = fold(network_with_statistics("tinytracker-s-excite"))
    channels = Channels(tinytracker_s, inputs_of(tinytracker_s, 1))
    centred = {node.name for node in channels.tensors if channels.shiftable(node)}
    assert {"backbone_1_body_3_conv", "backbone_5_body_3_conv"} <= centred
    assert "backbone_0_conv" not in centred


def test_the_estimate_is_what_rounding_one_tensor_costs(uneven):
    inputs, channels = inputs_of(uneven, 200), Channels(uneven, inputs_of(uneven, 1))
    node = next(node for node in channels.tensors if node.name == "body_1_body_1_act")
    low, high = torch.zeros(()), torch.tensor(min_max(uneven)[node.name][1])
    estimated = sum(
        float(tensor_cost(seen, rounding_error(seen.values, low, high)))
        for batch in see(channels.traced, {node}, inputs)
        for seen in batch
    )
    simulation = Simulation(uneven, min_max(uneven))
    simulation.set(rounding=False)
    simulation.roundings[node.name].rounding = True
    for module in simulation.network.modules():
        if hasattr(module, "parametrizations"):
            nn.utils.parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    with torch.no_grad():
        measured = float((simulation(inputs) - uneven(*inputs)).square().sum())
    assert estimated == pytest.approx(measured, rel=0.25)


def test_each_step_loses_less(uneven):
    """On samples that nothing was fitted to: as it is, balanced, with cut ranges, with rounded weights."""
    inputs = inputs_of(uneven)
    balanced = balance(uneven, inputs)
    ranges = best_ranges(balanced, inputs)
    costs = [
        cost(uneven, min_max(uneven), uneven),
        cost(balanced, min_max(balanced), uneven),
        cost(round_weights(balanced, ranges, inputs), ranges, uneven),
    ]
    assert costs[2] < costs[1] < costs[0], costs
    assert costs[2] < 0.5 * costs[0], costs


def test_what_goes_out_and_what_a_tanh_takes_in_is_not_cut(uneven):
    ranges, seen = best_ranges(uneven, inputs_of(uneven)), min_max(uneven)
    assert ranges["head_4"][0] < seen["head_4"][0]
    assert ranges["head_4"][1] > seen["head_4"][1]
    assert ranges["head_5"] == (-1, 127 / 128)
    eyes = fold(network_with_statistics("tinytracker-eyes"))
    last, seen_last = best_ranges(eyes, inputs_of(eyes))["head_4"], min_max(eyes)["head_4"]
    assert last == pytest.approx(seen_last)


def test_the_file_has_the_weights_that_were_fitted(uneven):
    """The quantiser finds the same steps again: the largest weight of each stands at 127."""
    inputs = inputs_of(uneven)
    fitted = fit(uneven, inputs)
    converted = to_float_tflite(fitted.network)
    sample = [inputs[0][:1].permute(0, 2, 3, 1).numpy()]
    ranges = settle(
        read_graph(converted),
        ranges_for(converted, fitted.network, fitted.ranges, sample),
        uneven.spec.inputs,
    )
    graph = read_graph(repack(quantize(converted, ranges), ["face"]))
    layers = [module for module in fitted.network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    stored = []
    for operator in graph.ops:
        if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            tensor = graph[operator.inputs[1]]
            shape = [1] * len(tensor.shape)
            shape[3 if operator.kind == "DEPTHWISE_CONV_2D" else 0] = -1
            scales = np.asarray(tensor.quantization.scales, np.float32).reshape(shape)
            stored.append((operator.kind, tensor.data.astype(np.float32) * scales))
    assert len(stored) == len(layers)
    for (kind, weights), layer in zip(stored, layers, strict=True):
        wanted = layer.weight.detach().numpy()
        if kind == "CONV_2D":
            wanted = wanted.transpose(0, 2, 3, 1)
        elif kind == "DEPTHWISE_CONV_2D":
            wanted = wanted.transpose(1, 2, 3, 0)
        np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=1e-6 * float(np.abs(wanted).max()))


def test_a_large_network_is_rounded_on_fewer_samples(uneven, monkeypatch):
    """As many as memory allows, evenly spread: here every third."""
    inputs = inputs_of(uneven, 31)
    ranges = min_max(uneven)
    expected = round_weights(uneven, ranges, (inputs[0][torch.arange(0, 31, 3)],))
    monkeypatch.setattr("tinytracker.quantization.weights.MOST_VALUES", 11 * 17 * 17 * 3)  # a padded face
    got = round_weights(uneven, ranges, inputs)
    for name, tensor in got.state_dict().items():
        assert torch.equal(tensor, expected.state_dict()[name]), name


def test_the_same_samples_give_the_same_weights(uneven):
    one, other = (fit(uneven, inputs_of(uneven)) for _ in range(2))
    assert one.ranges == other.ranges
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name]), name


WHAT_GOES_IN = {"pupil": (0, 1), "retina_ann": (0, 1), "tinytracker_imx": (-1, 1)}


@pytest.mark.parametrize("name", WHAT_GOES_IN)
def test_networks_of_other_kinds_are_fitted(name):
    """One that is taught otherwise than it computes, layers without a bias, a region that is baked in."""
    torch.manual_seed(3)
    network = create_model(name, **({"position": "channels"} if name == "tinytracker_imx" else {})).train()
    with torch.no_grad():
        for _ in range(20):
            network(*inputs_of(network, 8))
    network.eval()
    if name == "tinytracker_imx":
        network, _ = bake(network, network.card(name), (0.3, 0.3, 0.4, 0.4))
    folded = fold(network)
    seen, other = (
        tuple(input_.clamp(*WHAT_GOES_IN[name]) for input_ in inputs_of(folded, 8, seed)) for seed in (1, 2)
    )
    fitted = fit(folded, seen)
    with torch.no_grad():
        rounded, real = Simulation(fitted.network, fitted.ranges)(other), folded(*other)
    assert float((rounded - real).abs().mean()) < 0.02
