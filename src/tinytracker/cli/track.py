"""`tinytracker track`: where somebody looks, in pictures, a video or before a camera."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tinytracker.cli.asking import asks_targets, refuse_options
from tinytracker.cli.caller import caller, say
from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.options import Mirrored, Strict
from tinytracker.errors import INTERRUPTED, UsageError
from tinytracker.results import Table
from tinytracker.targets.target import Caller, ask, targets_that
from tinytracker.tracking.options import Outputs, TrackOptions

if TYPE_CHECKING:
    from tinytracker.calibration.calibration import Calibration
    from tinytracker.calibration.conditions import NetworkUsed
    from tinytracker.tracking.sources import Source

DEFAULT_MODEL = "tinytracker-eyes"


@asks_targets("track")
def track(
    source: Annotated[
        str,
        typer.Argument(
            help="A picture, a folder of pictures, a video, a camera's number, /dev/videoN, rtsp:// or "
            "http://, - for "
            "standard input, or imx500:NETWORK.rpk."
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="A released network (see `tinytracker models`) or any .tflite of the family.",
            show_default=DEFAULT_MODEL,
            metavar="NAME|FILE",
        ),
    ] = None,
    output_scale_cm: Annotated[
        float | None,
        typer.Option(
            help="Centimetres that an output of 1 stands for, if not what its card says (paper: 30)."
        ),
    ] = None,
    positions: Annotated[
        str,
        typer.Option(
            help="Where the network is told that the face is: exact, or grid-25 for TinyTracker as its "
            "authors released it "
            "(cells of GazeCapture's face grid).",
            metavar="NAME",
        ),
    ] = "exact",
    save: Annotated[
        Path | None, typer.Option(help="Write the annotated video here (.mp4, H.264).", metavar="FILE")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one row per frame as CSV.", metavar="FILE")] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Write one JSON object per frame.", metavar="FILE")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the rows as Parquet.", metavar="FILE")] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", help="Write a file by its suffix; give it again for more.", metavar="FILE"),
    ] = None,
    window: Annotated[
        bool, typer.Option("--window/--no-window", help="Show the annotated frames while tracking.")
    ] = False,
    screen: Annotated[
        Path | None, typer.Option(help="Your screen as JSON; adds the gaze in screen pixels.", metavar="FILE")
    ] = None,
    face_model: Annotated[
        Path | None,
        typer.Option(
            help="YuNet's .onnx file, to find faces by it instead of Haar cascades.", metavar="FILE"
        ),
    ] = None,
    eye_locator: Annotated[
        bool,
        typer.Option(
            "--eye-locator/--no-eye-locator", help="Find the eyes by our own network, or by proportion alone."
        ),
    ] = True,
    use_filter: Annotated[
        bool | None,
        typer.Option(
            "--filter/--no-filter",
            help="Steady the gaze (One-Euro, in degrees); by default for all but pictures.",
        ),
    ] = None,
    smoothing: Annotated[
        str | None,
        typer.Option(
            help="How much the filter steadies: steady, default or quick.",
            show_default="default",
            metavar="NAME",
        ),
    ] = None,
    fov_deg: Annotated[
        float | None,
        typer.Option(
            help="The camera's field of view across the frame's longer side.",
            show_default="60; the AI Camera: 66.3",
        ),
    ] = None,
    max_frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Your calibration (`tinytracker calibrate`), applied before the filter.", metavar="FILE"
        ),
    ] = None,
    strict: Strict = False,
    board: Annotated[
        str | None,
        typer.Option(
            help="Run the gaze network on a board: serial:PORT[@BAUD], or an emulated one (qemu-m4, "
            "qemu-m7).",
            metavar="BOARD",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1000,
            help="Files: frames per second, instead of what they say. imx500: asked of the camera, 1 to 60.",
        ),
    ] = None,
    mirrored: Mirrored = False,
    **target_options: Any,
) -> int:
    """Track gaze in pictures, a video or a camera.

    Each frame gives one row: the gaze in centimetres from the camera (x to the right, y up, as the person
    sees it), the same in degrees, the face's box and distance, and, where there is no gaze, the reason.
    Without an output or a window a line is printed for each frame. The largest face is followed; closed eyes
    give no gaze. Distances, and so degrees, assume eyes 6.3 cm apart and the field of view given.

    A picture or frame that cannot be believed (damaged, unreadable) is a row with its reason; the rest goes
    on. While it runs, rows are in FILE.partial, where they stay if it is killed. A camera that mirrors its
    picture, as previews of front cameras do, sends the gaze to the wrong side: raise your right hand; if it
    goes up on the picture's right, add --mirrored.

    With --board the host finds the face and sends crops, the board answers with gaze points. A board on a
    serial port was flashed with the network before (`tinytracker export MODEL --target spresense`); for an
    emulated one the network is compiled, and QEMU started: it computes as the chip does, but some hundred
    times slower than this computer.

    A source NAME:PLACE has the network in a target:

    {targets}

    With imx500:NETWORK.rpk the network runs inside the Raspberry Pi AI Camera (`tinytracker deploy imx500`
    packages it, and leaves its card beside it: --model means nothing here). The host finds the face in the
    small video stream and steers the sensor's region of interest; how old each gaze is stands in the column
    lag_ms.

    With --calibration each gaze is corrected by what you calibrated; raw_x_deg and raw_y_deg keep what the
    network said, so that a recording can be calibrated again afterwards (`tinytracker recalibrate`). Before a
    camera only as far as a calibration lasts once you have sat down anew. A calibration of another network is
    refused.

    Ctrl-C ends it; all files are then closed whole.

    A screen's JSON has screen_width_cm, screen_height_cm, width_points and height_points (pixels), and,
    unless the camera sits 1 cm above the middle, camera_to_screen_x_cm (from the screen's left edge) and
    camera_to_screen_y_cm (down to its upper edge).

    \b
    Examples:
      tinytracker track me.mp4 --csv gaze.csv --save annotated.mp4
      tinytracker track 0 --screen laptop.json --jsonl gaze.jsonl
      tinytracker track 0 --screen laptop.json --calibration me.json --csv gaze.csv
      tinytracker track photos/ --model tinytracker-s --csv gaze.csv
      tinytracker track rtsp://camera.local/stream --mirrored --csv gaze.csv
      tinytracker track raw.h264 --fps 60 --csv gaze.csv
      tinytracker track me.mp4 --model theirs.tflite --output-scale-cm 30
      tinytracker track me.mp4 --model tinytracker-s --board qemu-m4
      tinytracker track 0 --model tinytracker-s --board serial:/dev/ttyACM0
    {examples}
    """
    outputs = Outputs(save, csv, jsonl, parquet, tuple(out or ()))
    if use_filter is False:
        refuse_idle("with --no-filter", smoothing=smoothing)
    options = TrackOptions(
        face_model=face_model,
        eye_locator=eye_locator,
        steady=use_filter,
        smoothing=smoothing,
        screen=screen,
        fov_deg=fov_deg,
        max_frames=max_frames,
        window=window,
        frames_per_second=fps,
        mirrored=mirrored,
    )
    outputs.refuse_unfit(source)
    if source.partition(":")[0] in targets_that("track"):
        if board is not None:
            raise UsageError(f"{source} runs the gaze network itself, --board on another board; choose one")
        grid = None if positions == "exact" else positions
        where = f"to {source}, whose network is in the target"
        refuse_idle(where, model=model, output_scale_cm=output_scale_cm, positions=grid)
        if calibration is None:
            refuse_idle("without --calibration", strict=strict)
        return _track_in(source, options, outputs, Person(calibration, strict), target_options)
    refuse_options("track", target_options)
    if calibration is None:
        refuse_idle("without --calibration", strict=strict)
    return _track(
        source,
        model or DEFAULT_MODEL,
        output_scale_cm,
        positions,
        board,
        options,
        outputs,
        Person(calibration, strict),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Whose gaze it is: their calibration's file, and whether it must have been made under these very
    conditions."""

    calibration: Path | None = None
    strict: bool = False


def _track_in(
    source: str, options: TrackOptions, outputs: Outputs, person: Person, given: Mapping[str, Any]
) -> int:
    """Tracks with the network in a target, whose camera gives the frames."""
    from tinytracker.cli.tracking import follow, print_summary
    from tinytracker.tracking.calibrating import network_used

    name, _, place = source.partition(":")
    live = ask("track", name).call(place, options, Caller(say=_say_aside), given=given)
    if person.calibration is not None:
        if live.card is None:
            raise UsageError(f"{name} does not say which network it runs; leave --calibration out")
        options = replace(options, fov_deg=live.pipeline.fov_deg)
        calibration = _calibration(person, network_used(live.card), name, options)
        live.pipeline.stages = tuple(replace(options, calibration=calibration).stages())
    summary, stopped = follow(live.pipeline, live.source, outputs, options)
    print_summary(live.pipeline, summary, outputs.paths)
    live.tell(caller())
    return INTERRUPTED if stopped else 0


def _say_aside(told: str | Table) -> None:
    """Before the rows, which may go to standard output."""
    say(told, err=True)


def _track(
    source: str,
    model: str,
    output_scale_cm: float | None,
    positions: str,
    board: str | None,
    options: TrackOptions,
    outputs: Outputs,
    person: Person,
) -> int:
    """Tracks with the network on this computer, or on a board that it sends crops to."""
    from tinytracker.cli.tracking import follow, print_board_summary, print_summary
    from tinytracker.engines.infer import Positions
    from tinytracker.engines.model import GazeModel
    from tinytracker.tracking.assemble import build_pipeline
    from tinytracker.tracking.calibrating import network_used
    from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG
    from tinytracker.tracking.sources import FolderSource, MirroredSource, open_source

    frames = open_source(source, options.frames_per_second)
    is_film = not isinstance(frames, FolderSource)
    if not is_film and options.steady is None:
        refuse_idle(
            "to pictures, which are not filtered unless you add --filter", smoothing=options.smoothing
        )
    if options.mirrored:
        frames = MirroredSource(frames)
    with ExitStack() as stack:
        if board is None:
            network = GazeModel.load(
                model, output_scale_cm=output_scale_cm, positions=cast(Positions, positions)
            )
        elif positions != "exact":
            raise UsageError(
                "--board takes positions from the network's card (position_grid); leave --positions out"
            )
        else:
            from tinytracker.targets.mcu.open import SERIAL, calibrate_board, open_board

            network = stack.enter_context(open_board(board, model, output_scale_cm))
            if not board.startswith(SERIAL):
                typer.echo(f"note: {board} is emulated, which is slow: about a second a frame", err=True)
        if person.calibration is not None:
            used = network_used(network.card, network.source)
            calibration = _calibration(person, used, frames, options)
            options = replace(options, calibration=calibration)
            if board is not None:
                calibrate_board(network, calibration)
        pipeline = build_pipeline(
            network,
            face_model=options.face_model,
            eye_locator=options.eye_locator,
            stages=options.stages(suits=is_film),
            screen=options.screen,
            fov_deg=DEFAULT_FOV_DEG if options.fov_deg is None else options.fov_deg,
        )
        summary, stopped = follow(pipeline, frames, outputs, options)
        print_summary(pipeline, summary, outputs.paths)
        if board is not None:
            print_board_summary(network, getattr(frames, "dropped", None))
    return INTERRUPTED if stopped else 0


def _calibration(
    person: Person, network: NetworkUsed, frames: Source | str, options: TrackOptions
) -> Calibration:
    """The person's calibration, with a warning where screen or camera are others than then. Before a camera
    the person has sat down anew, probably; a recording may be of the very sitting of the dots."""
    from tinytracker.devices import read_screen
    from tinytracker.tracking.calibrating import conditions_of, load_calibration
    from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG

    assert person.calibration is not None
    screen = None if options.screen is None else read_screen(options.screen)
    now = conditions_of(network, screen, frames, None, options.fov_deg or DEFAULT_FOV_DEG)
    calibration, stale = load_calibration(person.calibration, now, person.strict)
    if stale:
        typer.echo(
            f"warning: {person.calibration} may no longer hold: {'; '.join(stale)}; calibrate again", err=True
        )
    is_live = isinstance(frames, str) or frames.is_live
    return calibration.carried_over() if is_live else calibration
