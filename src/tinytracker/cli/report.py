"""`tinytracker report`: what a recorded session says about the gaze's quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    session: Annotated[
        Path, typer.Argument(help="A folder that `tinytracker live` recorded.", metavar="SESSION")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write instead of the session's folder.", metavar="FOLDER")
    ] = None,
    areas: Annotated[
        Path | None,
        typer.Option(
            help="Areas of interest as JSON (name, x_px, y_px, width_px, height_px), kept with the session.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """How good was the gaze of a session? One HTML page that needs nothing else, and the figures as JSON.

    Accuracy, precision (RMS-S2S, STD, BCEA), data loss and rate; in degrees, centimetres and pixels; at each
    dot that was shown while recording, before and after calibration; drift over time. There is no picture of
    the person in it, so it can be passed on. A session cut off by a crash is reported as far as it goes.

    \b
    Examples:
      tinytracker report sittings/2026-11-28T10-00-00Z
      tinytracker report sittings/anna --out reports/anna
      tinytracker report sittings/anna --areas areas.json
    """
    from tinytracker.files import make_folder
    from tinytracker.session.areas import read_areas, write_areas
    from tinytracker.session.folder import AREAS_FILE
    from tinytracker.session.quality import session_quality
    from tinytracker.session.reader import read_session
    from tinytracker.session.report import verdict, write_report

    if out is not None:
        make_folder(out)
    recorded = read_session(session)
    if areas is not None:
        write_areas(session / AREAS_FILE, read_areas(areas))
    page, figures = write_report(recorded, out)
    typer.echo(verdict(session_quality(recorded)))
    typer.echo(f"written: {page}\nwritten: {figures}")
