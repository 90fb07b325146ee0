"""`tinytracker deploy`: from an export's folder to a network that a board takes, on the board's own computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.errors import DeviceError, UsageError

TARGETS = ("imx500",)


def deploy(
    target: Annotated[str, typer.Argument(help=f"The board: {', '.join(TARGETS)}.", metavar="TARGET")],
    folder: Annotated[Path, typer.Argument(help="What `tinytracker export --target TARGET` wrote.", metavar="DIR")],
) -> None:
    """Package an export for a board, on the computer that the board hangs on.

    For imx500 that is a Raspberry Pi with the AI Camera. It looks for the packaging tool, the camera's firmware and picamera2,
    and says how to install what is missing; packages DIR/packerOut.zip with the vendor's imx500-package; and compares what
    came out with the network's card, which it puts beside it. What it makes, DIR/network.rpk, is what track, bench and
    evaluate take.

    \b
    Examples:
      tinytracker deploy imx500 exported
      tinytracker track imx500:exported/network.rpk
    """
    if target not in TARGETS:
        raise UsageError(f"there is no board {target!r} to deploy to; expected one of {', '.join(TARGETS)}")
    from tinytracker.targets.imx500.deploy import NETWORK, PACKER_OUT, checks, package

    found = checks()
    for check in found:
        typer.echo(f"{'found  ' if check.is_there else 'missing'} {check.what}" + ("" if check.is_there else f": {check.remedy}"))
    network, made = package(folder)
    registers = made.registers
    typer.echo(
        f"packaged {network}: {made.width_px} x {made.height_px} px, {registers.order}, "
        f"{'int8' if registers.is_signed else 'uint8'}, {network.stat().st_size:,} bytes from {PACKER_OUT}"
    )
    missing = [check for check in found if not check.is_there]
    if missing:
        raise DeviceError(f"{NETWORK} is packaged, but the camera cannot be used yet: no {', no '.join(c.what for c in missing)}")
    typer.echo(f"next: tinytracker track imx500:{network}")
