"""`tinytracker synth`: people who do not exist -> recordings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.options import Dask
from tinytracker.cli.progress import progress_bar
from tinytracker.synthetic.head_kinds import HEAD_KINDS, HeadKind, head_kind


class SplitChoice(StrEnum):
    train = "train"
    val = "val"
    test = "test"


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to write the recordings to, or to go on with.")],
    people: Annotated[int, typer.Option(min=1, help="How many people; each is one recording.")] = 100,
    frames: Annotated[int, typer.Option(min=1, help="Frames per person.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds are other people.")] = 0,
    jobs: Annotated[int, typer.Option(min=-1, help="Processes to use; -1 is one per core.")] = -1,
    heads: Annotated[
        HeadKind,
        typer.Option(
            parser=head_kind,
            metavar=f"[{'|'.join(HEAD_KINDS)}]",
            help="Heads from MakeHuman's mesh, which is included, or from ICT-FaceKit.",
        ),
    ] = "makehuman",
    ict_path: Annotated[
        Path | None, typer.Option(help="ICT-FaceKit: its FaceXModel folder, or an ict_facekit.npz.")
    ] = None,
    blinks: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of the frames caught in a blink; more, to train eye locators."
        ),
    ] = 0.02,
    split: Annotated[
        list[SplitChoice] | None,
        typer.Option(help="Render only the people of this split; several may be given."),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N", help="Render only the I-th of N shares of the people, for queues of batch jobs."
        ),
    ] = "1/1",
    dask: Dask = None,
) -> None:
    """Renders recordings of people who do not exist, with exact gaze labels, in GazeCapture's format.

    Each person sits at a phone, tablet, laptop or monitor of their own, in changing light, and looks at dots
    whose place is known. Besides GazeCapture's nine JSON files a recording holds truth.json: head pose, eye
    corners, gaze angles and more for every frame. People 0, 3 to 9 of every ten are for training, 1 for
    validation, 2 for test.

    The same seed gives the same bytes, whatever --jobs, and person N is the same however many there are.
    Stopped at any moment, the same command goes on where it was; a larger --people adds to what is there.

    Millions are rendered by many machines: as jobs of a queue, each with a --shard of its own (all may write
    to one folder, at once or one after the other; together they are the whole, to the byte), or by the
    workers of a Dask cluster that see the same folder.

    \b
    Examples:
      tinytracker synth recordings/ --people 10
      tinytracker synth recordings/ --people 1000 --frames 20 --seed 1
      tinytracker synth recordings/ --people 1000 --heads ict --ict-path ICT-FaceKit/FaceXModel
      tinytracker synth recordings/ --people 4100 --seed 22 --frames 12 --split test
      tinytracker synth /shared/people --people 100000 --shard $SLURM_ARRAY_TASK_ID/64
      tinytracker synth /shared/people --people 100000 --dask tcp://10.0.0.5:8786
      tinytracker prepare recordings/ dataset/          (what usually comes next)
    """
    if heads != "ict":
        refuse_idle(f"with --heads {heads}; --heads ict uses it", ict_path=ict_path)
    from tinytracker.cli.console import plain_console
    from tinytracker.synthetic.writer import Share, SynthOptions, synthesise

    options, share = (
        SynthOptions(seed, frames, heads, blinks),
        Share.parse(shard, [one.value for one in split or ()]),
    )
    with progress_bar("Rendering frames") as update:
        written = synthesise(out, people, options, jobs, ict_path, update, share=share, dask_scheduler=dask)
    there = sum(share.has(index) for index in range(people)) - written
    plain_console().print(
        f"{written} recordings of {frames} frames written to {out}"
        + (f"; {there} were there already" if there else "")
    )
