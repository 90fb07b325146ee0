"""Equalised channels: the same function, larger small channels, less lost by rounding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tinytracker.models import create_model
from tinytracker.models.layers import ConvBN, InvertedResidual
from tinytracker.quantization.equalise import MOST, REACH, equalise
from tinytracker.quantization.fold import fold


@pytest.fixture(scope="module")
def uneven():
    """A folded TinyTracker whose stem's first channel is fifty times too small, and made up for behind, as
    training may do."""
    torch.manual_seed(3)
    network = create_model("tinytracker", size_px=48).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.5, 0.5)
    folded = fold(network)
    stem, block = folded.backbone[0], folded.backbone[1]
    with torch.no_grad():
        stem.conv.weight[0] /= 50
        stem.conv.bias[0] /= 50
        block.body[0].conv.weight[0] *= 50
    return folded


@pytest.fixture(scope="module")
def inputs():
    return (torch.rand(16, 5, 48, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1,)


def stem_extremes(network, inputs):
    with torch.no_grad():
        return network.backbone[0](network.mix(*inputs)).amax((0, 2, 3))


def test_computes_the_same(uneven, inputs):
    before = {name: tensor.clone() for name, tensor in uneven.state_dict().items()}
    other = (inputs[0].flip(2) * 0.8,)
    with torch.no_grad():
        torch.testing.assert_close(equalise(uneven, inputs)(*other), uneven(*other), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in uneven.state_dict().items()), (
        "it changed what it was given"
    )


def test_small_channels_grow_and_ranges_stay(uneven, inputs):
    before, after = (stem_extremes(network, inputs) for network in (uneven, equalise(uneven, inputs)))
    assert after.max() == pytest.approx(float(before.max()), rel=1e-5)
    alive = before > 0
    reached = torch.minimum(before * MOST, torch.full_like(before, REACH * float(before.max())))
    torch.testing.assert_close(after[alive], torch.maximum(before, reached)[alive], rtol=1e-4, atol=0)


def test_loses_less_by_rounding(uneven, inputs):
    """Behind the depthwise convolution, whose outputs are the same, a small channel has lost far less to
    the shared step."""

    def lost(network):
        stem, depthwise = network.backbone[0], network.backbone[1].body[0]
        with torch.no_grad():
            exact = stem(network.mix(*inputs))
            step = exact.max() / 255
            return (depthwise((exact / step).round() * step) - depthwise(exact))[:, 0].abs().mean()

    assert lost(equalise(uneven, inputs)) < lost(uneven) / 10


def test_without_depthwise_convolutions_nothing_happens():
    network = fold(create_model("tinytracker_eyes", eye_px=24, face_px=24))
    assert equalise(network, ()) is network


def test_what_others_read_too_stays():
    """A block that does not widen adds its input to its result: scaled, the sum would be another one."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = ConvBN(3, 4, 3, size=(8, 8))
            self.block = InvertedResidual(4, 4, 4, size=(8, 8))

        def forward(self, x):
            return self.block(self.stem(x))

    network = fold(Residual())
    assert equalise(network, (torch.rand(2, 3, 8, 8),)) is network
