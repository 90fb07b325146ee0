"""A recipe for a network of pupils: everything that decides how it is trained, as a frozen dataclass read
from TOML (recipes/NAME.toml here, or a path)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from tinytracker.errors import UsageError
from tinytracker.training.recipe import (
    LARGEST_NUMBER,
    BaseRecipe,
    built,
    names_in,
    recipe_content,
    refuse_outside,
    shipped_name,
)

MODELS = ("pupil", "retina", "retina_ann")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed of every sequence of windows, drawn anew each time; labels follow exactly.

    flip: share mirrored left to right. shift_cells: largest shift, each way, of all its windows; zoom: by how
    much they are larger or smaller at most, as a share; turn_deg: by how much they are turned at most.
    dropped: largest share of cells that are missing. added: largest share of the window's cells that noise
    fills beside. forgotten: share of sequences that begin as if nothing had been said before; the others
    begin with the truth, blurred by `blur_cells` (s.d.), as what was said last.
    """

    flip: float = 0.5
    shift_cells: int = 8
    zoom: float = 0.2
    turn_deg: float = 15.0
    dropped: float = 0.2
    added: float = 0.02
    forgotten: float = 1.0
    blur_cells: float = 1.0

    def __post_init__(self) -> None:
        refuse_outside(self, 0, 1, "flip", "zoom", "dropped", "added", "forgotten")


@dataclass(frozen=True, slots=True)
class EventRecipe(BaseRecipe):
    """See the fields, and `BaseRecipe`'s.

    start: checkpoint, .tflite or released network; all of a checkpoint of the same network is taken, of
        others the weights that fit.
    batch_size: sequences a step; length: windows of a sequence, one after the other.
    every_us: between the estimates of a recording. strides: of so many estimates each sequence takes one,
        drawn anew, so that slow and fast trackers both are learnt. unsettled: the first windows of a sequence
        that cost nothing: neurons at rest say less than neurons that have been running, as they are asked.
    closed_weight, confidence_weight, place_weight, synops_weight: of the losses beside the distance
        (`losses`).
    validation_windows: at most so many are validated on, evenly of all validation people.
    """

    batch_size: int = 16
    optimiser: Literal["muon", "adamw", "adam"] = "muon"
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    length: int = 4
    every_us: int = 5000
    strides: tuple[int, ...] = (1, 2, 4)
    unsettled: int = 0
    closed_weight: float = 1.0
    confidence_weight: float = 0.5
    place_weight: float = 1.0
    synops_weight: float = 0.0
    validation_windows: int = 4000
    changes: Changes = Changes()

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise UsageError(f"model {self.model} sees no events; expected one of {', '.join(MODELS)}")
        BaseRecipe.__post_init__(self)
        counted = ("length", "every_us", "validation_windows")
        refuse_outside(self, 1, LARGEST_NUMBER, *counted)
        if not 0 <= self.unsettled < self.length:
            raise UsageError(
                f"unsettled is {self.unsettled}, expected 0 to {self.length - 1}: "
                f"fewer than the windows of a sequence"
            )

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as they stand in a card."""
        return BaseRecipe.as_dict(self) | {"strides": list(self.strides)}


def list_event_recipes() -> list[str]:
    """Names of the recipes for networks of pupils that we ship, sorted."""
    return names_in(_shipped())


def is_event_recipe(name_or_path: str | Path) -> bool:
    """Whether a recipe that a user names is one of these: by its name, or by the model in its TOML file or
    card."""
    if shipped_name(name_or_path, _shipped()):
        return True
    if Path(name_or_path).suffix not in (".toml", ".json"):
        return False
    content, _ = recipe_content(name_or_path, _shipped(), list_event_recipes())
    return content.get("model") in MODELS


def load_event_recipe(name_or_path: str | Path) -> EventRecipe:
    """The recipe we ship by that name, or the one in a TOML file or a network's card (.json).

    Raises UsageError, naming file and field, as `training.recipe.load_recipe` does.
    """
    content, where = recipe_content(name_or_path, _shipped(), list_event_recipes())
    return event_recipe_from_dict(content, where)


def event_recipe_from_dict(content: dict[str, Any], where: str = "recipe") -> EventRecipe:
    """A recipe from nested plain values, as TOML and cards hold them."""
    strides = content.get("strides", [1])
    if (
        not isinstance(strides, list | tuple)
        or not strides
        or not all(isinstance(one, int) and one > 0 for one in strides)
    ):
        raise UsageError(f"{where}, strides: expected a list of whole numbers above 0, got {strides!r}")
    plain = {name: value for name, value in content.items() if name != "strides"}
    recipe: EventRecipe = built(EventRecipe, plain, where)
    return replace(recipe, strides=tuple(strides)) if "strides" in content else recipe


def _shipped() -> Traversable:
    return files("tinytracker.retina") / "recipes"
