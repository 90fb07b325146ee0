"""`tinytracker export --target ethos-u`: an int8 .tflite through Arm's Vela, with what it estimates."""

from __future__ import annotations

from rich.console import Console

from tinytracker.cli.export_request import ExportRequest
from tinytracker.targets.ethos_u.lint import describe, findings
from tinytracker.targets.ethos_u.vela import DEFAULT_ACCELERATOR, Estimate, estimate


def run(request: ExportRequest) -> None:
    """Writes NAME_vela.tflite, Vela's tables and report.md."""
    from tinytracker.engines.tflite_file import read_tflite
    from tinytracker.files import write_text
    from tinytracker.targets.findings import Severity
    from tinytracker.targets.mcu import frontend

    path = request.tflite()
    graph = frontend.read(read_tflite(path), path.stem)
    made = estimate(path, request.accelerator or DEFAULT_ACCELERATOR, request.out)
    write_text(request.out / "report.md", report(path.stem, made))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"wrote {made.path} for {made.accelerator}")
    console.print(f"  {describe(made)}")
    for finding in findings(graph, made):
        if finding.severity is not Severity.NOTE:
            console.print(f"  {finding.severity}: {finding.layer}: {finding.message}; {finding.remedy}")


def report(name: str, made: Estimate) -> str:
    """Markdown: the totals, and Vela's passes with their cycles."""
    lines = [f"# {name} on {made.accelerator}", "", describe(made), "", "| tensor | operator | cycles, estimated | MAC |",
             "|---|---|---:|---:|"]  # fmt: skip
    lines += [f"| {layer.name} | {layer.kind} | {layer.cycles:,} | {layer.macs:,} |" for layer in made.layers if layer.cycles]
    lines += [f"| {fallback.tensor} | {fallback.kind} | on the processor: {fallback.reason} | |" for fallback in made.fallbacks]
    return "\n".join([*lines, ""])
