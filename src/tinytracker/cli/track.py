"""`tinytracker track`: where somebody looks, in pictures, a video or before a camera."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.errors import INTERRUPTED, UsageError


def track(
    source: Annotated[
        str,
        typer.Argument(
            help="A picture, a folder of pictures, a video, a camera's number, /dev/videoN, or imx500:NETWORK.rpk."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="A released network (see `tinytracker models`) or any .tflite of the family.", metavar="NAME|FILE")
    ] = "tinytracker-eyes",
    output_scale_cm: Annotated[
        float | None, typer.Option(help="Centimetres that an output of 1 stands for, if not what its card says (paper: 30).")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the annotated video here (.mp4, H.264).", metavar="FILE")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one row per frame as CSV.", metavar="FILE")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write one JSON object per frame.", metavar="FILE")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the rows as Parquet.", metavar="FILE")] = None,
    window: Annotated[bool, typer.Option("--window/--no-window", help="Show the annotated frames while tracking.")] = False,
    screen: Annotated[
        Path | None, typer.Option(help="Your screen as JSON; adds the gaze in screen pixels.", metavar="FILE")
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option(help="YuNet's .onnx file, to find faces by it instead of Haar cascades.", metavar="FILE")
    ] = None,
    eye_locator: Annotated[
        bool, typer.Option("--eye-locator/--no-eye-locator", help="Find the eyes by our own network, or by proportion alone.")
    ] = True,
    use_filter: Annotated[
        bool | None,
        typer.Option("--filter/--no-filter", help="Steady the gaze (One-Euro, in degrees); by default for all but pictures."),
    ] = None,
    fov_deg: Annotated[
        float | None,
        typer.Option(help="The camera's field of view across the frame's longer side.", show_default="60; the AI Camera: 66.3"),
    ] = None,
    max_frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    board: Annotated[
        str | None,
        typer.Option(
            help="Run the gaze network on a board: serial:PORT[@BAUD], or an emulated one (qemu-m4, qemu-m7).",
            metavar="BOARD",
        ),
    ] = None,
    sensor_mode: Annotated[
        str | None,
        typer.Option(help="imx500: how the sensor reads out: full (10 frames/s) or binned (30).", show_default="binned"),
    ] = None,
    fps: Annotated[float | None, typer.Option(min=1, max=60, help="imx500: frames per second asked of the camera.")] = None,
    roi: Annotated[
        str | None,
        typer.Option(help="imx500: a region that stays, in full-sensor pixels, not one on the face.", metavar="X,Y,W,H"),
    ] = None,
    measure_lag: Annotated[
        bool, typer.Option("--measure-lag/--no-measure-lag", help="imx500: first measure how late results follow a region.")
    ] = True,
) -> int:
    """Track gaze in pictures, a video or a camera.

    Each frame gives one row: the gaze in centimetres from the camera (x to the right, y up, as the person sees it), the
    same in degrees, the face's box and distance, and, where there is no gaze, the reason. Without an output or a window a
    line is printed for each frame. The largest face is followed; closed eyes give no gaze. Distances, and so degrees,
    assume eyes 6.3 cm apart and the field of view given.

    With --board the host finds the face and sends crops, the board answers with gaze points. A board on a serial port was
    flashed with the network before (`tinytracker export MODEL --target spresense-arduino`); for an emulated one the network
    is compiled, and QEMU started.

    With imx500:NETWORK.rpk the network runs inside the Raspberry Pi AI Camera (`tinytracker deploy imx500` packages it, and
    leaves its card beside it: --model means nothing here). The host finds the face in the small video stream and steers the
    sensor's region of interest; how old each gaze is stands in the column lag_ms.

    Ctrl-C ends it; all files are then closed whole.

    A screen's JSON has screen_width_cm, screen_height_cm, width_points and height_points (pixels), and, unless the camera
    sits 1 cm above the middle, camera_to_screen_x_cm (from the screen's left edge) and camera_to_screen_y_cm (down to its
    upper edge).

    \b
    Examples:
      tinytracker track me.mp4 --csv gaze.csv --save annotated.mp4
      tinytracker track 0 --screen laptop.json --jsonl gaze.jsonl
      tinytracker track photos/ --model tinytracker-s --csv gaze.csv
      tinytracker track me.mp4 --model theirs.tflite --output-scale-cm 30
      tinytracker track me.mp4 --model tinytracker-s --board qemu-m4
      tinytracker track 0 --model tinytracker-s --board serial:/dev/ttyACM0
      tinytracker track imx500:exported/network.rpk --csv gaze.csv
    """
    from tinytracker.cli.tracking import build_pipeline, follow, print_summary
    from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG
    from tinytracker.tracking.sources import FolderSource, open_source

    files = (save, csv, jsonl, parquet)
    _refuse_same_file(*files, source=source)
    if source.startswith("imx500:"):
        if board is not None:
            raise UsageError("imx500: runs the gaze network in the sensor, --board on another board; choose one")
        from tinytracker.cli.track_imx500 import ChipOptions, track_chip

        chip = ChipOptions(sensor_mode or "binned", fps, roi, measure_lag)
        steady = True if use_filter is None else use_filter
        looks = {"face_model": face_model, "eye_locator": eye_locator, "use_filter": steady, "screen": screen, "fov_deg": fov_deg}
        return track_chip(source, chip, files, window, max_frames, **looks)
    if roi is not None or fps is not None or sensor_mode is not None:
        raise UsageError("--roi, --fps and --sensor-mode are for the AI Camera, imx500:NETWORK.rpk; leave them out")
    frames = open_source(source)
    with ExitStack() as boards:
        network: Any = model
        if board is not None:
            from tinytracker.cli.board import open_board

            network = boards.enter_context(open_board(board, model, output_scale_cm))
        pipeline = build_pipeline(
            network,
            output_scale_cm=output_scale_cm,
            face_model=face_model,
            eye_locator=eye_locator,
            use_filter=not isinstance(frames, FolderSource) if use_filter is None else use_filter,
            screen=screen,
            fov_deg=DEFAULT_FOV_DEG if fov_deg is None else fov_deg,
        )
        summary, stopped = follow(pipeline, frames, files, window, max_frames)
        print_summary(pipeline, summary, [path for path in files if path is not None])
        if board is not None:
            from tinytracker.cli.board import print_board_summary

            print_board_summary(network, getattr(frames, "dropped", None))
    return INTERRUPTED if stopped else 0


def _refuse_same_file(*paths: Path | None, source: str) -> None:
    given = [path.absolute() for path in paths if path is not None]
    for path in given:
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise UsageError(f"{path} is what is to be tracked, and would be overwritten; give the output another name")
        if given.count(path) > 1:
            raise UsageError(f"{path} is given for two outputs; give each its own file")
        if path.is_dir():
            raise UsageError(f"{path} is a folder; expected the name of a file to write")
