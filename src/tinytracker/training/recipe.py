"""A recipe: everything that decides how a network is trained, as a frozen dataclass read from TOML.

The recipes we ship are package data beside this file (recipes/NAME.toml); `load_recipe` takes their names or
a path. A recipe, a seed and a dataset decide the weights.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from tinytracker.cards import name_fault, read_card
from tinytracker.errors import UsageError
from tinytracker.files import read_small

LARGEST_RECIPE_BYTES = 16 << 10  # ours have one thousand; a key of n parts takes the parser n * n steps
LARGEST_NUMBER = 10**9
LARGEST_SHARE_KEPT = 0.999999  # by a moving average: one that keeps all never learns
MOST_SPREAD = 3  # of a logarithm, and of light: nothing is seen long before, and no number overflows yet
SHRUNK_BY_STEPS = ("warmup_steps", "decay_steps", "ema", "validate_every", "checkpoint_every")


def refuse_outside(options: Any, least: float, most: float, *names: str) -> None:
    """Raises UsageError, naming the first of these fields of `options` that is not within least and most."""
    for name in names:
        if not least <= (value := getattr(options, name)) <= most:
            expected = f"{least} to {most}" if most < LARGEST_NUMBER else f"at least {least}"
            raise UsageError(f"{name} is {value}, expected {expected}")


@dataclass(frozen=True, slots=True)
class Photometric:
    """Changes of light, camera and colour, drawn anew for every sample; everything 0 is none.

    contrast: s.d. of the logarithm of the factor on the distance from the picture's mean. brightness: s.d. of
    what is added, white being 1; colour: the same, per channel. gamma: s.d. of the logarithm of the exponent.
    noise: largest s.d. of
    white noise, white being 1. low_resolution: share of samples seen through a worse camera, shrunk `finest`
    to 4 times (as the eye crop sees it) and grown again; where it is 1, these stand for the low-pass of the
    network's inputs, which could be
    undone if it were always the same. ramp: s.d. of the logarithm of the light at a crop's edge, across and
    down,
    separately for each crop. grey: share of colour samples made grey.
    """

    contrast: float = 0.0
    brightness: float = 0.0
    colour: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    low_resolution: float = 0.0
    finest: float = 1.3
    ramp: float = 0.0
    grey: float = 0.0

    def __post_init__(self) -> None:
        refuse_outside(self, 0, MOST_SPREAD, "contrast", "brightness", "colour", "gamma", "noise", "ramp")
        refuse_outside(self, 0, 1, "low_resolution", "grey")
        refuse_outside(self, 1, 4, "finest")


@dataclass(frozen=True, slots=True)
class Geometric:
    """Changes of where the boxes lie; labels and position inputs follow exactly. Lengths as shares of the
    box's side.

    flip: share of samples mirrored. face_shift, face_zoom: s.d. of the face box's shift, each way, and of the
    logarithm
    of its size. eye_shift, eye_zoom: the same for each eye box. band_shift, band_zoom: the same for the eye
    band, whose
    shifts, down too, are shares of its width. rotation_deg: s.d. of turning the whole picture
    about its middle, and the gaze point about the camera with it. cut: share of face crops that reach beyond
    an edge of the frame, where they are black: below by at most half, elsewhere by a fifth, so that the eyes
    stay in sight.
    """

    flip: float = 0.5
    face_shift: float = 0.0
    face_zoom: float = 0.0
    eye_shift: float = 0.0
    eye_zoom: float = 0.0
    band_shift: float = 0.0
    band_zoom: float = 0.0
    rotation_deg: float = 0.0
    cut: float = 0.0

    def __post_init__(self) -> None:
        refuse_outside(self, 0, MOST_SPREAD, "face_zoom", "eye_zoom", "band_zoom")
        refuse_outside(self, 0, 1, "flip", "cut")


@dataclass(frozen=True, slots=True)
class Distillation:
    """What a student learns from a teacher. checkpoint: the teacher's, a .tflite or a released network; "" is
    none.

    gaze: weight of the distance to the teacher's answer. embedding: weight of predicting the teacher's
    (normalised) embedding from the student's, through a layer that is thrown away after training.
    observer: weight of the distance to the answer of an observer who is told the renderer's truth
    (training.observer): to the gaze without what no picture shows. It needs no checkpoint, and counts for the
    truth where that is not known. What the two weights leave of 1 is the truth's.
    """

    checkpoint: str = ""
    gaze: float = 0.5
    embedding: float = 0.0
    observer: float = 0.0

    def __post_init__(self) -> None:
        if self.checkpoint and self.gaze + self.observer > 1:
            raise UsageError(
                f"gaze {self.gaze:g} and observer {self.observer:g} leave the truth less than nothing"
            )


@dataclass(frozen=True, slots=True)
class BaseRecipe:
    """What recipes for networks of faces and of pupils (`retina.recipe`) share.

    model, options: for tinytracker.models.create_model.
    start: network to take the first weights from; "" is fresh ones.
    steps: optimiser steps; batch_size: samples per step, over all processes.
    optimiser: "muon" (training.muon), "adamw" or "adam"; learning_rate, weight_decay: its.
    schedule: "cosine": linear warm-up over warmup_steps, then a cosine to 1 % of learning_rate;
        "exponential": x 0.9 every decay_steps.
    ema: decay of the moving average of the weights that is validated and kept; 0 is none.
    precision: "float32", or "bf16": convolutions and FCs in bfloat16 where the device has them (twice as fast
        on CPUs with avx512_bf16 or amx where they are dense, slower on depthwise ones), else in float32.
    validate_every: steps between validations. checkpoint_every: steps between states a killed run resumes
        from.
    """

    name: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)
    start: str = ""
    steps: int = 4000
    batch_size: int = 64
    optimiser: Literal["muon", "adamw", "adam"] = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    schedule: Literal["cosine", "exponential"] = "cosine"
    warmup_steps: int = 100
    decay_steps: int = 10_000
    ema: float = 0.998
    precision: Literal["float32", "bf16"] = "float32"
    validate_every: int = 500
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        counted = ("steps", "batch_size", "decay_steps", "validate_every", "checkpoint_every")
        refuse_outside(self, 1, LARGEST_NUMBER, *counted)
        refuse_outside(self, 0, LARGEST_SHARE_KEPT, "ema")

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as they stand in a card."""
        return asdict(self)

    def quick(self, steps: int) -> Self:
        """The same recipe for `steps` steps, with warm-up, averaging and validation shortened to fit
        (SHRUNK_BY_STEPS)."""
        if steps == self.steps:
            return self
        return replace(
            self,
            steps=steps,
            warmup_steps=min(self.warmup_steps, max(10, steps // 20)),
            decay_steps=max(1, round(self.decay_steps * min(steps / self.steps, 1))),
            # The average must not outlast the run: at most about a tenth of it.
            ema=min(self.ema, 1 - 10 / max(steps, 20)) if self.ema else 0.0,
            validate_every=min(self.validate_every, max(1, steps // 2)),
            checkpoint_every=min(self.checkpoint_every, max(1, steps // 2)),
        )


@dataclass(frozen=True, slots=True)
class Recipe(BaseRecipe):
    """See the fields, and `BaseRecipe`'s.

    start: checkpoint, .tflite or released network; its weights are taken where they fit.
    loss: "euclidean": distance in cm (eye locator: of each point); "mse": of the normalised outputs.
    scale_by_distance: distances count x 35 cm / the person's distance, where that is known, so that someone
        far off, with cm the larger for the same angle, weighs no more.
    min_openness: training samples whose eyes are less open than this on average are left out; nobody knows
        where closed eyes look. Validation has them all.
    face_dropout: share of samples whose face crop is blank, so that the eyes carry their weight.
    auxiliary: weight of predicting the renderer's truth (gaze angles, head pose, eye points, openness,
        distance, landmarks) from the embedding, in the proportions of losses.AUXILIARY_WEIGHTS; samples
        without truth count nothing.
    validation_samples: at most so many are validated on, evenly drawn.
    """

    loss: Literal["euclidean", "mse"] = "euclidean"
    scale_by_distance: bool = False
    min_openness: float = 0.0
    face_dropout: float = 0.0
    auxiliary: float = 0.0
    validation_samples: int = 2000
    photometric: Photometric = Photometric()
    geometric: Geometric = Geometric()
    distillation: Distillation = Distillation()

    def __post_init__(self) -> None:
        BaseRecipe.__post_init__(self)
        refuse_outside(self, 1, LARGEST_NUMBER, "validation_samples")
        refuse_outside(self, 0, 1, "face_dropout")


def list_recipes() -> list[str]:
    """Names of the recipes we ship, sorted."""
    return names_in(_shipped())


def load_recipe(name_or_path: str | Path, others: Sequence[str] = ()) -> Recipe:
    """The recipe we ship by that name, or the one in a TOML file, or in a network's card (.json).

    others: names beside ours that would have done, for messages. Raises UsageError, naming the file and the
    field, if there is none, or it has a field or a value that is not known.
    """
    content, where = recipe_content(name_or_path, _shipped(), [*list_recipes(), *others])
    return recipe_from_dict(content, where)


def names_in(shipped: Traversable) -> list[str]:
    """Names of the recipes in a folder of the package, sorted."""
    return sorted(one.name.removesuffix(".toml") for one in shipped.iterdir() if one.name.endswith(".toml"))


def shipped_name(name: str | Path, shipped: Traversable) -> str | None:
    """The recipe of a folder of the package that is meant by a name ("_" and "-" are the same)."""
    written = str(name).replace("_", "-")
    return written if written in names_in(shipped) else None


def recipe_content(
    name_or_path: str | Path, shipped: Traversable, known: Sequence[str]
) -> tuple[dict[str, Any], str]:
    """The nested plain values of a recipe that lies in `shipped`, in a TOML file or in a card, and what
    messages call it; `known`: those that a message names. Raises UsageError, of a card what `read_card`
    raises."""
    path = Path(name_or_path)
    if path.suffix == ".json":
        return read_card(path).recipe, f"{path}, recipe"
    if path.suffix in (".safetensors", ".tflite", ".onnx"):
        raise UsageError(f"{path} is a network, no recipe; its card holds one: {path.with_suffix('.json')}")
    name_or_path = shipped_name(name_or_path, shipped) or name_or_path
    is_ours = str(name_or_path) in names_in(shipped)  # whatever file or folder bears the name, too
    if not is_ours and path.suffix != ".toml" and not path.exists():
        near = get_close_matches(str(name_or_path), known, 1)
        raise UsageError(
            f"no recipe {name_or_path}{f' (did you mean {near[0]}?)' if near else ''}; there are "
            f"{', '.join(known)}; or give a recipe of your own (.toml), or a network's card (.json)"
        )
    where = f"recipe {name_or_path}" if is_ours else str(path)
    try:
        if is_ours:
            text = (shipped / f"{name_or_path}.toml").read_text()
        else:
            text = read_small(path, LARGEST_RECIPE_BYTES).decode()
        content = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{where} is not a readable TOML recipe: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{where} is not a readable TOML recipe: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{where} is not a readable TOML recipe: it is nested too deeply") from error
    if not content:
        raise UsageError(f"{where} is empty; expected a recipe's fields, of which it needs a model at least")
    content.setdefault("name", path.stem)
    return content, where


def recipe_from_dict(content: dict[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from nested plain values, as TOML and cards hold them; raises UsageError as load_recipe
    does."""
    return built(Recipe, content, where)


def _shipped() -> Traversable:
    return files("tinytracker.training") / "recipes"


def built(kind: Any, content: dict[str, Any], where: str) -> Any:
    """A dataclass from a dictionary, every field and type checked; raises UsageError naming the field."""
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(content) - known)
    if unknown:
        raise UsageError(f"{where} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, value in content.items():
        hint, place = hints[name], f"{where}, {name}"
        if is_dataclass(hint):
            if not isinstance(value, dict):
                raise UsageError(f"{place}: expected a table, got {value!r}")
            values[name] = built(hint, value, place)
        else:
            values[name] = _checked(hint, value, place)
    for required in ("name", "model"):
        if required in known and required not in values:
            raise UsageError(f"{where} lacks {required}")
    if "name" in known and (fault := name_fault(values["name"])):
        raise UsageError(f"{where}: {fault}")
    try:
        return kind(**values)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _checked(hint: Any, value: Any, place: str) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise UsageError(f"{place}: expected one of {', '.join(get_args(hint))}, got {value!r}")
        return value
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise UsageError(f"{place}: expected a table, got {value!r}")
        return value
    accepted = (int, float) if hint is float else hint
    if not isinstance(value, accepted) or (hint in (int, float) and isinstance(value, bool)):
        raise UsageError(f"{place}: expected {hint.__name__}, got {value!r}")
    if hint in (int, float) and not 0 <= value <= LARGEST_NUMBER:  # NaN is neither
        raise UsageError(f"{place}: expected 0 to {LARGEST_NUMBER:,}, got {value!r}")
    return float(value) if hint is float else value
