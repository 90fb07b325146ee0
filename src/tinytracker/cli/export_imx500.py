"""`tinytracker export CHECKPOINT --target imx500`: a checkpoint -> what Sony's image sensor runs."""

from __future__ import annotations

from contextlib import ExitStack

from tinytracker.cli.export_request import ExportRequest
from tinytracker.cli.opening import open_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError

WORDS = {"float": "float", "tflite_int8": "int8 TFLite", "imx500": "IMX500"}


def run(request: ExportRequest) -> None:
    """Writes NAME_imx500.onnx with its card, packerOut.zip, the memory report and network_intrinsics.json."""
    if not request.data:
        raise UsageError("Sony's quantiser needs training people to calibrate on; give --data DATASET")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        from tinytracker.errors import MissingExtraError

        raise MissingExtraError("torch", "imx500") from error
    from dataclasses import replace

    from rich.console import Console

    from tinytracker.targets.imx500 import toolchain
    from tinytracker.targets.imx500.bake import parse_region
    from tinytracker.targets.imx500.convert import ConvertOptions, convert
    from tinytracker.targets.imx500.quantise import QuantiseOptions
    from tinytracker.training.checkpoint import load_card, load_network

    toolchain.require()
    network, card = load_network(request.model), load_card(request.model)
    card = replace(card, name=request.name or card.name)
    others = [path.name for path in request.out.glob("*.onnx") if path.name != f"{card.name}_imx500.onnx"]
    if others:
        raise UsageError(
            f"{request.out} holds {others[0]} already, and the sensor takes one network a folder; give another --out"
        )
    options = ConvertOptions(
        calibration_samples=request.calibration_samples or ConvertOptions().calibration_samples,
        region=parse_region(request.roi) if request.roi else None,
        quantise=QuantiseOptions() if request.qat_steps is None else QuantiseOptions(qat_steps=request.qat_steps),
    )
    dataset = open_dataset(list(request.data))
    with ExitStack() as stack:
        bars = {what: stack.enter_context(progress_bar(what)) for what in ("Quantising", "Converting", "Measuring")}
        made = convert(
            network,
            card,
            dataset,
            request.out,
            options,
            lambda what, done, total: bars[what](done, total),
        )
    console = Console(soft_wrap=True, highlight=False)
    memory, (low_ms, high_ms) = made.memory, made.estimated_ms
    console.print(f"wrote {made.packed} and {made.onnx} ({made.route})")
    console.print(
        f"  memory on the chip: {memory.weights_bytes:,} bytes of weights, {memory.working_bytes:,} for maps, "
        f"{100 * memory.share:.1f} % of {memory.available_bytes:,} (the converter's report)"
    )
    console.print(f"  time on the chip: {low_ms:.1f} to {high_ms:.1f} ms (estimated from its multiply-accumulates)")
    errors = ", ".join(f"{WORDS[name]} {error:.3f}" for name, error in made.errors_cm.items())
    people = made.split if request.roi is None else f"{made.split}'s faces that lie about the region"
    console.print(f"  mean error in cm on {people}: {errors} (the IMX500's emulated)")
