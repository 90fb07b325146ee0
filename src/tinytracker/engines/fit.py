"""Whether a card is this network's: its inputs and outputs are the tensors that the network has, and what
pixels become by the card is what those tensors hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError
from tinytracker.inputs import KINDS

LEAST_HELD = 0.8  # of the 256 values of a pixel: quantisers cut off a little of what is rare
LEAST_LEVELS = 8  # that they must differ by; below, the network sees next to nothing
LEAST_PLACES = 0.9  # of the range from -1 to 1 that positions and boxes have


def refuse_other(
    card: ModelCard, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], source: str
) -> None:
    """Raises ModelError unless the card is that of a network with these tensors."""
    only_output(card, outputs, source)
    matched(card.inputs, inputs, source)


def only_output(card: ModelCard, tensors: Sequence[TensorSpec], source: str) -> TensorSpec:
    """The one output; source: what messages call the network. Raises ModelError unless it has the card's
    numbers."""
    expected = len(card.outputs)
    sizes = [math.prod(tensor.shape) for tensor in tensors]
    if sizes != [expected]:
        raise ModelError(
            f"{source}: its card promises {expected} numbers ({card.output}), the network gives {sizes}"
        )
    _refuse_no_scale(tensors[0], source)
    return tensors[0]


def matched(inputs: Sequence[InputSpec], tensors: Sequence[TensorSpec], source: str) -> list[TensorSpec]:
    """The tensor of each input: by name, or in order where the names are others. Raises ModelError if they
    have other shapes, or cannot hold what the card makes of pixels."""
    by_name = {tensor.name: tensor for tensor in tensors}
    same_names = set(by_name) == {spec.name for spec in inputs}
    found = [by_name[spec.name] for spec in inputs] if same_names else list(tensors)
    if [tensor.shape for tensor in found] != [(1, *spec.shape) for spec in inputs]:
        expected = ", ".join(f"{spec.name} {'x'.join(map(str, (1, *spec.shape)))}" for spec in inputs)
        came = ", ".join(f"{tensor.name} {'x'.join(map(str, tensor.shape))}" for tensor in tensors)
        raise ModelError(f"{source}: its card promises inputs {expected}; the network has {came}")
    for spec, tensor in zip(inputs, found, strict=True):
        _refuse_no_scale(tensor, source)
        if tensor.is_quantized:
            _refuse_cut_off(spec, tensor, source)
    return found


def _refuse_no_scale(tensor: TensorSpec, source: str) -> None:
    if tensor.dtype in ("int8", "uint8") and not tensor.is_quantized:
        raise ModelError(
            f"{source}: tensor {tensor.name} is {tensor.dtype} without a scale; expected a quantised network"
        )


def _refuse_cut_off(spec: InputSpec, tensor: TensorSpec, source: str) -> None:
    """Raises ModelError if a quantised tensor would clip much of what goes in, or hardly tell it apart."""
    kind = KINDS[spec.kind]
    limits = np.iinfo(tensor.dtype)
    low, high = tensor.dequantize(np.array([limits.min, limits.max]))
    holds = f"its input {tensor.name} holds {low:.3g} to {high:.3g}"
    if kind.is_picture and not kind.planes:
        pixels = np.arange(256) * spec.pixel_scale + spec.pixel_offset
        stored = tensor.quantize(pixels)
        held = np.abs(tensor.dequantize(stored) - pixels) <= tensor.scale
        if held.mean() < LEAST_HELD or len(np.unique(stored)) < LEAST_LEVELS:
            raise ModelError(
                f"{source}: pixels would become {pixels[0]:.3g} to {pixels[-1]:.3g}, and {holds}; its card "
                "(pixel_scale, pixel_offset) or metadata is another network's"
            )
    if (kind.box_of or spec.position == "channels") and min(-low, high) < LEAST_PLACES:
        raise ModelError(f"{source}: positions lie between -1 and 1, and {holds}; quantise it again")
