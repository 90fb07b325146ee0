"""`tinytracker prepare`: recordings -> dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar


def prepare(
    recordings: Annotated[Path, typer.Argument(help="Folder with one folder or .tar.gz per recording, in GazeCapture's format.")],
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset to make, or to go on with.")],
    face_px: Annotated[int, typer.Option(min=16, max=448, help="Side of the stored face crops (iTracker eats 224).")] = 160,
    eye_px: Annotated[int, typer.Option(min=16, max=448, help="Side of the stored eye crops (iTracker eats 224).")] = 64,
    jobs: Annotated[int, typer.Option(min=-1, help="Processes to use; -1 is one per core.")] = -1,
    dask: Annotated[str | None, typer.Option(metavar="SCHEDULER", help="Address of a Dask scheduler to run the work on.")] = None,
) -> None:
    """Cuts face and eye crops out of recordings, once, into a memory-mapped dataset.

    Reads GazeCapture as it is downloaded (.tar.gz files or extracted folders) and what `tinytracker synth` writes. Frames
    count only if face, both eyes and the face grid are valid; whatever is left out is counted and named in the summary.
    Stopped at any moment, the same command goes on where it was.

    \b
    Examples:
      tinytracker prepare recordings/ dataset/
      tinytracker prepare gazecapture/ dataset224/ --face-px 224 --eye-px 224
      tinytracker prepare gazecapture/ dataset/ --dask tcp://10.0.0.5:8786
    """
    from rich.console import Console

    from tinytracker.data.prepare import PrepareOptions, Summary
    from tinytracker.data.prepare import prepare as prepare_dataset

    with progress_bar("Preparing") as update:
        summary: Summary = prepare_dataset(recordings, dataset, PrepareOptions(face_px, eye_px), jobs, dask, update)
    console = Console()
    whole = len(summary.outcomes) - len(summary.refused)
    console.print(f"{summary.kept} frames of {whole} recordings in {dataset}")
    for reason, count in summary.left_out.most_common():
        console.print(f"  left out {count} frames: {reason}")
    for outcome in summary.refused:
        console.print(f"  left out a recording: {outcome.refused}")
