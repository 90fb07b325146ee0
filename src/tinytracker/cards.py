"""Model cards: the JSON that travels beside every weight file and says what it eats, gives and is worth.

A card is `NAME.json` beside `NAME.tflite`, `NAME.onnx` or `NAME.safetensors`. The first part (inputs, outputs) is what an
engine needs to feed the network; the second (data, results, licence) is for people. A foreign .tflite without a card
gets one inferred from its tensors by `tinytracker.engines`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tinytracker.errors import ModelError
from tinytracker.files import write_text

InputKind = Literal["face", "left_eye", "right_eye", "eye_band", "face_box", "eye_band_box", "face_grid"]
Position = Literal["none", "channels", "baked"]
EYE_KINDS = ("left_eye", "right_eye")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input tensor.

    kind: what it shows. "face", "left_eye", "right_eye", "eye_band" (one rectangle over both eyes, `faces.boxes.eye_band`):
        a crop, (height_px, width_px, channels) per sample. Of an eye's square box, a crop that is wider than high shows the
        middle rows;
        "face_box", "eye_band_box": 4 numbers, the box (x, y, w, h) of the face or of the eye band over the frame's width and
        height, mapped from [0, 1] to [-1, 1];
        "face_grid": iTracker's 25 x 25 binary grid, flattened row by row.
    colour: "rgb" or "grey"; a crop's first channels (3 or 1).
    position: "channels": two more channels hold each pixel's x and y in the whole frame, [-1, 1] ("grid embedding",
        arXiv 2307.07813); "baked": those channels are constants inside the network; "none": there are none.
    pixel_scale, pixel_offset: the real value of a pixel p is p * pixel_scale + pixel_offset.
    mirrored: a crop goes in as in a mirror, so that a right eye looks like a left one.
    """

    name: str
    kind: InputKind
    height_px: int = 0
    width_px: int = 0
    colour: Literal["rgb", "grey"] = "rgb"
    position: Position = "none"
    pixel_scale: float = 1 / 128
    pixel_offset: float = -1.0
    mirrored: bool = False

    @property
    def channels(self) -> int:
        return (3 if self.colour == "rgb" else 1) + (2 if self.position == "channels" else 0)

    @property
    def box_height_px(self) -> int:
        """Height of the picture of the whole box, at the crop's resolution: more than the crop's own where an eye's middle rows
        are seen alone."""
        return max(self.height_px, self.width_px) if self.kind in EYE_KINDS else self.height_px

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample, channels last."""
        if self.kind in ("face_box", "eye_band_box"):
            return (4,)
        if self.kind == "face_grid":
            return (625,)
        return (self.height_px, self.width_px, self.channels)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything worth knowing about one weight file.

    output: "gaze" (x, y; times output_scale_cm gives cm) or "eyes" (the eye locator: 14 numbers, see
        `tinytracker.faces.eyes`).
    counts: parameters, macs, bytes. data: the training data in words and numbers. results: error figures by dataset and
        split, each with how it was obtained. recipe: the resolved recipe it was trained by.
    correction: what the host does to the outputs of a network that never sees where its crop lies
        (`engines.correction`); {}: nothing, or the network does it itself.
    """

    name: str
    family: str
    inputs: tuple[InputSpec, ...]
    output: Literal["gaze", "eyes"] = "gaze"
    output_scale_cm: float = 40.0
    number_format: Literal["float32", "int8"] = "float32"
    counts: dict[str, int] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    correction: dict[str, Any] = field(default_factory=dict)
    caution: str = ""
    licence: str = "Apache-2.0"
    sha256: str = ""

    @property
    def parts(self) -> frozenset[str]:
        """The kinds of inputs, e.g. {"face", "left_eye", "right_eye", "face_box"}."""
        return frozenset(spec.kind for spec in self.inputs)


def card_path(weights: Path) -> Path:
    """Where the card of a weight file lies."""
    return weights.with_suffix(".json")


def write_card(card: ModelCard, path: Path) -> None:
    """Writes a card as indented JSON, whole or not at all."""
    write_text(path, json.dumps(asdict(card), indent=2) + "\n")


def read_card(path: Path) -> ModelCard:
    """Reads a card; raises ModelError, naming the file and the field, if it is not one."""
    try:
        fields = json.loads(path.read_text())
        inputs = tuple(InputSpec(**spec) for spec in fields.pop("inputs"))
        return ModelCard(inputs=inputs, **fields)
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing; expected the card that `tinytracker export` writes beside a network") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path} is not a model card: {error}; expected the JSON that `tinytracker export` writes") from error
