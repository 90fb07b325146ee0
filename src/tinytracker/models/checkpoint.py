"""Checkpoints: a network's weights, NAME.safetensors, and its card, NAME.json; written aside and renamed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tinytracker.cards import ModelCard, card_path, read_card, write_card
from tinytracker.damage import damage_of
from tinytracker.errors import CheckpointError
from tinytracker.extras import need
from tinytracker.files import sha256, write_bytes
from tinytracker.models.network import Network
from tinytracker.models.registry import create_model
from tinytracker.zoo import refuse_no_checkpoint


def save_network(network: Network, card: ModelCard, path: Path) -> None:
    """Writes weights (path, .safetensors) and card; card.recipe must hold "model" and "options" (a recipe
    does)."""
    from dataclasses import replace

    write_tensors(path, network.state_dict())
    write_card(replace(card, sha256=sha256(path)), card_path(path))


def load_network(path: Path) -> Network:
    """The network of a checkpoint, in evaluation mode, on the CPU.

    Raises CheckpointError if it is no checkpoint or does not fit its card, ModelError without a card.
    """
    card = load_card(path)
    try:
        network = create_model(card.recipe["model"], **card.recipe.get("options", {}))
        tensors = read_tensors(path)[0]
        _check_fit(network.state_dict(), tensors)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = (
            f"{path} does not fit its card {card_path(path).name}: {error}; both must "
            f"come from one training run"
        )
        raise CheckpointError(f"{message}, and from this version's {card.family}") from error
    return network.eval()


def load_card(path: Path) -> ModelCard:
    """The card of a checkpoint; raises ModelError without one, or for another kind of file."""
    refuse_no_checkpoint(path)
    return read_card(card_path(path))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What `write_tensors` wrote: tensors and words; raises CheckpointError if the file is no whole
    safetensors file."""
    safetensors = _safetensors()
    try:
        content = path.read_bytes()
        tensors = safetensors.load(content)
        length = int.from_bytes(content[:8], "little")
        return tensors, json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except Exception as error:  # safetensors has an error class of its own per version
        raise CheckpointError(f"{path} is not a whole safetensors file: {damage_of(path, error)}") from error


def _check_fit(expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Raises ValueError with how many tensors differ, and the first; torch would list them all."""
    shapes = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in found.items()}
    differing = sorted(name for name in shapes | theirs if shapes.get(name) != theirs.get(name))
    if differing:
        first = differing[0]
        came, wanted = theirs.get(first, "missing"), shapes.get(first, "none")
        raise ValueError(
            f"{len(differing)} of {len(shapes)} tensors differ, first {first}, {came} where {wanted} was "
            f"expected"
        )


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes named tensors, and words about them, as safetensors; raises OutputError."""
    # Copies that safetensors can store: on the CPU, in plain memory order, sharing nothing.
    stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, _safetensors().save(stored, metadata=metadata))


def _safetensors() -> Any:
    need("safetensors.torch", "train")
    import safetensors.torch

    return safetensors.torch
