"""A card for a .tflite that has none, from its tensors: so any network of the family runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError

_log = logging.getLogger(__name__)

PAPER_SCALE_CM = 30.0  # arXiv 2307.07813: tanh times 30 cm
PAPER_SIDES_PX = (112, 128)  # the paper's text and the file its authors released
OUR_PIXEL_SCALE = 1 / 128  # (p - 128) / 128: int8 = p - 128


def infer_card(
    path: Path, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], output_scale_cm: float | None
) -> ModelCard:
    """The card of a network with one picture (NHWC; 1, 3 or 5 channels) as input and two numbers as output.

    One channel is grey (a grid, if any, is baked in), three are RGB, five RGB and position. Pixels are taken as
    p / 127.5 - 1 like the authors' files, unless the input's scale is our own 1/128 with zero point 0.
    output_scale_cm: what the outputs are times; where None it is known for the paper's TinyTracker only.

    Raises ModelError if the tensors are others, or the scale is neither given nor known.
    """
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[0] != 1 or inputs[0].shape[3] not in (1, 3, 5):
        raise ModelError(
            f"{path} has no card and its inputs are {_shapes(inputs)}; expected one picture, 1 x height x width x (1, 3 or 5)"
        )
    if len(outputs) != 1 or _size(outputs[0]) != 2:
        raise ModelError(f"{path} has no card and its outputs are {_shapes(outputs)}; expected two numbers, the gaze's x and y")
    for tensor in (*inputs, *outputs):
        if tensor.dtype not in ("int8", "uint8", "float32"):
            raise ModelError(f"{path}: tensor {tensor.name} is {tensor.dtype}; expected int8, uint8 or float32")
        if tensor.dtype != "float32" and not tensor.is_quantized:
            raise ModelError(f"{path}: tensor {tensor.name} is {tensor.dtype} without a scale; expected a quantised network")
    image = inputs[0]
    ours = image.is_quantized and abs(image.scale / OUR_PIXEL_SCALE - 1) < 1e-4 and image.zero_point in (0, 128)
    spec = InputSpec(
        image.name,
        "face",
        height_px=image.shape[1],
        width_px=image.shape[2],
        colour="grey" if image.shape[3] == 1 else "rgb",
        position="channels" if image.shape[3] == 5 else "none",
        pixel_scale=OUR_PIXEL_SCALE if ours else 1 / 127.5,
        pixel_offset=-1.0,
    )
    scale_cm = output_scale_cm if output_scale_cm is not None else _known_scale_cm(path, spec, ours)
    number_format: Literal["float32", "int8"] = "float32" if image.dtype == "float32" else "int8"
    return ModelCard(
        name=path.stem,
        family="unknown",
        inputs=(spec,),
        output_scale_cm=scale_cm,
        number_format=number_format,
    )


def _known_scale_cm(path: Path, spec: InputSpec, ours: bool) -> float:
    is_papers = spec.position == "channels" and spec.height_px == spec.width_px and spec.height_px in PAPER_SIDES_PX
    if is_papers and not ours:
        _log.warning("%s has no card; it looks like the paper's TinyTracker, so its outputs are taken times %g cm",
                     path, PAPER_SCALE_CM)  # fmt: skip
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
