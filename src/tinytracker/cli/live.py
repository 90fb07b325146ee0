"""`tinytracker live`: a page on this machine that calibrates, shows, records and replays somebody's gaze."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.opening_page import say_page
from tinytracker.cli.options import Mirrored
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError
from tinytracker.files import refuse_no_folder
from tinytracker.synthetic.unseen import LIVE_PERSON

if TYPE_CHECKING:
    from tinytracker.web.live import LiveOptions, OpenTracker


class Camera(StrEnum):
    server = "server"
    browser = "browser"


def live(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A camera's number, /dev/videoN, imx500:NETWORK.rpk (the AI Camera of this Raspberry Pi), "
            "or a video shown over and over.",
            show_default="0",
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="No camera: a rendered person looks where the page's dot is.")
    ] = False,
    camera: Annotated[
        Camera,
        typer.Option(
            help="Who takes the frames: this program, or the browser (over SSH, in WSL or a container)."
        ),
    ] = Camera.server,
    model: Annotated[
        str, typer.Option(help="A released network or a file of one.", metavar="NAME|FILE")
    ] = "tinytracker-eyes",
    board: Annotated[
        str | None,
        typer.Option(
            help="Run the network on a board: serial:PORT[@BAUD], or an emulated one (qemu-m4).",
            metavar="BOARD",
        ),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="A calibration to begin with (saved in Check with s).", metavar="FILE")
    ] = None,
    screen: Annotated[
        Path | None, typer.Option(help="Your screen as JSON, if it does not say its size.", metavar="FILE")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where recordings go.", metavar="FOLDER")] = Path("sittings"),
    stimulus: Annotated[
        Path | None,
        typer.Option(
            help="A picture, video or page to look at while recording, or a folder of them.",
            metavar="FILE|FOLDER",
        ),
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Check by eight dots instead of four: a surer figure.")
    ] = False,
    fov_deg: Annotated[
        float | None,
        typer.Option(help="The camera's field of view across the frame's longer side.", show_default="60"),
    ] = None,
    mirrored: Mirrored = False,
    person: Annotated[
        int | None,
        typer.Option(
            min=0, help="--demo: another number is another rendered person.", show_default=str(LIVE_PERSON)
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; 0 takes any free one.")] = 0,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in your browser.")] = True,
) -> None:
    """Sit down, look at a few dots, and see how good your gaze is.

    It opens a page that only this machine can reach. Camera: does it see your eyes well? Dots: look at five
    of them. Check: four others tell how far off you will be. Live: your gaze, with your own error round it;
    re-centre with c. Record: r starts and stops, 1 to 9 are triggers. Replay: scan path, heatmap, areas of
    interest. The keyboard is enough for all.

    Nothing is stored without your pressing r or s, nothing leaves the machine unless you switch a stream on,
    and the program ends a minute after the page is closed.

    \b
    Examples:
      tinytracker live                         # the first camera
      tinytracker live --demo                  # no camera: a rendered person sits there
      tinytracker live --camera browser        # the browser's camera, as over SSH with a forwarded port
      tinytracker live 0 --calibration me.json --folder study
    """
    from tinytracker.web.live import Live, LiveOptions

    if demo and camera is Camera.browser:
        raise UsageError("--demo renders its own frames; leave --camera browser out")
    if source is not None and (demo or camera is Camera.browser):
        frames_by = "--demo renders its own frames" if demo else "the browser takes the frames"
        raise UsageError(f"{frames_by}; leave {source} out")
    if demo:
        refuse_idle(
            "with --demo, which knows its own camera and screen",
            fov_deg=fov_deg,
            screen=screen,
            mirrored=mirrored,
        )
    elif camera is Camera.browser:
        refuse_idle("with --camera browser, which gives pictures as they are", mirrored=mirrored)
    if not demo:
        refuse_idle("without --demo", person=person)
    refuse_no_folder(folder)
    options = LiveOptions(
        source=source or "0",
        frames_by="rendered" if demo else camera.value,
        person=LIVE_PERSON if person is None else person,
        model=model,
        screen=screen,
        calibration=calibration,
        folder=folder,
        stimulus=stimulus,
        fov_deg=fov_deg,
        mirrored=mirrored,
        thorough=thorough,
        port=port,
    )
    with ExitStack() as stack:
        tracker = _tracker(options, board, stack)
        progress = stack.enter_context(progress_bar("Compiling the renderer, this once"))
        running = Live(options, tracker, progress)

        def ready() -> None:
            say_page(running.address, "Ctrl-C ends it, and so does closing the page", browser)

        running.run(ready)


def _tracker(options: LiveOptions, board: str | None, stack: ExitStack) -> OpenTracker | None:
    """Who tracks, if not a network on this computer."""
    from tinytracker.cli.caller import caller
    from tinytracker.targets.target import ask, targets_that
    from tinytracker.tracking.calibrating import network_used, prior_of
    from tinytracker.tracking.options import TrackOptions
    from tinytracker.web.live import OpenTracker

    name, _, place = options.source.partition(":")
    in_target = options.frames_by == "server" and name in targets_that("track")
    if board is not None and in_target:
        raise UsageError(f"{name} runs the gaze network itself, --board on another board; choose one")
    if board is not None:
        from tinytracker.targets.mcu.open import open_board

        return OpenTracker.of(stack.enter_context(open_board(board, options.model)))
    if not in_target:
        return None
    live = ask("track", name).call(
        place, TrackOptions(fov_deg=options.fov_deg, mirrored=options.mirrored), caller(), given={}
    )
    if live.card is None:
        raise UsageError(f"{name} does not say which network it runs, so that its page cannot calibrate it")
    return OpenTracker(live.pipeline, network_used(live.card), prior_of(live.card), live.source)
