"""A trained network -> NAME.onnx, float, with its card."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from tinytracker.cards import ModelCard
from tinytracker.extras import need
from tinytracker.files import write_bytes
from tinytracker.models import Network
from tinytracker.quantization.convert import ChannelsLast, channels_last_inputs
from tinytracker.quantization.fold import fold
from tinytracker.quiet import silence
from tinytracker.targets.litert.package import Exported, file_card

OPSET = 17


def export_onnx(network: Network, card: ModelCard, folder: Path) -> Exported:
    """Writes NAME.onnx and its card; NAME is the card's name.

    Inputs have the card's names and shapes (pictures channels last), the output is called "output"; any batch
    size. Raises MissingExtraError without onnx.
    """
    need("onnx", "export")
    names = [spec.name for spec in network.spec.inputs]
    model = ChannelsLast(fold(network)).eval()
    with tempfile.TemporaryDirectory() as temporary, silence():
        exported = Path(temporary) / "network.onnx"
        torch.onnx.export(
            model,
            channels_last_inputs(network),
            str(exported),
            input_names=names,
            output_names=["output"],
            dynamic_axes={name: {0: "batch"} for name in (*names, "output")},
            opset_version=OPSET,
            # The exporter by torch.export would need onnxscript; this one does all our networks need.
            dynamo=False,
        )
        content = exported.read_bytes()
    path = folder / f"{card.name}.onnx"
    write_bytes(path, content)
    return Exported(path, file_card(network, card, path, "float32", {}))
