"""A region's positions, baked in, are the position channels of that region."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tinytracker.domain import Box
from tinytracker.errors import TargetError, UsageError
from tinytracker.faces.crops import position_channels
from tinytracker.models import create_model, example_inputs
from tinytracker.models.sensor import sensor_part
from tinytracker.targets.imx500.making.bake import FixedPosition, bake, parse_region

REGION = (0.25, 0.1, 0.5, 0.8)


@pytest.mark.parametrize(
    ("name", "options"), [("tinytracker_imx", {"size_px": 64}), ("tinytracker", {"size_px": (64, 96)})]
)
def test_a_baked_region_gives_what_its_channels_gave(name, options):
    torch.manual_seed(0)
    network = create_model(name, position="channels", **options).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5  # statistics of its own inputs soon, or nothing of them reaches the output
    with torch.no_grad():
        for _ in range(6):
            network(*example_inputs(network, 8))
    network.eval()
    picture = network.spec.inputs[0]
    colours = torch.rand(2, 3, picture.height_px, picture.width_px) * 2 - 1
    x, y, width, height = REGION
    places = position_channels(
        Box(480 * x, 640 * y, 480 * width, 640 * height), 480, 640, picture.width_px, picture.height_px
    )
    channels = torch.from_numpy(places.transpose(2, 0, 1).copy())[None].expand(2, -1, -1, -1)
    baked, card = bake(network, network.card("n"), REGION)
    with torch.no_grad():
        assert torch.allclose(baked(colours), network(torch.cat([colours, channels], 1)), atol=1e-4)
        # Another region is another answer: the positions matter.
        elsewhere, _ = bake(network, network.card("n"), (0.0, 0.0, 0.3, 0.3))
        assert not torch.allclose(elsewhere(colours), baked(colours), atol=1e-3)
    assert baked.spec.inputs[0].position == card.inputs[0].position == "baked"
    assert card.inputs[0].channels == 3
    assert network.spec.inputs[0].position == "channels"


def test_a_baked_grid_becomes_a_map():
    network = create_model("tinytracker_imx", size_px=64, position="baked").eval()
    baked, _ = bake(network, network.card("n"), None)
    picture = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32))
    with torch.no_grad():
        assert torch.allclose(baked(picture), network(picture), atol=1e-5)
    assert isinstance(sensor_part(baked)[0][0], FixedPosition)


def test_a_network_without_positions_stays_itself():
    network = create_model("tinytracker_imx", size_px=64)
    assert bake(network, network.card("n"), None)[0] is network
    with pytest.raises(UsageError, match="--roi means nothing"):
        bake(network, network.card("n"), REGION)


def test_what_cannot_be_baked_is_refused():
    channels = create_model("tinytracker_imx", size_px=64, position="channels")
    with pytest.raises(UsageError, match="--roi x,y,width,height"):
        bake(channels, channels.card("n"), None)
    whole = create_model("tinytracker_imx", size_px=64, position="baked")
    with pytest.raises(UsageError, match="leave --roi out"):
        bake(whole, whole.card("n"), REGION)
    other = create_model("tinytracker_s", colour="rgb")
    with pytest.raises(TargetError, match="use tinytracker_imx"):
        bake(other, other.card("n"), None)


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "0.5,0,0.6,1", "0,0,0,1", "-0.1,0,0.5,0.5"])
def test_impossible_regions_are_refused(text):
    with pytest.raises(UsageError, match="region"):
        parse_region(text)


def test_a_region_is_read():
    assert parse_region("0.25,0.1,0.5,0.8") == REGION
