"""`tinytracker prepare`: recordings -> dataset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.options import Dask
from tinytracker.cli.progress import progress_bar
from tinytracker.files import refuse_no_folder

MOST_RECORDINGS_NAMED = 20
FACE_PX, EYE_PX = 160, 64


def prepare(
    recordings: Annotated[
        Path,
        typer.Argument(
            help="Folder with one folder or .tar.gz per recording, in GazeCapture's format, or of event "
            "recordings."
        ),
    ],
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset to make, or to go on with.")],
    face_px: Annotated[
        int, typer.Option(min=16, max=448, help="Side of the stored face crops (iTracker eats 224).")
    ] = FACE_PX,
    eye_px: Annotated[
        int, typer.Option(min=16, max=448, help="Side of the stored eye crops (iTracker eats 224).")
    ] = EYE_PX,
    band_px: Annotated[
        int,
        typer.Option(
            min=0, max=640, help="Store a rectangle over both eyes too, so wide (tinytracker-imx-band: 256)."
        ),
    ] = 0,
    jobs: Annotated[
        int | None, typer.Option(min=-1, help="Processes to use; -1 is one per core.", show_default="-1")
    ] = None,
    dask: Dask = None,
) -> None:
    """Cuts face and eye crops out of recordings, or takes the events out of event cameras' ones, once, into a
    memory-mapped dataset.

    Reads GazeCapture as it is downloaded (.tar.gz files or extracted folders) and what `tinytracker synth`
    writes. Frames count only if face, both eyes and the face grid are valid; whatever is left out is counted
    and named in the summary (the whole of it is in DATASET/manifest.json). Stopped at any moment, the same
    command goes on where it was.

    \b
    Examples:
      tinytracker prepare recordings/ dataset/
      tinytracker prepare gazecapture/ dataset224/ --face-px 224 --eye-px 224
      tinytracker prepare recordings/ dataset-imx/ --band-px 256
      tinytracker prepare EV_Eye_dataset/raw_data/Data_davis eyes/
      tinytracker prepare gazecapture/ dataset/ --dask tcp://10.0.0.5:8786
    """
    from tinytracker.data.prepare import PrepareOptions
    from tinytracker.data.prepare import prepare as prepare_dataset
    from tinytracker.data.recording_files import faces_in
    from tinytracker.data.store import MANIFEST_FILE, OPTIONS_FILE
    from tinytracker.errors import UsageError
    from tinytracker.events.files.layouts import find_recordings

    if dask is not None:
        refuse_idle("with --dask, whose workers do the work", jobs=jobs)
    refuse_no_folder(dataset)
    if (recordings / MANIFEST_FILE).is_file():
        raise UsageError(f"{recordings} is a dataset already; give the folder of recordings")
    if recordings.resolve() in dataset.resolve().parents and not (dataset / OPTIONS_FILE).exists():
        raise UsageError(
            f"{dataset} would lie among the recordings, and be taken for one; choose another place"
        )
    if recordings.is_dir() and (events := find_recordings(recordings)):
        if faces := faces_in(recordings):
            raise UsageError(
                f"{recordings} holds recordings of events, such as {events[0].folder.name}, and of faces, "
                f"such as {faces[0].name}; put each kind into a folder of its own"
            )
        sides = {"face_px": (face_px, FACE_PX), "eye_px": (eye_px, EYE_PX), "band_px": (band_px, 0)}
        given = {name: px for name, (px, default) in sides.items() if px != default}
        refuse_idle("to recordings of events, which have no crops", **given)
        _prepare_events(recordings, dataset, -1 if jobs is None else jobs, dask)
        return
    with progress_bar("Preparing") as update:
        summary = prepare_dataset(
            recordings,
            dataset,
            PrepareOptions(face_px, eye_px, band_px),
            -1 if jobs is None else jobs,
            dask,
            update,
        )
    whole = len(summary.outcomes) - len(summary.refused)
    typer.echo(f"{summary.kept} frames of {whole} recordings in {dataset}")
    _say_splits((one.split, one.person or one.name, one.kept) for one in summary.outcomes if one.kept)
    if summary.doubtful:
        typer.echo(
            f"  doubtful: {summary.doubtful} of them have a label that contradicts their dot's place on the "
            f"screen"
        )
    for text, count in summary.assumed.most_common():
        typer.echo(f"  assumed for {count} recordings: {text}")
    for reason, count in summary.left_out.most_common():
        typer.echo(f"  left out {count} frames: {reason}")
    for outcome in summary.refused[:MOST_RECORDINGS_NAMED]:
        typer.echo(f"  left out a recording: {outcome.refused}")
    if len(summary.refused) > MOST_RECORDINGS_NAMED:
        typer.echo(
            f"  left out {len(summary.refused) - MOST_RECORDINGS_NAMED} more recordings; see "
            f"{dataset / 'manifest.json'}"
        )


def _say_splits(recordings: Iterable[tuple[str, str, int]], counted: str = "frames") -> None:
    """Prints people and samples of each split; recordings: (split, person, samples)."""
    known = list(recordings)
    for split, used in (("train", "train"), ("val", "train"), ("test", "evaluate")):
        people = {person for of, person, _ in known if of == split}
        samples = sum(count for of, _, count in known if of == split)
        lacking = "" if people else f"; `tinytracker {used}` needs some"
        typer.echo(f"  {split}: {len(people)} people, {samples} {counted}{lacking}")


def _prepare_events(recordings: Path, dataset: Path, jobs: int, dask: str | None) -> None:
    from tinytracker.errors import UsageError
    from tinytracker.events.prepare import prepare_events

    if dask:
        raise UsageError("event recordings are prepared on this machine alone; leave --dask out, use --jobs")
    with progress_bar("Preparing") as update:
        summary = prepare_events(recordings, dataset, jobs, update)
    events, labels = (sum(getattr(one, name) for one in summary.kept) for name in ("events", "labels"))
    typer.echo(f"{events} events and {labels} labels of {len(summary.kept)} recordings in {dataset}")
    _say_splits(((summary.splits[one.name], one.person, one.labels) for one in summary.kept), "labels")
    for reason, count in summary.left_out.most_common():
        typer.echo(f"  left out {count} {reason}")
    noted = [f"{one.name}: {note}" for one in summary.kept for note in one.notes]
    for line in noted[:MOST_RECORDINGS_NAMED]:
        typer.echo(f"  {line}")
    for outcome in summary.refused[:MOST_RECORDINGS_NAMED]:
        typer.echo(f"  left out a recording: {outcome.refused}")
    unnamed = max(len(noted) - MOST_RECORDINGS_NAMED, 0) + max(
        len(summary.refused) - MOST_RECORDINGS_NAMED, 0
    )
    if unnamed:
        typer.echo(f"  and {unnamed} more lines; see {dataset / 'manifest.json'}")
