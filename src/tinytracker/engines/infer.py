"""A card for a .tflite that has none, from its tensors: so any network of the family runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from tinytracker.cards import GRID_CELLS, InputSpec, ModelCard
from tinytracker.engines.fit import refuse_other
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError, UsageError
from tinytracker.zoo import Weights

_log = logging.getLogger(__name__)

PAPER_SCALE_CM = 30.0  # arXiv 2307.07813: tanh times 30 cm
PAPER_SIDES_PX = (112, 128)  # the paper's text and the file its authors released
OUR_PIXELS = (1 / 128, -1.0)  # (p - 128) / 128: int8 = p - 128
Positions = Literal["exact", "grid-25"]


def infer_card(
    path: Path,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    output_scale_cm: float | None,
    positions: Positions = "exact",
) -> ModelCard:
    """The card of a network with one picture (NHWC; 1, 3 or 5 channels) as input and two numbers as output.

    One channel is grey (a grid, if any, is baked in), three are RGB, five RGB and position. What a pixel
    becomes is what the file's metadata says, else what the input's scale and zero point say (`_pixels_of`).
    output_scale_cm: what the outputs are times; where None it is known for the paper's TinyTracker only.
    positions: "grid-25" for networks trained on positions of GazeCapture's face grid
    (`cards.InputSpec.position_grid`).

    Raises ModelError if the tensors are others, the values of pixels cannot be told, or the scale is neither
    given nor known; UsageError for positions that the network does not take.
    """
    if (
        len(inputs) != 1
        or len(inputs[0].shape) != 4
        or inputs[0].shape[0] != 1
        or inputs[0].shape[3] not in (1, 3, 5)
    ):
        raise ModelError(
            f"{path} has no card and its inputs are {_shapes(inputs)}; expected one picture, "
            "1 x height x width x (1, 3 or 5)"
        )
    if len(outputs) != 1 or _size(outputs[0]) != 2:
        raise ModelError(
            f"{path} has no card and its outputs are {_shapes(outputs)}; expected two numbers, the gaze's x "
            f"and y"
        )
    for tensor in (*inputs, *outputs):
        if tensor.dtype not in ("int8", "uint8", "float32"):
            raise ModelError(
                f"{path}: tensor {tensor.name} is {tensor.dtype}; expected int8, uint8 or float32"
            )
        if tensor.dtype != "float32" and not tensor.is_quantized:
            raise ModelError(
                f"{path}: tensor {tensor.name} is {tensor.dtype} without a scale; expected a quantised "
                f"network"
            )
    image = inputs[0]
    has_position = image.shape[3] == 5
    pixel_scale, pixel_offset = _pixels_of(path, image, has_position)
    spec = InputSpec(
        image.name or "image",
        "face",
        height_px=image.shape[1],
        width_px=image.shape[2],
        colour="grey" if image.shape[3] == 1 else "rgb",
        position="channels" if has_position else "none",
        pixel_scale=pixel_scale,
        pixel_offset=pixel_offset,
        position_grid=grid_of(positions, has_position),
    )
    ours = (pixel_scale, pixel_offset) == OUR_PIXELS
    scale_cm = output_scale_cm if output_scale_cm is not None else _known_scale_cm(path, spec, ours)
    number_format: Literal["float32", "int8"] = "float32" if image.dtype == "float32" else "int8"
    return ModelCard(
        name=path.stem,
        family="unknown",
        inputs=(spec,),
        output_scale_cm=scale_cm,
        number_format=number_format,
    )


def card_of(weights: Weights, output_scale_cm: float | None = None) -> ModelCard:
    """The card of a .tflite, its own or one inferred, with another scale where one is given; runs nothing.

    Raises what `infer_card` raises, and ModelError for a card that is none, or another network's.
    """
    if weights.card is None:
        tensors = tensors_of(weights.path)
        inferred = infer_card(weights.path, *tensors, output_scale_cm)
        refuse_other(inferred, *tensors, str(weights.path))
        return inferred
    card = own_card(weights)
    assert card is not None
    return card if output_scale_cm is None else replace(card, output_scale_cm=output_scale_cm)


def own_card(weights: Weights) -> ModelCard | None:
    """The card beside a .tflite, None without one; raises ModelError if it is another network's."""
    card = weights.card
    if card is not None:
        refuse_other(card, *tensors_of(weights.path), str(weights.path))
    return card


def tensors_of(tflite: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs of a .tflite, as an engine would tell them; raises ModelError, TargetError."""
    from tinytracker.tflite.file import read_tflite  # LiteRT's schema takes a while
    from tinytracker.tflite.read import read_graph

    graph = read_graph(read_tflite(tflite), tflite.name)

    def spec(number: int) -> TensorSpec:
        tensor = graph[number]
        if tensor.quantization is None:
            return TensorSpec(tensor.name, tensor.shape, tensor.dtype)
        return TensorSpec(tensor.name, tensor.shape, tensor.dtype, tensor.scale, tensor.zero_point)

    return tuple(map(spec, graph.inputs)), tuple(map(spec, graph.outputs))


def grid_of(positions: Positions, has_position: bool) -> int:
    """`InputSpec.position_grid` of the option --positions; raises UsageError where it means nothing."""
    if positions not in get_args(Positions):
        raise UsageError(
            f"there are no positions {positions!r}; expected one of {', '.join(get_args(Positions))}"
        )
    if positions == "exact":
        return 0
    if not has_position:
        raise UsageError(
            f"positions {positions} mean nothing to a network that is not told where the face is"
        )
    return GRID_CELLS


def _pixels_of(path: Path, image: TensorSpec, has_position: bool) -> tuple[float, float]:
    """(pixel_scale, pixel_offset) by the file's metadata, or by the range of values that the input tensor can
    hold.

    A tensor whose integers stand for -1 to 1 was trained on p / 127.5 - 1 (or on our own p / 128 - 1, whose
    scale is 1/128 exactly), 0 to 1 on p / 255, 0 to 255 on p itself. Positions lie between -1 and 1, so a
    tensor that holds them does as well.
    """
    from tinytracker.tflite.metadata import normalisation

    told = normalisation(path)
    if told is not None:
        return told
    if not image.is_quantized:
        _log.warning(
            "%s does not say what its pixels mean; they are taken as p / 127.5 - 1 (a card may say "
            "otherwise)",
            path,
        )
        return 1 / 127.5, -1.0
    limits = np.iinfo(image.dtype)
    if abs(image.scale / OUR_PIXELS[0] - 1) < 1e-4 and image.zero_point == limits.min + 128:
        return OUR_PIXELS
    low, high = ((bound - image.zero_point) * image.scale for bound in (limits.min, limits.max))
    for (lowest, highest), pixels in _RANGES[:1] if has_position else _RANGES:
        if lowest[0] <= low <= lowest[1] and highest[0] <= high <= highest[1]:
            return pixels
    raise ModelError(
        f"{path} has no card, and its input holds values from {low:.3g} to {high:.3g}: no pixels of -1 to "
        f"1, 0 to 1 or 0 to 255; "
        f"write {path.with_suffix('.json').name}, a card that says its pixel_scale and pixel_offset"
    )


# Between what values the lowest and the highest of a tensor's integers lie -> what a pixel becomes.
_RANGES = (
    (((-2.2, -0.8), (0.8, 1.3)), (1 / 127.5, -1.0)),
    (((-0.05, 0.05), (0.9, 1.1)), (1 / 255, 0.0)),
    (((-2.0, 2.0), (250.0, 260.0)), (1.0, 0.0)),
    (((-130.0, -126.0), (125.0, 129.0)), (1.0, -128.0)),
)


def _known_scale_cm(path: Path, spec: InputSpec, ours: bool) -> float:
    is_papers = (
        spec.position == "channels" and spec.height_px == spec.width_px and spec.height_px in PAPER_SIDES_PX
    )
    if is_papers and not ours:
        _log.warning(
            "%s has no card; it looks like the paper's TinyTracker, so its outputs are taken times %g cm",
            path,
            PAPER_SCALE_CM,
        )
        return PAPER_SCALE_CM
    raise ModelError(
        f"{path} has no card ({path.with_suffix('.json').name}) that says how many cm an output of 1 means; "
        "give --output-scale-cm (our networks: 40; the authors' TinyTracker: 30, TinyTracker-S: 10)"
    )


def _size(tensor: TensorSpec) -> int:
    size = 1
    for length in tensor.shape:
        size *= length
    return size


def _shapes(tensors: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{tensor.dtype} {'x'.join(map(str, tensor.shape))}" for tensor in tensors) or "none"
