"""`tinytracker prepare`: recordings -> dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar

MOST_RECORDINGS_NAMED = 20


def prepare(
    recordings: Annotated[Path, typer.Argument(help="Folder with one folder or .tar.gz per recording, in GazeCapture's format.")],
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset to make, or to go on with.")],
    face_px: Annotated[int, typer.Option(min=16, max=448, help="Side of the stored face crops (iTracker eats 224).")] = 160,
    eye_px: Annotated[int, typer.Option(min=16, max=448, help="Side of the stored eye crops (iTracker eats 224).")] = 64,
    band_px: Annotated[
        int, typer.Option(min=0, max=640, help="Store a rectangle over both eyes too, so wide (tinytracker-imx-band: 256).")
    ] = 0,
    jobs: Annotated[int, typer.Option(min=-1, help="Processes to use; -1 is one per core.")] = -1,
    dask: Annotated[str | None, typer.Option(metavar="SCHEDULER", help="Address of a Dask scheduler to run the work on.")] = None,
) -> None:
    """Cuts face and eye crops out of recordings, once, into a memory-mapped dataset.

    Reads GazeCapture as it is downloaded (.tar.gz files or extracted folders) and what `tinytracker synth` writes. Frames
    count only if face, both eyes and the face grid are valid; whatever is left out is counted and named in the summary
    (the whole of it is in DATASET/manifest.json). Stopped at any moment, the same command goes on where it was.

    \b
    Examples:
      tinytracker prepare recordings/ dataset/
      tinytracker prepare gazecapture/ dataset224/ --face-px 224 --eye-px 224
      tinytracker prepare recordings/ dataset-imx/ --band-px 256
      tinytracker prepare gazecapture/ dataset/ --dask tcp://10.0.0.5:8786
    """
    from tinytracker.data.prepare import PrepareOptions
    from tinytracker.data.prepare import prepare as prepare_dataset

    with progress_bar("Preparing") as update:
        summary = prepare_dataset(recordings, dataset, PrepareOptions(face_px, eye_px, band_px), jobs, dask, update)
    whole = len(summary.outcomes) - len(summary.refused)
    typer.echo(f"{summary.kept} frames of {whole} recordings in {dataset}")
    if summary.doubtful:
        typer.echo(f"  doubtful: {summary.doubtful} of them have a label that contradicts their dot's place on the screen")
    for reason, count in summary.left_out.most_common():
        typer.echo(f"  left out {count} frames: {reason}")
    for outcome in summary.refused[:MOST_RECORDINGS_NAMED]:
        typer.echo(f"  left out a recording: {outcome.refused}")
    if len(summary.refused) > MOST_RECORDINGS_NAMED:
        typer.echo(f"  left out {len(summary.refused) - MOST_RECORDINGS_NAMED} more recordings; see {dataset / 'manifest.json'}")
