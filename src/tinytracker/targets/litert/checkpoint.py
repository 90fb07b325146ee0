"""The checkpoint that becomes a .tflite or an .onnx."""

from __future__ import annotations

from pathlib import Path

from tinytracker.cards import ModelCard, renamed
from tinytracker.errors import UsageError
from tinytracker.models import Network
from tinytracker.models.checkpoint import load_card, load_network


def open_checkpoint(model: Path, out: Path, name: str | None) -> tuple[Network, ModelCard]:
    """Its network, and its card under the name that files in `out` will have; None: its own.

    Raises UsageError for a spiking network, as these formats know no neurons, for a name that no file has,
    and where the card of an .onnx would replace a checkpoint's.
    """
    card = load_card(model)
    if card.output == "pupil_grid":
        raise UsageError(
            f"{model} is a spiking network, which no .tflite or .onnx can hold; for neuromorphic chips: "
            f"tinytracker export {model} --target nir"
        )
    card = renamed(card, name)
    if (out / f"{card.name}.safetensors").exists():
        raise UsageError(
            f"{out} holds the checkpoint {card.name}.safetensors, whose card the ONNX file's would replace; "
            "give another --out or --name"
        )
    return load_network(model), card
