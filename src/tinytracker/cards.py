"""Model cards: the JSON that travels beside every weight file and says what it eats, gives and is worth.

A card is `NAME.json` beside `NAME.tflite`, `NAME.onnx` or `NAME.safetensors`. The first part (inputs,
outputs) is what an engine needs to feed the network; the second (data, results, licence) is for people. A
foreign .tflite without a card gets one inferred from its tensors by `tinytracker.engines`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from tinytracker.errors import ModelError, UsageError
from tinytracker.files import read_json, write_text
from tinytracker.inputs import KINDS, MOST_AMONG, OUTPUTS, InputName, OutputName

Position = Literal["none", "channels", "baked"]
MOST_CM = 1000.0  # ten metres: of what an output of 1 stands for
MOST_PX = 4096  # of a crop's side
LEAST_LOW_PASS_PX, MOST_LOW_PASS_PX = 0.1, 16.0  # a narrower Gaussian changes no pixel
MOST_REAL = 1000.0  # of the values that pixels become
LEAST_SCALE = 1e-6  # of those values; by a smaller one all pixels would be the same
MOST_NUMBER = 1e9  # of those that the host computes with
LONGEST_NAME = 200  # files are called so, with what is added
GRID_CELLS = 25  # of GazeCapture's face grid, along each side
LONGEST_SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input tensor.

    kind: what it shows. "face", "left_eye", "right_eye", "eye_band" (one rectangle over both eyes,
        `faces.boxes.eye_band`):
        a crop, (height_px, width_px, channels) per sample. Of an eye's square box, a crop that is wider than
        high shows the middle rows;
        "face_box", "eye_band_box": 4 numbers, the box (x, y, w, h) of the face or of the eye band over the
        frame's width and height, mapped from [0, 1] to [-1, 1];
        "face_grid": iTracker's 25 x 25 binary grid, flattened row by row;
        "events": an event camera's window, (height_px, width_px, 2), 0 or 1: the cells whose newest event
        made them darker, then those it made brighter (`events.windows`);
        "last_output": what the network gave for the window before; zeros at first.
    colour: "rgb" or "grey"; a crop's first channels (3 or 1).
    position: "channels": two more channels hold each pixel's x and y in the whole frame, [-1, 1] ("grid
        embedding", arXiv 2307.07813); "baked": those channels are constants inside the network; "none": there
        are none.
    position_grid: 0, or 25 where those positions are of the face's box rounded to GazeCapture's face grid, 25
        x 25 cells counted from 1, as TinyTracker was trained by its authors (`faces.crops.on_grid`).
    pixel_scale, pixel_offset: the real value of a pixel p is p * pixel_scale + pixel_offset.
    mirrored: a crop goes in as in a mirror, so that a right eye looks like a left one.
    low_pass_px: s.d. of the Gaussian that a crop goes through (`faces.crops.low_pass`), pixels of the crop; 0
        is none. Detail finer than that differs too much between cameras, and between people and their
        renderings, to be looked at.
    blank_rows: so many rows from the top are `faces.crops.BLANK` whatever is there: a face whose eyes are
    seen elsewhere.
    window_events: of a window of events, how many different cells it holds, reaching back as far as it
    must. window_among: of how many events before it one must have been close by for an event to count; 0: all
    count (`events.windows.Window`).
    """

    name: str
    kind: InputName
    height_px: int = 0
    width_px: int = 0
    colour: Literal["rgb", "grey"] = "rgb"
    position: Position = "none"
    pixel_scale: float = 1 / 128
    pixel_offset: float = -1.0
    mirrored: bool = False
    position_grid: int = 0
    low_pass_px: float = 0.0
    blank_rows: int = 0
    window_events: int = 0
    window_among: int = 0

    @property
    def channels(self) -> int:
        if planes := KINDS[self.kind].planes:
            return planes
        return (3 if self.colour == "rgb" else 1) + (2 if self.position == "channels" else 0)

    @property
    def box_height_px(self) -> int:
        """Height of the picture of the whole box, at the crop's resolution: more than the crop's own where an
        eye's middle rows are seen alone."""
        return max(self.height_px, self.width_px) if KINDS[self.kind].is_eye else self.height_px

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample, channels last."""
        kind = KINDS[self.kind]
        return (self.height_px, self.width_px, self.channels) if kind.is_picture else (kind.numbers,)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything worth knowing about one weight file.

    output: "gaze" (x, y; times output_scale_cm gives cm), "eyes" (the eye locator's numbers), or an
    event camera's "pupil", "pupil_box", "pupil_grid": `inputs.OUTPUTS`.
    counts: parameters, macs, bytes. data: the training data in words and numbers. results: error figures by
        dataset and split, each with how it was obtained. recipe: the resolved recipe it was trained by.
    correction: what the host does to the outputs of a network that never sees where its crop lies
        (`engines.correction`); {}: nothing, or the network does it itself.
    calibration_prior: how people differ for this network (`calibration.prior.Prior`); {}: nobody has measured
    it.

    >>> card = ModelCard("mine", "tinytracker", (InputSpec("image", "face", 112, 112, position="channels"),))
    >>> card.inputs[0].shape, card.outputs
    ((112, 112, 5), ('x', 'y'))
    """

    name: str
    family: str
    inputs: tuple[InputSpec, ...]
    output: OutputName = "gaze"
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
    calibration_prior: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the numbers are that the network gives, in order."""
        return OUTPUTS[self.output]

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
    """Reads a card; raises ModelError, naming the file and the field, unless every value is of its type
    and makes sense."""
    try:
        fields = read_json(path)
        if not isinstance(fields, dict) or not isinstance(fields.get("inputs"), list):
            raise ValueError("it holds no list of inputs")
        specs = [
            _made(InputSpec, spec, f"inputs[{place}]") for place, spec in enumerate(fields.pop("inputs"))
        ]
        card = _made(ModelCard, {**fields, "inputs": tuple(specs)}, "card")
        for fault in _card_faults(card):
            raise ValueError(fault)
        return card
    except FileNotFoundError as error:
        raise ModelError(
            f"{path} is missing; expected the card that `tinytracker train` and `export` write beside a "
            f"network"
        ) from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{path} is not a model card: {error}; expected the JSON that `tinytracker export` writes"
        ) from error


def name_fault(name: str) -> str | None:
    """Why a network cannot be called so, None if it can: files are named after it.

    >>> name_fault("../mine")
    "name is '../mine', expected 1 to 200 characters that a file may be called"
    """
    if name.isprintable() and 0 < len(name) <= LONGEST_NAME and not set(name) & set("/\\"):
        return None
    return f"name is {_shown(name)}, expected 1 to {LONGEST_NAME} characters that a file may be called"


def renamed(card: ModelCard, name: str | None) -> ModelCard:
    """The card under another name, where one is given; raises UsageError for what no network is called."""
    if name is not None and (fault := name_fault(name)):
        raise UsageError(f"--{fault}")
    return card if name is None else replace(card, name=name)


_T = TypeVar("_T")


def _made(kind: type[_T], fields: Any, where: str) -> _T:
    """A dataclass of a JSON object whose values are of the types that its fields say; raises ValueError
    for others."""
    if not isinstance(fields, dict):
        raise ValueError(f"{where} is {_shown(fields)}, expected an object")
    types = get_type_hints(kind)
    for name, value in fields.items():
        if name not in types:
            raise ValueError(
                f"{where} has a field {_shown(name)}, which there is not; expected {', '.join(types)}"
            )
        if not _is_of(value, types[name]):
            raise ValueError(f"{name} is {_shown(value)}, expected {_expected(types[name])}")
    return kind(**fields)


def _is_of(value: Any, wanted: Any) -> bool:
    origin = get_origin(wanted)
    if origin is Literal:
        return isinstance(value, str) and value in get_args(wanted)
    if wanted is float:
        return _is_number(value)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is dict and get_args(wanted)[1] is int:
        return isinstance(value, dict) and all(_is_of(number, int) for number in value.values())
    return isinstance(value, origin or wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers_in(value: Any) -> Iterator[Any]:
    """All numbers of nested lists and objects."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers_in(inner)
    elif isinstance(value, int | float):
        yield value


def _expected(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(get_args(wanted))}"
    return {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}.get(
        wanted, "an object"
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _card_faults(card: ModelCard) -> Iterator[str]:
    """Values of the right type that no network of this family has."""
    if fault := name_fault(card.name):
        yield fault
    if not card.inputs:
        yield "it has no inputs"
    if not 0 < card.output_scale_cm <= MOST_CM:
        yield f"output_scale_cm is {card.output_scale_cm:g}, expected more than 0 and at most {MOST_CM:g}"
    for name in ("correction", "calibration_prior"):
        for number in _numbers_in(getattr(card, name)):
            if not _is_number(number) or abs(number) > MOST_NUMBER:
                yield f"{name} holds {_shown(number)}, expected finite numbers of at most {MOST_NUMBER:g}"
    for spec in card.inputs:
        yield from input_faults(spec)
    if len({spec.name for spec in card.inputs}) < len(card.inputs):
        yield "two of its inputs have one name"


def input_faults(spec: InputSpec) -> Iterator[str]:
    """Values of the right type that no input has, in words."""
    sides = (spec.height_px, spec.width_px)
    if KINDS[spec.kind].is_picture and not all(1 <= side <= MOST_PX for side in sides):
        yield f"{spec.name} is of {sides[1]} x {sides[0]} pixels, expected 1 to {MOST_PX} on each side"
    if KINDS[spec.kind].planes and not 1 <= spec.window_events <= spec.height_px * spec.width_px:
        yield f"{spec.name} has {spec.window_events} window_events, expected 1 to its number of pixels"
    if not 0 <= spec.window_among <= MOST_AMONG:
        yield f"{spec.name} has a window_among of {spec.window_among}, expected 0 to {MOST_AMONG}"
    if spec.low_pass_px and not LEAST_LOW_PASS_PX <= spec.low_pass_px <= MOST_LOW_PASS_PX:
        yield (
            f"{spec.name} has a low_pass_px of {spec.low_pass_px:g}, expected 0, or "
            f"{LEAST_LOW_PASS_PX:g} to {MOST_LOW_PASS_PX:g}"
        )
    if not 0 <= spec.blank_rows <= spec.height_px:
        yield f"{spec.name} has {spec.blank_rows} blank_rows, expected 0 to its height, {spec.height_px}"
    if spec.position_grid not in (0, GRID_CELLS):
        yield f"{spec.name} has a position_grid of {spec.position_grid}, expected 0 or {GRID_CELLS}"
    if not LEAST_SCALE <= spec.pixel_scale <= MOST_REAL or abs(spec.pixel_offset) > MOST_REAL:
        yield (
            f"{spec.name} makes a pixel p to p * {spec.pixel_scale:g} + {spec.pixel_offset:g}; expected "
            f"a scale of {LEAST_SCALE:g} to {MOST_REAL:g} and an offset of at most {MOST_REAL:g}"
        )
