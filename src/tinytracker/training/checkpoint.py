"""Checkpoints: weights (NAME.safetensors + its card NAME.json), and the whole state a killed run resumes from.

Everything is written aside and renamed. The state is one file, so it cannot be half old and half new.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tinytracker.cards import ModelCard, card_path, read_card, write_card
from tinytracker.errors import CheckpointError, MissingExtraError
from tinytracker.files import sha256, write_bytes
from tinytracker.models import Network, create_model

STATE_FORMAT = "1"
STATE_ENTRY = "tinytracker_state"


def save_network(network: Network, card: ModelCard, path: Path) -> None:
    """Writes weights (path, .safetensors) and card; card.recipe must hold "model" and "options" (a recipe does)."""
    from dataclasses import replace

    write_bytes(path, _safetensors().save(_contiguous(network.state_dict())))
    write_card(replace(card, sha256=sha256(path)), card_path(path))


def load_network(path: Path) -> Network:
    """The network of a checkpoint, in evaluation mode, on the CPU.

    Raises CheckpointError if the weights do not fit the card, ModelError without a card.
    """
    card = read_card(card_path(path))
    try:
        network = create_model(card.recipe["model"], **card.recipe.get("options", {}))
        tensors = _read(path)[0]
        _check_fit(network.state_dict(), tensors)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = f"{path} does not fit its card {card_path(path).name}: {error}; both must come from one training run"
        raise CheckpointError(f"{message}, and from this version's {card.family}") from error
    return network.eval()


def load_card(path: Path) -> ModelCard:
    """The card of a checkpoint; raises ModelError without one."""
    return read_card(card_path(path))


def save_state(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Writes a training state: named tensors, and facts as JSON (step, recipe, ...)."""
    # One entry: safetensors writes several in any order, and equal states should be equal files.
    metadata = {STATE_ENTRY: json.dumps({"format": STATE_FORMAT, "facts": facts})}
    write_bytes(path, _safetensors().save(_contiguous(tensors), metadata=metadata))


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what save_state wrote; raises CheckpointError for anything else."""
    tensors, metadata = _read(path)
    state = json.loads(metadata.get(STATE_ENTRY, "{}"))
    if state.get("format") != STATE_FORMAT:
        raise CheckpointError(f"{path} is no training state of this version; start anew without --resume")
    return tensors, state["facts"]


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state, flat: "optimiser.PARAMETER.NAME" -> tensor."""
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{number}.{name}": value for number, one in state.items() for name, value in one.items()}


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


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    safetensors = _safetensors()
    try:
        content = path.read_bytes()
        tensors = safetensors.load(content)
        length = int.from_bytes(content[:8], "little")
        return tensors, json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except Exception as error:  # safetensors has an error class of its own per version
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from error


def _check_fit(expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Raises ValueError with how many tensors differ, and the first; torch would list them all."""
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in found.items()}
    differing = sorted(name for name in shapes | theirs if shapes.get(name) != theirs.get(name))
    if differing:
        first = differing[0]
        came, wanted = theirs.get(first, "missing"), shapes.get(first, "none")
        raise ValueError(f"{len(differing)} of {len(shapes)} tensors differ, first {first}, {came} where {wanted} was expected")


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies that safetensors can store: on the CPU, in plain memory order, sharing nothing."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingExtraError("safetensors", "train") from error
    return safetensors.torch
