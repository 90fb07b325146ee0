"""`onnx`: a checkpoint as a float .onnx file."""

from __future__ import annotations

from pathlib import Path

from tinytracker.errors import UsageError
from tinytracker.extras import need
from tinytracker.targets.options import Name
from tinytracker.targets.target import Caller, Target, Work


def export(model: Path, out: Path, caller: Caller, *, name: Name = None) -> None:
    """Writes NAME.onnx with its card."""
    need("torch", "export")
    from dataclasses import replace

    from tinytracker.models.checkpoint import load_card, load_network
    from tinytracker.targets.litert.ground import refuse_spiking
    from tinytracker.targets.onnx.package import export_onnx

    refuse_spiking(load_card(model), model)
    network, card = load_network(model), load_card(model)
    card = replace(card, name=name or card.name)
    if (out / f"{card.name}.safetensors").exists():
        raise UsageError(
            f"{out} holds the checkpoint {card.name}.safetensors, whose card the ONNX file's would replace; "
            "give another --out or --name"
        )
    made = export_onnx(network, card, out)
    caller.say(f"wrote {made.path} ({made.card.counts['bytes']:,} bytes)")


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "onnx",
            "ONNX: any runtime that reads it",
            export=Work(
                export,
                "a checkpoint as float .onnx alone",
                ("tinytracker export best.safetensors --target onnx --out exported",),
            ),
        ),
    )
