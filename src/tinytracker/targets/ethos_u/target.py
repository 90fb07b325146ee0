"""`ethos-u`: Arm's Ethos-U, by its compiler Vela."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tinytracker.costs.rows import CostRow
from tinytracker.findings import Finding, Severity
from tinytracker.targets.ethos_u.vela import DEFAULT_ACCELERATOR
from tinytracker.targets.target import Caller, Option, Target, Work
from tinytracker.zoo import find_tflite

if TYPE_CHECKING:
    from tinytracker.targets.ethos_u.vela import Estimate


def lint(model: Path) -> list[Finding]:
    """What Vela leaves to the processor."""
    from tinytracker.targets.ethos_u import lint as ethos_u

    return ethos_u.lint(model)


def export(
    model: Path,
    out: Path,
    caller: Caller,
    *,
    accelerator: Annotated[
        str, Option("The NPU by Vela's name, as ethos-u55-128.", metavar="NAME")
    ] = DEFAULT_ACCELERATOR,
) -> None:
    """Writes NAME_vela.tflite, Vela's tables and report.md."""
    from tinytracker.files import write_text
    from tinytracker.targets.ethos_u.lint import describe, findings
    from tinytracker.targets.ethos_u.vela import estimate
    from tinytracker.tflite.file import read_tflite
    from tinytracker.tflite.read import read_graph

    path = find_tflite(model, "--target ethos-u").path
    graph = read_graph(read_tflite(path), path.stem)
    made = estimate(path, accelerator, out)
    write_text(out / "report.md", report(path.stem, made, describe(made)))
    caller.say(f"wrote {made.path} for {made.accelerator}")
    caller.say(f"  {describe(made)}")
    for finding in findings(graph, made):
        if finding.severity is not Severity.NOTE:
            caller.say(f"  {finding.severity}: {finding.layer}: {finding.message}; {finding.remedy}")


def bench(
    models: Sequence[str],
    caller: Caller,
    *,
    accelerator: Annotated[
        str, Option("The NPU by Vela's name, as ethos-u55-128.", metavar="NAME")
    ] = DEFAULT_ACCELERATOR,
) -> list[CostRow]:
    """Time and memory by Vela, of the released networks where none is named. No energy: nobody publishes
    an NPU's power."""
    import tempfile

    from tinytracker.targets.ethos_u.lint import describe
    from tinytracker.targets.ethos_u.vela import estimate
    from tinytracker.zoo import list_released

    rows = []
    for model in models or list_released():
        path = find_tflite(model, "bench ethos-u").path
        with tempfile.TemporaryDirectory(prefix="tinytracker-vela-") as out:
            made = estimate(path, accelerator, Path(out))
        caller.say(f"{path.stem}: {describe(made)}")
        conditions = {
            "clock_mhz": f"{made.clock_hz / 1e6:g}",
            "system": made.system,
            "operators_on_cpu": str(made.on_cpu),
        }
        figures = (
            ("inference", made.milliseconds, "ms"),
            ("cycles", made.cycles, ""),
            ("macs", made.macs, ""),
            ("ram", made.sram_bytes, "bytes"),
            ("flash", made.weight_bytes, "bytes"),
        )
        rows += [
            CostRow(
                made.accelerator,
                path.stem,
                metric,
                value,
                unit=unit,
                how="estimated",
                source="Arm's Vela",
                conditions=conditions,
            )
            for metric, value, unit in figures
        ]
    return rows


def report(name: str, made: Estimate, totals: str) -> str:
    """Markdown: the totals, and Vela's passes with their cycles."""
    lines = [
        f"# {name} on {made.accelerator}",
        "",
        totals,
        "",
        "| tensor | operator | cycles, estimated | MAC |",
        "|---|---|---:|---:|",
        *(
            f"| {one.name} | {one.kind} | {one.cycles:,} | {one.macs:,} |"
            for one in made.layers
            if one.cycles
        ),
        *(f"| {one.tensor} | {one.kind} | on the processor: {one.reason} | |" for one in made.fallbacks),
        "",
    ]
    return "\n".join(lines)


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "ethos-u",
            "Arm Ethos-U",
            lint=Work(
                lint,
                "what Arm's Vela leaves to the processor",
                ("tinytracker lint theirs.tflite --target ethos-u",),
            ),
            bench=Work(
                bench, "time and memory, estimated by Arm's Vela", ("tinytracker bench ethos-u tinytracker",)
            ),
            export=Work(
                export,
                "a network through Arm's Vela, with what it estimates",
                ("tinytracker export tinytracker --target ethos-u --accelerator ethos-u55-128 --out npu",),
            ),
        ),
    )
