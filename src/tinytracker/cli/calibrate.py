"""`tinytracker calibrate`: six numbers of one's own, from dots one looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.options import DotsSource, FaceModel, FieldOfView, FramesPerSecond, Mirrored, OutputScale


def calibrate(
    source: DotsSource,
    screen: Annotated[
        Path, typer.Option(help="The screen as JSON (see `tinytracker screen`).", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option(help="Write the calibration here.", metavar="FILE")],
    dots: Annotated[
        Path | None,
        typer.Option(
            help="CSV: when and where each dot was shown (start_s,end_s,x_px,y_px,use).", metavar="FILE"
        ),
    ] = None,
    pursuit: Annotated[
        Path | None,
        typer.Option(help="CSV: where a moving dot was, and when (t_s,x_px,y_px).", metavar="FILE"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="The network it is for: a released name or a .tflite.", metavar="NAME|FILE")
    ] = "tinytracker-eyes",
    output_scale_cm: OutputScale = None,
    fov_deg: FieldOfView = 60.0,
    face_model: FaceModel = None,
    fps: FramesPerSecond = None,
    mirrored: Mirrored = False,
) -> int:
    """Fit a person's own calibration to dots they looked at.

    The gaze of anyone is off by an offset and a gain of their own: eyelids, the eye's axes, how they sit. A
    few dots measure them. Any number works, even one, as what the dots do not say is taken from what people
    are like. The first half second of each dot is left out, and a dot that was not looked at hardly counts.

    A line of the dots file names a dot: from start_s to end_s, seconds from the first frame, it was shown at
    x_px, y_px of the screen. Dots with "check" in the column use are held out: they tell how good it is, and
    once they have, they teach it, too. Without them, or if none of them was seen well, the error is only
    estimated. If the calibration does not help on dots that it was not fitted to, it is kept, marked so, and
    `track` refuses it; the exit code is then 1.

    With --pursuit the person followed a moving dot instead, some fifteen seconds at up to 6 degrees a second:
    a line of the file is a place of its path. How late the eyes and the camera were is found by itself. Give
    --dots too for dots to check it by.

    Before a camera, dots are shown by `tinytracker live`, or by your own program through
    `tinytracker.tracking.calibrating.LiveCalibration`.

    \b
    Examples:
      tinytracker calibrate dots.mp4 --dots dots.csv --screen laptop.json --out me.json
      tinytracker calibrate me.mp4 --pursuit path.csv --screen laptop.json --out me.json
      tinytracker track 0 --screen laptop.json --calibration me.json --csv gaze.csv
    """
    from tinytracker.calibration.calibration import Calibration
    from tinytracker.calibration.pursuit import pursue
    from tinytracker.cli.gather import gather_dots
    from tinytracker.errors import InputError, UsageError
    from tinytracker.files import refuse_overlap, refuse_unwritable
    from tinytracker.tracking.calibrating import prior_of
    from tinytracker.tracking.shown import read_path, read_shown_dots

    if dots is None and pursuit is None:
        raise UsageError("nothing was shown: give --dots FILE, --pursuit FILE or both")
    refuse_overlap([out], (source, dots, pursuit, screen, model))
    refuse_unwritable(out)
    if pursuit is None and dots is not None and not any(dot.use == "fit" for dot in read_shown_dots(dots)):
        raise UsageError(f"{dots} has no dots to fit, only dots to check; leave some without a use")
    seen = gather_dots(source, dots, screen, model, output_scale_cm, fov_deg, face_model, fps, mirrored)
    shown = seen.good("fit")
    if not shown and pursuit is None:
        raise InputError(seen.why_none("fit"))
    if pursuit is not None:
        began_ns = seen.samples[0].t_ns if seen.samples else 0
        pursued = pursue(read_path(pursuit, seen.screen, began_ns), seen.samples)
        typer.echo(f"the gaze followed the moving dot {pursued.lag_ms} ms later")
        shown = [*shown, *pursued.dots]
    calibration = Calibration.fit(shown, prior_of(seen.network.card), seen.conditions)
    held_out = seen.good("check")
    if unchecked := seen.why_none("check"):
        typer.echo(f"warning: not checked: {unchecked}", err=True)
    fitted, worst = len(calibration.dots), calibration.worst_dots()[0]
    if held_out:
        calibration = calibration.judged(held_out)
    calibration.save(out)
    if pursuit is None:
        least = f"; least trusted: dot {seen.number_of('fit', worst)}"
        typer.echo(f"{fitted} dot{'s' if fitted > 1 else ''} used{least if fitted > 1 else ''}")
    if not calibration.corrects:
        typer.echo("warning: so few dots say too little to correct anything; look at more", err=True)
    if calibration.validation is not None:
        typer.echo(calibration.validation.sentence)
    else:
        expected = calibration.expected_error()
        interval = f"{expected.low_deg:.1f} to {expected.high_deg:.1f}"
        typer.echo(
            f"Not checked on held-out dots; people are then off by about {expected.deg:.1f} degrees "
            f"({interval}). Check it: `validate`"
        )
    typer.echo(f"written: {out} ({calibration.id})")
    return 0 if calibration.is_useful else 1
