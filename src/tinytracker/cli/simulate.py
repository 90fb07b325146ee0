"""`tinytracker simulate`: a board's whole path on a PC."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError
from tinytracker.synthetic.unseen import CLIP_PEOPLE

TARGETS = ("imx500",)


def simulate(
    target: Annotated[str, typer.Argument(help=f"The board: {', '.join(TARGETS)}.", metavar="TARGET")],
    video: Annotated[
        str | None, typer.Argument(help="A video or a folder of pictures; without it a rendered person follows a dot.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="What `tinytracker export --target imx500` wrote, or its .onnx.", metavar="DIR|FILE")
    ] = None,
    sensor_mode: Annotated[str, typer.Option(help="How the sensor reads out: full or binned.")] = "binned",
    full_speed: Annotated[
        bool, typer.Option("--full-speed", help="Read out as fast as the sensor can, not as the Raspberry Pi's driver does.")
    ] = False,
    lag: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Frames from commanding a region to the first frame cut by it; again to compare. Default: 2."),
    ] = None,
    predict: Annotated[
        bool, typer.Option("--predict/--no-predict", help="Put the region where the moving face will be, or where it is.")
    ] = True,
    csv: Annotated[Path | None, typer.Option(help="Write the gaze rows of a single lag as CSV.", metavar="FILE")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw error against lag, for a rendered person (.png, .svg, .pdf).", metavar="FILE")
    ] = None,
    people: Annotated[int, typer.Option(min=1, max=len(CLIP_PEOPLE), help="How many people are rendered.")] = 3,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="Length of each rendered clip.")] = 10.0,
    motion: Annotated[
        float, typer.Option(min=0.0, max=5.0, help="How much the rendered head moves; 1 is sitting still-ish.")
    ] = 3.0,
) -> int:
    """Run what the sensor would do, from its pixels to the gaze, without the sensor.

    Each picture of the video stands for what the sensor sees. The region of interest of that moment is cut out, scaled and put
    through the registers of the sensor's image processor bit by bit; the quantised network runs on it; its result comes
    frames later, as read-out, transfer and inference take. Meanwhile the host finds the face in the picture and steers the
    region, as `track` does.

    Without a video people are rendered who move the head and follow a dot: then the error is known, and its growth with
    the loop's lag (--lag 2 --lag 6 ...) is printed and drawn. Error "when seen" compares with the dot of the frame that the
    network saw: what a region that trails the face costs; "less offset" takes each person's constant offset off. Error "when
    shown" compares with the dot of the frame with which the result arrives: delay and all.

    All of it is emulated: lens, noise, the scaler's interpolation and the chip's own rounding are not the real ones.

    \b
    Examples:
      tinytracker simulate imx500 me.mp4 --model exported --csv gaze.csv
      tinytracker simulate imx500 --model exported --lag 1 --lag 2 --lag 4 --lag 8 --plot lag.png
    """
    if target not in TARGETS:
        raise UsageError(f"there is no board {target!r} to simulate; expected one of {', '.join(TARGETS)}")
    if model is None:
        raise UsageError("give the network: --model DIR, what `tinytracker export --target imx500` wrote")
    lags = list(dict.fromkeys(lag or [2]))
    if video is not None and (plot or len(lags) > 1):
        raise UsageError("errors against lag need a known truth: leave the video out, and a person is rendered")
    if csv is not None and len(lags) > 1:
        raise UsageError("--csv holds the rows of one lag; give --lag once")

    from tinytracker.targets.imx500.network import load_exported
    from tinytracker.targets.imx500.sensor import mode_named

    network, mode = load_exported(model), mode_named(sensor_mode)
    if video is not None:
        from tinytracker.cli.simulate_imx500 import simulate_video

        return simulate_video(network, mode, video, full_speed=full_speed, lag=lags[0], predict=predict, csv=csv)

    from tinytracker.cli.simulate_imx500 import draw, merged, print_study, render, study_lag
    from tinytracker.tracking.interrupt import stop_on_signal
    from tinytracker.tracking.sinks import CsvSink

    if csv is not None and people > 1:
        raise UsageError("--csv holds the rows of one clip; give --people 1")
    scenes = []
    with stop_on_signal() as stop, progress_bar("Rendering") as update:
        for number, person in enumerate(CLIP_PEOPLE[:people]):
            scenes.append(render(person, seconds, motion, _part(update, number, people), stop))
    outcomes = []
    with ExitStack() as stack:
        sinks = [] if csv is None else [stack.enter_context(CsvSink(csv))]
        stop = stack.enter_context(stop_on_signal())
        update = stack.enter_context(progress_bar("Simulating"))
        runs = len(lags) * people
        for number, frames in enumerate(lags):
            parts = [_part(update, number * people + k, runs) for k in range(people)]
            outcomes.append(
                merged(
                    [
                        study_lag(network, mode, scene, frames, predict, full_speed, sinks, part, stop)
                        for scene, part in zip(scenes, parts, strict=True)
                    ]
                )
            )
    print_study(outcomes, scenes, mode)
    if csv is not None:
        typer.echo(f"written: {csv}")
    if plot is not None:
        draw(outcomes, scenes[0].frame_ms, plot, f"IMX500, emulated: {network.card.name}, rendered people who move the head")
        typer.echo(f"drew {plot}")
    return 0


def _part(update: Callable[[int, int], None], number: int, parts: int) -> Callable[[int, int], None]:
    """Progress of one of several equal parts of the work."""
    return lambda done, total: update(number * total + done, parts * total)
