"""The whole state a killed run resumes from, in one file, so that it cannot be half old and half new."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tinytracker.errors import CheckpointError
from tinytracker.files import parse_json
from tinytracker.models.checkpoint import read_tensors, write_tensors
from tinytracker.training.average import MovingAverage
from tinytracker.training.recipe import SHRUNK_BY_STEPS
from tinytracker.training.validation import Score

STATE_FORMAT = "1"
STATE_ENTRY = "tinytracker_state"


def save_state(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Writes a training state: named tensors, and facts as JSON (step, recipe, ...)."""
    # One entry: safetensors writes several in any order, and equal states should be equal files.
    metadata = {STATE_ENTRY: json.dumps({"format": STATE_FORMAT, "facts": facts})}
    write_tensors(path, tensors, metadata)


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what save_state wrote; raises CheckpointError for anything else."""
    tensors, metadata = read_tensors(path)
    try:
        state = parse_json(metadata.get(STATE_ENTRY, "{}"))
        if state["format"] == STATE_FORMAT and isinstance(state["facts"], dict):
            return tensors, state["facts"]
    except (ValueError, KeyError, TypeError):
        pass
    raise CheckpointError(f"{path} is no training state of this version; start anew without --resume")


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state, flat: "optimiser.PARAMETER.NAME" -> tensor."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{number}.{name}": value for number, one in state.items() for name, value in one.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of optimiser_tensors; `tensors` may hold others."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".")
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    # Fused steps need moments to lie in memory as their parameters do (channels last).
    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def save_run(
    path: Path,
    identity: dict[str, Any],
    done: int,
    best: Score,
    module: nn.Module,
    average: MovingAverage,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Writes all that a run goes on from after `done` steps. identity: what must be the same then."""
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.network.state_dict().items()}
    tensors |= optimiser_tensors(optimiser)
    best_score = {"value": best.value if math.isfinite(best.value) else None, "parts": best.parts}
    save_state(path, tensors, {"identity": identity, "step": done, "best": best_score})


OPTIONS = {
    "recipe.steps": "--steps",
    "recipe.start": "--start",
    "recipe.distillation.checkpoint": "--teacher",
    "seed": "--seed",
    "samples": "--data",
    "windows": "--data",
    "processes": "torchrun --nproc-per-node",
}
"""What on the command line decides an entry of a run's identity; the others are the recipe's alone."""
LONGEST_SHOWN = 60  # characters of a value in a message
MOST_TOLD = 4  # differences


def refuse_another(path: Path, identity: dict[str, Any]) -> None:
    """Raises CheckpointError, naming what differs, if `path` is the state of another run, as far as
    `identity` says: to be told before long work."""
    _refuse_differing(path, load_state(path)[1].get("identity", {}), identity)


def _refuse_differing(path: Path, had: dict[str, Any], has: dict[str, Any]) -> None:
    has = json.loads(json.dumps(has))  # as it is read again: tuples are lists
    differing = list(_differences({name: had.get(name) for name in has}, has))
    shrunk = {f"recipe.{name}" for name in SHRUNK_BY_STEPS}
    if any(name == "recipe.steps" for name, _, _ in differing):  # which shrink the rest of the schedule
        differing = [one for one in differing if one[0] not in shrunk]
    if not differing:
        return
    if any(name == "recipe.model" for name, _, _ in differing):
        differing = [one for one in differing if one[0] == "recipe.model"]
    told = "; ".join(
        f"{name}{f' ({OPTIONS[name]})' if name in OPTIONS else ''} was {_shown(before)} and is {_shown(now)}"
        for name, before, now in differing[:MOST_TOLD]
    ) + (f"; and {len(differing) - MOST_TOLD} more" if len(differing) > MOST_TOLD else "")
    raise CheckpointError(
        f"{path} is of another run: {told}. Give what it was to continue that run, or another --out to begin "
        f"a new one"
    )


def _differences(had: Any, has: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, value had, value that came) of the leaves in which nested dictionaries differ."""
    if isinstance(had, dict) and isinstance(has, dict):
        for key in had | has:
            yield from _differences(had.get(key), has.get(key), f"{name}.{key}".removeprefix("."))
    elif had != has:
        yield name, had, has


def _shown(value: Any) -> str:
    text = "nothing" if value in (None, "") else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def restore_run(
    path: Path,
    identity: dict[str, Any],
    module: nn.Module,
    average: MovingAverage,
    optimiser: torch.optim.Optimizer,
) -> tuple[int, Score]:
    """Puts back what `save_run` wrote; the steps done and the best score so far. Raises CheckpointError."""
    tensors, facts = load_state(path)
    _refuse_differing(path, facts.get("identity", {}), identity)

    def named(prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
        }

    try:
        module.load_state_dict(named("module."))
        average.network.load_state_dict(named("average."))
        restore_optimiser(optimiser, tensors)
        value = facts["best"]["value"]
        return facts["step"], Score(math.inf if value is None else value, facts["best"]["parts"])
    except (KeyError, ValueError, RuntimeError) as error:  # layers that another version had
        raise CheckpointError(
            f"{path} does not fit the network that its recipe makes in this version; start anew without "
            f"--resume"
        ) from error
