"""`litert`: a checkpoint as float and int8 .tflite, and as .onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tinytracker.errors import UsageError
from tinytracker.extras import need
from tinytracker.targets.options import DEFAULT_SAMPLES, CalibrationSamples, Data, Name, QatSteps
from tinytracker.targets.target import Caller, Option, Target, Work
from tinytracker.zoo import refuse_no_checkpoint


def export(
    model: Path,
    out: Path,
    caller: Caller,
    *,
    name: Name = None,
    data: Data = None,
    float_only: Annotated[bool, Option("Leave out int8, which needs --data.")] = False,
    calibration_samples: CalibrationSamples = None,
    qat_steps: QatSteps = None,
) -> None:
    """Writes NAME_float.tflite, NAME.onnx and, given data, NAME_int8.tflite, each with its card."""
    refuse_no_checkpoint(model)
    if not data and not float_only:
        raise UsageError("int8 needs training people to calibrate on; give --data DATASET, or --float-only")
    of_int8 = {"data": data, "calibration_samples": calibration_samples, "qat_steps": qat_steps}
    for option, value in of_int8.items():
        if float_only and value:
            raise UsageError(f"--{option.replace('_', '-')} is for int8, which --float-only leaves out")
    need("torch", "export")
    from tinytracker.quantization.ground import training_of
    from tinytracker.targets.litert.checkpoint import open_checkpoint
    from tinytracker.targets.litert.ground import ground_for
    from tinytracker.targets.litert.package import Int8Options, export_float, export_int8
    from tinytracker.targets.onnx.package import export_onnx

    network, card = open_checkpoint(model, out, name)
    ground = ground_for(data, network, card, caller) if data and not float_only else None
    if ground is not None:
        training_of(ground)  # or there will be no int8 file: told before the others are written
    with caller.bar("Converting to .tflite and .onnx") as update:
        update(0, 2)
        exported = export_float(network, card, out)
        update(1, 2)
        onnx = export_onnx(network, card, out)
        update(2, 2)
    caller.say(f"wrote {exported.path} ({exported.card.counts['bytes']:,} bytes)")
    caller.say(f"wrote {onnx.path} ({onnx.card.counts['bytes']:,} bytes)")
    if ground is None:
        return
    options = Int8Options(calibration_samples=calibration_samples or DEFAULT_SAMPLES, qat_steps=qat_steps)
    with caller.stages() as told:
        int8 = export_int8(network, card, exported.path, ground, out, options, told)
    quantization = int8.card.results["quantization"]
    caller.say(f"wrote {int8.path} ({int8.card.counts['bytes']:,} bytes): {quantization['route']}")
    for split in ("val", "test"):
        if split in quantization:
            figures = ", ".join(f"{key} {value}" for key, value in quantization[split].items())
            caller.say(f"  against float on {split}: {figures}")


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "litert",
            "LiteRT: phones, laptops, single-board computers",
            export=Work(
                export,
                "a checkpoint as float and int8 .tflite, and .onnx, each with its card",
                (
                    "tinytracker export runs/tinytracker/best.safetensors --data dataset",
                    "tinytracker export best.safetensors --data dataset --name mine --qat-steps 500",
                    "tinytracker export best.safetensors --float-only",
                ),
            ),
        ),
    )
