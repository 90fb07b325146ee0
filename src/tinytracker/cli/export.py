"""`tinytracker export`: a network -> what a target runs. One table says which module writes for which target."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.export_request import ExportRequest
from tinytracker.errors import UsageError

CHECKPOINT_OPTIONS = frozenset({"name", "data", "float_only", "calibration_samples", "qat_steps"})


@dataclass(frozen=True, slots=True)
class Exporter:
    """Who writes for a target: `tinytracker.cli.MODULE`, whose `run(request: ExportRequest)` is called, and its options."""

    module: str
    options: frozenset[str] = frozenset()


DEFAULT_TARGET = "litert"
EXPORTERS = {
    "litert": Exporter("export_checkpoint", CHECKPOINT_OPTIONS),
    "mcu": Exporter("export_mcu", frozenset({"name", "cpu"})),
    "imx500": Exporter("export_imx500", frozenset({"name", "data", "calibration_samples", "qat_steps", "roi"})),
    "spresense-arduino": Exporter("export_boards", frozenset({"output_scale_cm"})),
    "spresense-sdk": Exporter("export_boards", frozenset({"output_scale_cm"})),
    "coralmicro": Exporter("export_boards", frozenset({"output_scale_cm"})),
    "coral-edgetpu": Exporter("export_coral", frozenset({"name", "output_scale_cm"})),
    "ethos-u": Exporter("export_ethos_u", frozenset({"accelerator"})),
    "qemu": Exporter("export_boards", frozenset({"cpu", "output_scale_cm"})),
}


def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="A checkpoint (.safetensors) with its card beside it; for a board's target an int8 .tflite or a "
            "released network's name.",
            metavar="CHECKPOINT|MODEL",
        ),
    ],
    target: Annotated[str, typer.Option(help=f"What to write for: {', '.join(EXPORTERS)}.", metavar="NAME")] = DEFAULT_TARGET,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Dataset folder to calibrate and check on; give it again to join several.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("out/export"),
    name: Annotated[str | None, typer.Option(help="Name of the files; default: the checkpoint's.")] = None,
    float_only: Annotated[bool, typer.Option("--float-only", help="Leave out int8, which needs --data.")] = False,
    calibration_samples: Annotated[
        int | None, typer.Option(min=1, help="Training frames to calibrate on.", show_default="200")
    ] = None,
    qat_steps: Annotated[
        int | None,
        typer.Option(min=0, help="Steps of fake-quant training; default: 300 if calibration alone costs over 0.05 cm."),
    ] = None,
    cpu: Annotated[str | None, typer.Option(help="The microcontroller's core.", metavar="NAME")] = None,
    accelerator: Annotated[str | None, typer.Option(help="The NPU by Vela's name, as ethos-u55-128.", metavar="NAME")] = None,
    roi: Annotated[
        str | None,
        typer.Option(help="IMX500: where the region stays, for a network with a grid; shares of the picture.", metavar="X,Y,W,H"),
    ] = None,
    output_scale_cm: Annotated[
        float | None, typer.Option(help="Boards, for a .tflite without a card: cm that an output of 1 stands for.")
    ] = None,
) -> None:
    """Turns a network into what a target runs; by default a checkpoint into .tflite and .onnx.

    By default (--target litert) it writes NAME_float.tflite, NAME_int8.tflite and NAME.onnx, each with its card.

    The int8 file is integer from input to output, so accelerators and microcontrollers run it. Its number ranges are
    calibrated on training people; the better of several ways is chosen on the validation people; what it costs is measured
    on the test people and stands in the card. Where calibration alone costs more than 0.05 cm, the network is trained a
    little with simulated rounding.

    For a board the network is an int8 .tflite or a released name: `spresense-arduino`, `spresense-sdk` and `coralmicro` write
    a folder in the vendor's layout, from camera to gaze, with the steps to build and flash it; `qemu` one with a Makefile.
    `coral-edgetpu` writes what the Edge TPU's compiler takes and calls it where it is on PATH; `ethos-u` runs Arm's Vela and
    reports its estimates.

    \b
    Examples:
      tinytracker export tinytracker-s --target mcu --cpu m4 --out firmware/model
      tinytracker export tinytracker-s --target spresense-arduino --out sketchbook
      tinytracker export tinytracker-s --target qemu --cpu m7 --out emulated
      tinytracker export tinytracker --target coral-edgetpu --out tpu
      tinytracker export tinytracker --target ethos-u --accelerator ethos-u55-128 --out npu
      tinytracker export runs/tinytracker/best.safetensors --data dataset
      tinytracker export best.safetensors --data dataset --out exported --name mine --qat-steps 500
      tinytracker export best.safetensors --float-only
      tinytracker export runs/band/best.safetensors --target imx500 --data dataset --out band
    """
    if target not in EXPORTERS:
        raise UsageError(f"there is no target {target!r}; expected one of {', '.join(EXPORTERS)}")
    exporter = EXPORTERS[target]
    request = ExportRequest(
        model=model,
        out=out,
        target=target,
        name=name,
        data=tuple(data) if data else None,
        float_only=float_only,
        calibration_samples=calibration_samples,
        qat_steps=qat_steps,
        cpu=cpu,
        accelerator=accelerator,
        roi=roi,
        output_scale_cm=output_scale_cm,
    )
    request.refuse_options_but(exporter.options)
    importlib.import_module(f"tinytracker.cli.{exporter.module}").run(request)
