"""`tinytracker export --target coral-edgetpu`: an int8 .tflite as the Edge TPU's compiler takes it, and compiled."""

from __future__ import annotations

from rich.console import Console

from tinytracker.cli.export_request import ExportRequest


def run(request: ExportRequest) -> None:
    """Writes NAME.tflite and its card, and NAME_edgetpu.tflite where edgetpu_compiler is on PATH."""
    from tinytracker.targets.coral.compile import COMPILER, export

    source = request.tflite()
    made = export(source, request.out, request.name or source.stem, request.output_scale_cm)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"wrote {made.path}: every layer is one that the Edge TPU maps, by its compiler's documented limits")
    for change in made.changes:
        console.print(f"  {change}")
    if made.change is not None:
        console.print(f"  {made.change}")
        if made.card is not None and made.card.output == "gaze":
            console.print(f"  a step is {made.change.step * made.card.output_scale_cm:.2f} cm of gaze")
    for finding in made.findings:
        console.print(f"  {finding.severity}: {finding.layer}: {finding.message}; {finding.remedy}")
    if made.compilation is None:
        console.print(f"not compiled: {COMPILER} is not on PATH (Google's package for x86-64 Debian; not with tinytracker). Run:")
        console.print(f"  {made.command}")
    else:
        compiled = made.compilation
        console.print(f"compiled {compiled.path}")
        if compiled.on_tpu is not None:
            console.print(f"  {compiled.on_tpu} operations on the Edge TPU, {compiled.on_cpu} on the processor")
        for line in compiled.memory:
            console.print(f"  {line}")
    console.print(f"then: tinytracker export {made.path.with_name(made.path.stem + '_edgetpu.tflite')} --target coralmicro")
