"""`tinytracker lint`: will a target run this network, and if not, what must change?"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.errors import TargetError, UsageError

# Target -> the module and, unless it is `lint`, the function that knows it: (path: Path) -> list[Finding]; path is what the
# user gave.
LINTERS: dict[str, str] = {
    "imx500": "tinytracker.targets.imx500.lint",
    "mcu": "tinytracker.targets.mcu.lint",
    "spresense": "tinytracker.targets.mcu.lint:lint_spresense",
    "coral": "tinytracker.targets.coral.lint",
    "ethos-u": "tinytracker.targets.ethos_u.lint",
}


def lint(
    model: Annotated[Path, typer.Argument(help="The network's file, or a released network's name.", metavar="MODEL")],
    target: Annotated[str, typer.Option(help=f"The target: {', '.join(LINTERS)}.", metavar="NAME")],
) -> None:
    """Check a network against a target's limits, layer by layer.

    Each line names a layer, what is the matter and what to change. The exit code is 6 if the target cannot run the network,
    0 if it can, whatever else there is to say.

    \b
    Examples:
      tinytracker lint tinytracker-s --target mcu
      tinytracker lint tinytracker --target spresense
      tinytracker lint runs/imx/best.safetensors --target imx500
      tinytracker lint theirs.tflite --target coral
      tinytracker lint theirs.tflite --target ethos-u
    """
    if target not in LINTERS:
        raise UsageError(f"there is no target {target!r} to check against; expected one of {', '.join(LINTERS)}")
    from rich.console import Console

    from tinytracker.targets.findings import Severity, has_errors

    module, _, function = LINTERS[target].partition(":")
    findings = getattr(importlib.import_module(module), function or "lint")(model)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for finding in findings:
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        console.print(f"{finding.severity}: {finding.layer}: {finding.message}{remedy}")
    if has_errors(findings):
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        raise TargetError(f"{target} cannot run {model}: {errors} of the remarks above must be mended first")
    console.print(f"{target} can run {model}")
