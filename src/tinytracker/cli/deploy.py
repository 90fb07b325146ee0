"""`tinytracker deploy`: from an export's folder to a network that a board takes, on the board's own
computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.cli.asking import asks_targets
from tinytracker.cli.caller import caller
from tinytracker.targets.target import ask


@asks_targets("deploy")
def deploy(
    target: Annotated[str, typer.Argument(help="The board; see above.", metavar="TARGET")],
    folder: Annotated[
        Path, typer.Argument(help="What `tinytracker export --target TARGET` wrote.", metavar="DIR")
    ],
    **options: Any,
) -> None:
    """Package an export for a board, on the computer that the board hangs on.

    {targets}

    For imx500 that is a Raspberry Pi with the AI Camera. It looks for the packaging tool, the camera's
    firmware and picamera2, and says how to install what is missing; packages DIR/packerOut.zip with the
    vendor's imx500-package; and compares what came out with the network's card, which it puts beside it. What
    it makes, DIR/network.rpk, is what track, bench and evaluate take.

    \b
    Examples:
    {examples}
    """
    ask("deploy", target, "there is no board {name!r} to deploy to").call(folder, caller(), given=options)
