"""`tinytracker export`: a checkpoint -> files that run anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A .safetensors file that `train` wrote, with its card beside it.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Dataset folder to calibrate and check on; give it again to join several.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("out/export"),
    name: Annotated[str | None, typer.Option(help="Name of the files; default: the checkpoint's.")] = None,
    float_only: Annotated[bool, typer.Option("--float-only", help="Leave out int8, which needs --data.")] = False,
    calibration_samples: Annotated[int, typer.Option(min=1, help="Training frames to calibrate on.")] = 200,
    qat_steps: Annotated[
        int | None,
        typer.Option(min=0, help="Steps of fake-quant training; default: 300 if calibration alone costs over 0.05 cm."),
    ] = None,
) -> None:
    """Turns a checkpoint into NAME_float.tflite, NAME_int8.tflite and NAME.onnx, each with its card.

    The int8 file is integer from input to output, so accelerators and microcontrollers run it. Its number ranges are
    calibrated on training people; the better of several ways is chosen on the validation people; what it costs is measured
    on the test people and stands in the card. Where calibration alone costs more than 0.05 cm, the network is trained a
    little with simulated rounding.

    \b
    Examples:
      tinytracker export runs/tinytracker/best.safetensors --data dataset
      tinytracker export best.safetensors --data dataset --out exported --name mine --qat-steps 500
      tinytracker export best.safetensors --float-only
    """
    if not data and not float_only:
        raise UsageError("int8 needs training people to calibrate on; give --data DATASET, or --float-only")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        from tinytracker.errors import MissingExtraError

        raise MissingExtraError("torch", "export") from error
    from dataclasses import replace

    from rich.console import Console

    from tinytracker.data.dataset import Dataset
    from tinytracker.targets.litert import Int8Options, export_float, export_int8
    from tinytracker.targets.onnx import export_onnx
    from tinytracker.training.checkpoint import load_card, load_network

    network, card = load_network(checkpoint), load_card(checkpoint)
    card = replace(card, name=name or card.name)
    if (out / f"{card.name}.safetensors").exists():
        raise UsageError(f"{out} holds the checkpoint {card.name}.safetensors, whose card the ONNX file's would replace; "
                         "give another --out or --name")  # fmt: skip
    dataset = Dataset.open(data) if data and not float_only else None
    console = Console(soft_wrap=True, highlight=False)
    exported = export_float(network, card, out)
    console.print(f"wrote {exported.path} ({exported.card.counts['bytes']:,} bytes)")
    onnx = export_onnx(network, card, out)
    console.print(f"wrote {onnx.path} ({onnx.card.counts['bytes']:,} bytes)")
    if dataset is None:
        return
    options = Int8Options(calibration_samples=calibration_samples, qat_steps=qat_steps)
    with progress_bar("Fake-quant training") as update:
        int8 = export_int8(network, card, exported.path, dataset, out, options, update)
    quantization = int8.card.results["quantization"]
    console.print(f"wrote {int8.path} ({int8.card.counts['bytes']:,} bytes): {quantization['route']}")
    for split in ("val", "test"):
        if split in quantization:
            figures = ", ".join(f"{key} {value}" for key, value in quantization[split].items())
            console.print(f"  against float on {split}: {figures}")
