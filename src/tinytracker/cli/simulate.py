"""`tinytracker simulate`: a board's whole path on a PC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.cli.asking import asks_targets
from tinytracker.cli.caller import caller
from tinytracker.cli.interrupt import stop_on_signal
from tinytracker.errors import INTERRUPTED
from tinytracker.targets.target import ask


@asks_targets("simulate")
def simulate(
    target: Annotated[str, typer.Argument(help="The board; see above.", metavar="TARGET")],
    video: Annotated[
        str | None,
        typer.Argument(help="A video or a folder of pictures; without it a rendered person follows a dot."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="What `tinytracker export --target TARGET` wrote, or its .onnx.", metavar="DIR|FILE"
        ),
    ] = None,
    **options: Any,
) -> int:
    """Run what the sensor would do, from its pixels to the gaze, without the sensor.

    {targets}

    Each picture of the video stands for what the sensor sees. The region of interest of that moment is cut
    out, scaled and put through the registers of the sensor's image processor bit by bit; the quantised
    network runs on it; its result comes frames later, as read-out, transfer and inference take. Meanwhile the
    host finds the face in the picture and steers the region, as `track` does.

    Without a video people are rendered who move the head and follow a dot: then the error is known, and its
    growth with the loop's lag (--lag 2 --lag 6 ...) is printed and drawn. Error "when seen" compares with the
    dot of the frame that the network saw: what a region that trails the face costs; "less offset" takes each
    person's constant offset off. Error "when shown" compares with the dot of the frame with which the result
    arrives: delay and all.

    All of it is emulated: lens, noise, the scaler's interpolation and the chip's own rounding are not the
    real ones.

    \b
    Examples:
    {examples}
    """
    asked = ask("simulate", target, "there is no board {name!r} to simulate")
    with stop_on_signal() as stop:
        asked.call(video, model, caller(stop), given=options)
        return INTERRUPTED if stop() else 0
