"""What the networks for image sensors have in common: one picture in, two numbers out, and a correction on
the host.

Such a sensor (Sony's IMX500) cuts one rectangle out of its picture and feeds it to the network; where that
rectangle lies cannot be an input. The host knows it, and puts it in after the fact: gaze = y * scale(box) +
offset(box), where y is what the sensor gives and scale and offset come from a tiny network of the rectangle's
four numbers. That is the shape of the problem: a gaze point is distance x tangent of the gaze's angle + the
head's place, and distance and place are what the rectangle's size and position say.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec
from tinytracker.inputs import BOX_NUMBERS, box_kind_of
from tinytracker.models.network import Network, NetworkSpec

Head = Literal["linear", "sigmoid"]
FEATURES = 128
HIDDEN = 32


class SensorNetwork(Network):
    """A network for a sensor.

    features: picture -> (B, FEATURES). correct_by_box: whether the host corrects by the picture's box; the
    network then takes (picture, box), else (picture) alone. What runs in the sensor is `sensor_part`; what
    the host does is `correction`. The embedding is the features, joined by the box where there is one.
    """

    head: SensorHead

    def __init__(self, spec: NetworkSpec, features: nn.Module, head: Head, correct_by_box: bool) -> None:
        super().__init__()
        picture = spec.inputs[0]
        box = InputSpec(box_kind_of(picture.kind), box_kind_of(picture.kind))
        inputs = (picture, box) if correct_by_box else (picture,)
        self.spec = NetworkSpec(spec.family, inputs, spec.output, spec.output_scale_cm)
        self.options = {}
        self.features = features
        self.head = SensorHead(head, correct_by_box)
        self.embedding_shape = (FEATURES + (BOX_NUMBERS if correct_by_box else 0),)


class PictureNetwork(SensorNetwork):
    """A SensorNetwork of a picture alone."""

    def forward(self, picture: Tensor) -> Tensor:
        return self.head.correct(self.head.gaze(self.features(picture)))

    def embed(self, picture: Tensor) -> Tensor:
        return self.features(picture)


class BoxedNetwork(SensorNetwork):
    """A SensorNetwork of a picture and its box."""

    def forward(self, picture: Tensor, box: Tensor) -> Tensor:
        return self.head.correct(self.head.gaze(self.features(picture)), box)

    def embed(self, picture: Tensor, box: Tensor) -> Tensor:
        return torch.cat([self.features(picture), box], 1)


def build(spec: NetworkSpec, features: nn.Module, head: Head, correct_by_box: bool) -> SensorNetwork:
    """The network of `features`; spec: with the picture as its only input."""
    kind = BoxedNetwork if correct_by_box else PictureNetwork
    return kind(spec, features, head, correct_by_box)


class SensorHead(nn.Module):
    """From an embedding to gaze: `gaze` runs in the sensor, `correct` on the host."""

    def __init__(self, head: Head, correct_by_box: bool) -> None:
        super().__init__()
        # Sony's quantiser fuses a fully connected layer with a sigmoid, but not with a tanh.
        last = nn.Linear(FEATURES, 2)
        self.gaze: nn.Module = last if head == "linear" else nn.Sequential(last, nn.Sigmoid())
        # A sigmoid gives 0 to 1 where -1 to 1 is wanted.
        scale, offset = (1.0, 0.0) if head == "linear" else (2.0, -1.0)
        self.correct: nn.Module = (
            BoxCorrection(scale, offset) if correct_by_box else FixedCorrection(scale, offset)
        )

    def forward(self, embedding: Tensor) -> Tensor:
        if isinstance(self.correct, FixedCorrection):
            return self.correct(self.gaze(embedding))
        return self.correct(self.gaze(embedding[:, :FEATURES]), embedding[:, FEATURES:])


class FixedCorrection(nn.Module):
    """y * scale + offset, with the same numbers always."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, y: Tensor) -> Tensor:
        return y if (self.scale, self.offset) == (1.0, 0.0) else y * self.scale + self.offset

    def as_card(self) -> dict[str, Any]:
        if (self.scale, self.offset) == (1.0, 0.0):
            return {}
        return {"input": "", "scale": {"bias": [self.scale] * 2}, "offset": {"bias": [self.offset] * 2}}


class BoxCorrection(nn.Module):
    """y * scale(box) + offset(box); scale and offset share FC 32 and ReLU and start as the constants
    given."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(BOX_NUMBERS, HIDDEN)
        self.act = nn.ReLU()
        self.scale, self.offset = nn.Linear(HIDDEN, 2), nn.Linear(HIDDEN, 2)
        with torch.no_grad():
            for layer, value in ((self.scale, scale), (self.offset, offset)):
                layer.weight.zero_()
                layer.bias.fill_(value)

    def forward(self, y: Tensor, box: Tensor) -> Tensor:
        hidden = self.act(self.hidden(box))
        return y * self.scale(hidden) + self.offset(hidden)

    def as_card(self) -> dict[str, Any]:
        layers = {"hidden": self.hidden, "scale": self.scale, "offset": self.offset}
        return {"input": "box"} | {
            name: {"weight": layer.weight.detach().cpu().tolist(), "bias": layer.bias.detach().cpu().tolist()}
            for name, layer in layers.items()
        }


def sensor_part(network: SensorNetwork) -> nn.Sequential:
    """What runs in the sensor: picture (B, C, H, W) -> (B, 2). Shares the network's weights."""
    return nn.Sequential(network.features, network.head.gaze)


def correction(network: SensorNetwork) -> dict[str, Any]:
    """What the host does to the sensor's numbers, as a card's `correction` (`engines.correction` does it)."""
    card = network.head.correct.as_card()  # type: ignore[operator]
    return card | {"input": network.spec.inputs[1].kind} if card.get("input") else card
