"""`tinytracker convert`: a recorded session in other people's formats."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.errors import UsageError
from tinytracker.files import refuse_no_folder


class Format(StrEnum):
    bids = "bids"
    gazecapture = "gazecapture"


class Split(StrEnum):
    train = "train"
    val = "val"
    test = "test"


def convert(
    session: Annotated[
        Path, typer.Argument(help="A folder that `tinytracker live` recorded.", metavar="SESSION")
    ],
    to: Annotated[
        Format, typer.Option("--to", help="bids: eye tracking for analysis. gazecapture: to train on.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="Where to write: a BIDS data set, or a folder of recordings.", metavar="FOLDER"),
    ],
    subject: Annotated[str | None, typer.Option(help="bids: the subject's label.", show_default="01")] = None,
    task: Annotated[str | None, typer.Option(help="bids: the task's label.", show_default="gaze")] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="gazecapture: which part of the data the person belongs to.", show_default="train"),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="gazecapture: who it is; the same name in all of one person's sittings."),
    ] = None,
) -> None:
    """Turn a recorded session into BIDS, or into a recording that `prepare` and `train` take.

    gazecapture needs the camera's video (Record: keep it) and dots shown while recording: press r, then do
    Dots and Check.
    Each dot's frames become labelled frames, so that a network can be trained on you: on one sitting, chosen
    by another (leave --person out, as nobody may be in two splits of a study).

    \b
    Examples:
      tinytracker convert sittings/anna --to bids --out study --subject 03
      tinytracker convert sittings/monday --to gazecapture --out me
      tinytracker convert sittings/tuesday --to gazecapture --out me --split val
      tinytracker prepare me dataset
      tinytracker train tinytracker-eyes --data dataset --out runs/me --start tinytracker-eyes
    """
    from tinytracker.session.reader import read_session

    if to is Format.bids:
        refuse_idle("to --to bids", split=split, person=person)
    else:
        refuse_idle("to --to gazecapture", subject=subject, task=task)
    refuse_no_folder(out)
    recorded = read_session(session)
    if to is Format.bids:
        from tinytracker.session.bids import write_bids

        labels = {name: label for name, label in (("subject", subject), ("task", task)) if label is not None}
        for path in write_bids(recorded, out, **labels):
            typer.echo(f"written: {path}")
        return
    from tinytracker.cli.progress import progress_bar
    from tinytracker.faces.finder import open_finder
    from tinytracker.faces.tracker import FaceTracker
    from tinytracker.session.gazecapture import write_gazecapture
    from tinytracker.tracking.assemble import open_locator

    folder = out / recorded.folder.resolve().name
    if folder.name.startswith("."):
        raise UsageError(
            f"{folder.name} begins with a dot, and `prepare` passes over such folders; rename the session"
        )
    with progress_bar("Converting") as update:
        tracker = FaceTracker(open_finder(), open_locator())
        frames = write_gazecapture(
            recorded,
            folder,
            tracker,
            (split or Split.train).value,
            person or recorded.folder.resolve().name,
            update,
        )
    typer.echo(f"{frames} labelled frames\nwritten: {folder}")
