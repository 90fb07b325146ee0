"""`tinytracker bench`: what a gaze costs on a board, in time and energy. The targets know:
`targets/*/target.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.cli.asking import asks_targets
from tinytracker.cli.caller import caller
from tinytracker.costs.rows import write_cost_rows
from tinytracker.files import refuse_unwritable
from tinytracker.targets.hashes import with_hashes
from tinytracker.targets.target import ask


@asks_targets("bench")
def bench(
    target: Annotated[str, typer.Argument(help="The board; see above.", metavar="TARGET")],
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Networks: files with a card beside them, or released names.", metavar="MODEL"),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as a row.", metavar="FILE")] = None,
    **options: Any,
) -> None:
    """What a gaze costs on a board: time, memory and energy, each figure with how it was obtained.

    {targets}

    For imx500: read-out, transfer to the processor, inference, fetching the result, the host's own part;
    energy of sensor and inference. Without a board they are estimated from constants whose sources are given,
    beside what the paper published for its network; with --board imx500:network.rpk the camera measures what
    it can.

    For mcu: the network is compiled and run on emulated Cortex-M4F and M7 (or --board qemu-m0plus, qemu-m33,
    qemu-m55): instructions, flash, RAM, and whether the bytes are TensorFlow Lite Micro's. With --board
    serial:PORT the time is the real board's, by its own clock. Without MODEL the released networks.

    \b
    Examples:
    {examples}
    """
    if csv is not None:
        refuse_unwritable(csv)
    given = tuple(models or ())
    rows = ask("bench", target, "there is no board {name!r} to bench").call(given, caller(), given=options)
    if csv is not None:
        write_cost_rows(with_hashes(rows, given), csv)
        typer.echo(f"wrote {len(rows)} rows to {csv}")
