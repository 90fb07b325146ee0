"""`tinytracker export CHECKPOINT`: a checkpoint -> float and int8 .tflite, and .onnx."""

from __future__ import annotations

from tinytracker.cli.export_request import ExportRequest
from tinytracker.cli.opening import open_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError


def run(request: ExportRequest) -> None:
    """Writes NAME_float.tflite, NAME.onnx and, given data, NAME_int8.tflite, each with its card."""
    if not request.data and not request.float_only:
        raise UsageError("int8 needs training people to calibrate on; give --data DATASET, or --float-only")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        from tinytracker.errors import MissingExtraError

        raise MissingExtraError("torch", "export") from error
    from dataclasses import replace

    from rich.console import Console

    from tinytracker.targets.litert import Int8Options, export_float, export_int8
    from tinytracker.targets.onnx import export_onnx
    from tinytracker.training.checkpoint import load_card, load_network

    checkpoint, out = request.model, request.out
    network, card = load_network(checkpoint), load_card(checkpoint)
    card = replace(card, name=request.name or card.name)
    if (out / f"{card.name}.safetensors").exists():
        raise UsageError(f"{out} holds the checkpoint {card.name}.safetensors, whose card the ONNX file's would replace; "
                         "give another --out or --name")  # fmt: skip
    dataset = open_dataset(list(request.data)) if request.data and not request.float_only else None
    console = Console(soft_wrap=True, highlight=False)
    exported = export_float(network, card, out)
    console.print(f"wrote {exported.path} ({exported.card.counts['bytes']:,} bytes)")
    onnx = export_onnx(network, card, out)
    console.print(f"wrote {onnx.path} ({onnx.card.counts['bytes']:,} bytes)")
    if dataset is None:
        return
    options = Int8Options(calibration_samples=request.calibration_samples or 200, qat_steps=request.qat_steps)
    with progress_bar("Fake-quant training") as update:
        int8 = export_int8(network, card, exported.path, dataset, out, options, update)
    quantization = int8.card.results["quantization"]
    console.print(f"wrote {int8.path} ({int8.card.counts['bytes']:,} bytes): {quantization['route']}")
    for split in ("val", "test"):
        if split in quantization:
            figures = ", ".join(f"{key} {value}" for key, value in quantization[split].items())
            console.print(f"  against float on {split}: {figures}")
