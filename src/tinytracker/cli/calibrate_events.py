"""`tinytracker calibrate events`: a person's own map from pupil to gaze, for an event camera before the
eye."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar


def calibrate_events(
    source: Annotated[
        Path, typer.Argument(help="What was recorded meanwhile: a file of events or a recording's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Write the calibration here.", metavar="FILE")],
    dots: Annotated[
        Path | None,
        typer.Option(
            help="CSV: when and where each dot was shown (start_s,end_s,x_deg,y_deg,use). Without it, the "
            "rests of the gaze that the recording's own labels say.",
            metavar="FILE",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="The network it is for: a released name or a file.", metavar="NAME|FILE")
    ] = "pupil",
    crop: Annotated[
        str | None,
        typer.Option(help="As of `track-events`, which is to have the same.", metavar="LEFT,TOP,SCALE"),
    ] = None,
) -> None:
    """Fit a person's own map from pupil to gaze to dots they looked at.

    The map is a polynomial of the second order, six terms for each of gaze's two numbers: nine dots on a grid
    of 3 x 3 are the custom, six the least. It is refused where dots do not tell its terms apart. It holds for
    this person with the glasses as they sit.

    A line of the dots file names a dot: from start_s to end_s, seconds from the first event, it was shown at
    x_deg, y_deg (or x_cm, y_cm; x_px, y_px: the gaze is then said in these). The first 0.3 s of each do not
    count. Dots with "check" in the column use are held out, and tell how good it is.

    \b
    Examples:
      tinytracker calibrate events dots.aedat4 --dots dots.csv --out me.json
      tinytracker track-events recording.aedat4 --calibration me.json --csv gaze.csv
    """
    import numpy as np

    from tinytracker.cli.track_events import parse_crop
    from tinytracker.files import refuse_overlap, refuse_unwritable
    from tinytracker.pupils.calibrating import calibrate_pupil
    from tinytracker.pupils.opening import open_events
    from tinytracker.retina.model import PupilModel

    refuse_overlap([out], (source, dots, model))
    refuse_unwritable(out)
    network = PupilModel.load(model)
    size = network.window.width_px
    opened = open_events(source, size, None if crop is None else parse_crop(crop, size))
    for note in opened.notes:
        typer.echo(f"{source}: {note}", err=True)
    with progress_bar("Following") as update:
        done = calibrate_pupil(opened, network, dots, update)
    done.polynomial.save(out)
    unit = done.polynomial.unit
    typer.echo(f"{done.polynomial.dots} dots used, {len(done.unseen)} in which the pupil was not seen")
    for dot in done.unseen:
        typer.echo(f"  left out {dot}")
    if done.polynomial.error is not None:
        typer.echo(f"a dot that took no part in it is off by {done.polynomial.error:.2f} {unit} (median)")
    if len(done.check_errors):
        typer.echo(
            f"{len(done.check_errors)} dots held out: off by {np.median(done.check_errors):.2f} {unit} "
            f"(median)"
        )
