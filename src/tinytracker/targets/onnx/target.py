"""`onnx`: a checkpoint as a float .onnx file."""

from __future__ import annotations

from pathlib import Path

from tinytracker.extras import need
from tinytracker.targets.options import Name
from tinytracker.targets.target import Caller, Target, Work


def export(model: Path, out: Path, caller: Caller, *, name: Name = None) -> None:
    """Writes NAME.onnx with its card."""
    need("torch", "export")
    from tinytracker.targets.litert.checkpoint import open_checkpoint
    from tinytracker.targets.onnx.package import export_onnx

    network, card = open_checkpoint(model, out, name)
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
