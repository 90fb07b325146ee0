"""What every network of ours is: a module that knows its inputs, its output and where its embedding is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.inputs import OutputName


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What goes in and comes out: the part of a ModelCard that a network is born with.

    inputs: in the order of forward()'s arguments. output: "gaze", (x, y) / output_scale_cm; of the others
    (`inputs.OUTPUTS`) output_scale_cm means nothing.
    """

    family: str
    inputs: tuple[InputSpec, ...]
    output: OutputName = "gaze"
    output_scale_cm: float = 40.0


class Network(nn.Module):
    """Base of the networks. forward() is head(embed()), where embed gives what auxiliary heads and
    calibration build on.

    spec: see NetworkSpec. options: the arguments create_model was given, for the checkpoint. embedding_shape:
    of one sample, (C,) or (C, H, W).
    """

    spec: NetworkSpec
    options: dict[str, Any]
    embedding_shape: tuple[int, ...]
    head: nn.Module

    # The two below take one tensor per InputSpec, in that order and by its name: (B, channels, height,
    # width), or (B, 4) and (B, 625) for face_box and face_grid, float, in the real values the card states ((p
    # - 128) / 128 for pixels). They are written out per network, because torch.fx cannot trace a call with a
    # variable number of tensors. Windows of events are 0 or 1.
    #
    # embed(...): the last common representation, (B, *embedding_shape).
    # forward(...): head(embed(...)): (B, 2) normalised gaze (times output_scale_cm: cm), or (B, 14) for the
    # eye locator.
    embed: Callable[..., Tensor]

    def card(self, name: str, **fields: Any) -> ModelCard:
        """A card of this network; `fields` are further fields of ModelCard."""
        spec = self.spec
        return ModelCard(
            name=name,
            family=spec.family,
            inputs=spec.inputs,
            output=spec.output,
            output_scale_cm=spec.output_scale_cm,
            **fields,
        )


def example_inputs(
    network: Network, batch: int = 1, generator: torch.Generator | None = None
) -> tuple[Tensor, ...]:
    """Random inputs in [-1, 1) of the right shapes and order, float32, maps as NCHW in channels-last
    memory."""
    tensors = []
    for spec in network.spec.inputs:
        shape = (batch, *spec.shape)
        tensor = torch.rand(shape, generator=generator) * 2 - 1
        if len(shape) == 4:
            tensor = tensor.permute(0, 3, 1, 2)
        tensors.append(tensor)
    return tuple(tensors)


def event_window(size_px: int, window_events: int, window_among: int = 0) -> InputSpec:
    """The InputSpec of an event camera's window: two bit planes, 0 or 1."""
    return InputSpec(
        "events",
        "events",
        size_px,
        size_px,
        pixel_scale=1.0,
        pixel_offset=0.0,
        window_events=window_events,
        window_among=window_among,
    )


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How a network sees the face: what its builders have in common.

    size_px: of the crop, one number or (height, width). colour: "rgb" or "grey". position, low_pass_px: see
    cards.InputSpec.
    """

    size_px: int | tuple[int, int] = 112
    colour: Literal["rgb", "grey"] = "rgb"
    position: Literal["none", "channels", "baked"] = "channels"
    low_pass_px: float = 0.0
    size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        size = self.size_px if isinstance(self.size_px, tuple | list) else (self.size_px, self.size_px)
        object.__setattr__(self, "size", (int(size[0]), int(size[1])))

    def face(self) -> InputSpec:
        """The face's InputSpec."""
        return InputSpec(
            "face",
            "face",
            *self.size,
            colour=self.colour,
            position=self.position,
            low_pass_px=self.low_pass_px,
        )

    @property
    def network_channels(self) -> int:
        """Channels the first layer sees: the crop's and, where position is known, two more."""
        return (3 if self.colour == "rgb" else 1) + (0 if self.position == "none" else 2)
