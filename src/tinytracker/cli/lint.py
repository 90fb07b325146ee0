"""`tinytracker lint`: will a target run this network, and if not, what must change?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.cli.asking import asks_targets
from tinytracker.errors import TargetError
from tinytracker.findings import Severity, has_errors
from tinytracker.targets.target import ask


@asks_targets("lint")
def lint(
    model: Annotated[
        Path, typer.Argument(help="The network's file, or a released network's name.", metavar="MODEL")
    ],
    target: Annotated[str, typer.Option(help="The target; see above.", metavar="NAME")],
    **options: Any,
) -> None:
    """Check a network against a target's limits, layer by layer.

    {targets}

    Each line names a layer, what is the matter and what to change. The exit code is 6 if the target cannot
    run the network, 0 if it can, whatever else there is to say.

    \b
    Examples:
    {examples}
    """
    asked = ask("lint", target, "there is no target {name!r} to check against")
    findings = asked.call(model, given=options)
    for finding in findings:
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        typer.echo(f"{finding.severity}: {finding.layer}: {finding.message}{remedy}")
    if has_errors(findings):
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        raise TargetError(f"{target} cannot run {model}: {errors} of the remarks above must be mended first")
    typer.echo(f"{target} can run {model}")
