"""Position channels -> a constant map, for a region that stays where it is.

The sensor has no channels to spare for positions. A 1x1 convolution of picture and position channels is the
sum of one of the picture and one of the positions; where the region does not move, the second is always the
same, and is added as it is.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from tinytracker.cards import ModelCard
from tinytracker.domain import Box
from tinytracker.errors import TargetError, UsageError
from tinytracker.faces.crops import position_vectors
from tinytracker.models import Network
from tinytracker.models.layers import BakedGrid
from tinytracker.models.sensor import SensorNetwork
from tinytracker.models.tinytracker import TinyTracker

COLOURS = 3
Region = tuple[float, float, float, float]  # x, y, width, height as shares of the whole picture
WHOLE_PICTURE: Region = (0.0, 0.0, 1.0, 1.0)


class FixedPosition(nn.Module):
    """(B, 3, H, W) -> (B, channels, H, W): what `conv` gives for a picture with the position channels of
    one region."""

    def __init__(self, conv: nn.Conv2d, positions: Tensor) -> None:
        """conv: 1x1, of 5 channels. positions: (1, 2, H, W)."""
        super().__init__()
        self.conv = nn.Conv2d(COLOURS, conv.out_channels, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(conv.weight[:, :COLOURS])
            constant = nn.functional.conv2d(positions, conv.weight[:, COLOURS:], conv.bias)
        self.register_buffer("constant", constant)
        self.constant: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.constant


def parse_region(text: str) -> Region:
    """ "0.25,0.1,0.5,0.8" -> x, y, width, height; raises UsageError unless they lie in the picture."""
    try:
        x, y, width, height = (float(number) for number in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"a region is four numbers x,y,width,height as shares of the picture, not {text!r}"
        ) from error
    if min(x, y) < 0 or min(width, height) <= 0 or x + width > 1 or y + height > 1:
        raise UsageError(f"a region must lie within the picture, 0 to 1 each way, not {text}")
    return x, y, width, height


def bake(network: Network, card: ModelCard, region: Region | None) -> tuple[Network, ModelCard]:
    """A copy that takes colour alone, and its card; the network itself where its position is "none" already.

    region: where the crop lies; must be given for position "channels", and is the whole picture for "baked".
    Raises UsageError if it is missing or means nothing, TargetError for a network whose positions do not meet
    a 1x1 convolution first.
    """
    picture = network.spec.inputs[0]
    if picture.position == "none":
        if region is not None:
            raise UsageError(
                f"{card.name} has no position channels, so --roi means nothing to it; leave it out"
            )
        return network, card
    if picture.position == "channels" and region is None:
        raise UsageError(
            f"{card.name} has position channels, which the sensor cannot feed; say with --roi "
            "x,y,width,height (shares of the picture) where its region stays"
        )
    if picture.position == "baked":
        if region not in (None, WHOLE_PICTURE):
            raise UsageError(f"{card.name} has the position of the whole picture baked in; leave --roi out")
        region = WHOLE_PICTURE
    assert region is not None
    x, y, width, height = region
    xs, ys = position_vectors(Box(x, y, width, height), 1, 1, picture.width_px, picture.height_px)
    columns, rows = torch.from_numpy(xs), torch.from_numpy(ys)
    size = (picture.height_px, picture.width_px)
    positions = torch.stack([columns.expand(size), rows[:, None].expand(size)])[None]
    baked = copy.deepcopy(network)
    if isinstance(baked, TinyTracker):
        baked.grid, baked.mix = nn.Identity(), FixedPosition(baked.mix, positions)  # type: ignore[assignment]
    elif isinstance(baked, SensorNetwork):
        layers = [layer for layer in baked.features.children() if not isinstance(layer, BakedGrid)]
        assert isinstance(layers[0], nn.Conv2d)
        baked.features = nn.Sequential(FixedPosition(layers[0], positions), *layers[1:])
    else:
        raise TargetError(
            f"{card.name} ({card.family}) has positions that cannot be baked in; use tinytracker_imx"
        )
    inputs = (replace(picture, position="baked"), *network.spec.inputs[1:])
    baked.spec = replace(network.spec, inputs=inputs)
    return baked.eval(), replace(card, inputs=inputs)
