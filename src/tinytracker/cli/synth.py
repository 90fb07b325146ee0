"""`tinytracker synth`: people who do not exist -> recordings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.progress import progress_bar


class HeadChoice(StrEnum):
    procedural = "procedural"
    ict = "ict"
    both = "both"


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to write the recordings to, or to go on with.")],
    people: Annotated[int, typer.Option(min=1, help="How many people; each is one recording.")] = 100,
    frames: Annotated[int, typer.Option(min=1, help="Frames per person.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds are other people.")] = 0,
    jobs: Annotated[int, typer.Option(min=-1, help="Processes to use; -1 is one per core.")] = -1,
    heads: Annotated[
        HeadChoice, typer.Option(help="Heads made from formulas, from ICT-FaceKit, or some of each.")
    ] = HeadChoice.procedural,
    ict_path: Annotated[Path | None, typer.Option(help="ICT-FaceKit: its FaceXModel folder, or an ict_facekit.npz.")] = None,
) -> None:
    """Renders recordings of people who do not exist, with exact gaze labels, in GazeCapture's format.

    Each person sits at a phone, tablet, laptop or monitor of their own, in changing light, and looks at dots whose place is
    known. Besides GazeCapture's nine JSON files a recording holds truth.json: head pose, eye corners, gaze angles and more
    for every frame. People 0, 3 to 9 of every ten are for training, 1 for validation, 2 for test.

    The same seed gives the same bytes, whatever --jobs, and person N is the same however many there are. Stopped at any
    moment, the same command goes on where it was; a larger --people adds to what is there.

    \b
    Examples:
      tinytracker synth recordings/ --people 10
      tinytracker synth recordings/ --people 1000 --frames 20 --seed 1
      tinytracker synth recordings/ --people 1000 --heads both --ict-path ICT-FaceKit/FaceXModel
      tinytracker prepare recordings/ dataset/          (what usually comes next)
    """
    from rich.console import Console

    from tinytracker.synthetic.writer import SynthOptions, synthesise

    with progress_bar("Rendering frames") as update:
        written = synthesise(out, people, SynthOptions(seed, frames, heads.value), jobs, ict_path, update)
    there = people - written
    Console().print(
        f"{written} recordings of {frames} frames written to {out}" + (f"; {there} were there already" if there else "")
    )
