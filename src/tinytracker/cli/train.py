"""`tinytracker train`: a network from a dataset, by a recipe."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.interrupt import stop_on_signal
from tinytracker.cli.opening import open_dataset, open_event_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import INTERRUPTED, UsageError
from tinytracker.files import refuse_no_folder
from tinytracker.progress import keep_quiet

if TYPE_CHECKING:
    from tinytracker.retina.recipe import EventRecipe
    from tinytracker.training.recipe import Recipe
    from tinytracker.training.run import TrainingResult


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe we ship (tinytracker-eyes, tinytracker, ...; for event cameras pupil, "
            "retina-ann, retina), a .toml file, or a network's card (.json)."
        ),
    ],
    data: Annotated[list[Path], typer.Option("--data", help="A prepared dataset; several may be given.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for checkpoints, state and log.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out where it stopped.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Train for so many steps; the recipe's schedule is shrunk.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 0,
    teacher: Annotated[
        str | None, typer.Option(help="Gaze network to distil from: checkpoint, .tflite, released name.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Network to take first weights from, where layers fit; likewise.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch, and of making batches.")] = 1,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1 ...; by default a GPU if there is one.")
    ] = None,
) -> int:
    """Train a network by a recipe on a dataset's people of the train split, choosing weights on the val
    split.

    OUT then holds best.safetensors and last.safetensors, each with its card (.json), state.safetensors for
    --resume and log/ for TensorBoard. Ctrl-C ends a run after the step at hand and leaves its state; a killed
    run leaves the last one written. Resumed, it ends with the weights of one that was never stopped.

    --start takes a network of the same kind (fine-tuning), or of another kind: layers that follow each other
    and have the shapes of as many in the new network, such as a backbone; how many is printed, which with -v.

    Under torchrun write -- before tinytracker: else torchrun takes --start for its own --start-method and
    stops.

    \b
    Examples:
      tinytracker train tinytracker-eyes --data out/people --out runs/eyes
      tinytracker train tinytracker --data out/people --out runs/tiny --teacher runs/eyes/best.safetensors
      tinytracker train tinytracker --data a --data b --out runs/both --steps 2000 --threads 4
      tinytracker train pupil --data eyes-dataset --out runs/pupil
      tinytracker train tinytracker-eyes --data gazecapture --out runs/real --start tinytracker-eyes
      tinytracker train tinytracker-imx --data out/people --out runs/imx --start runs/tiny/best.safetensors
      torchrun --nproc-per-node 2 -m -- tinytracker train tinytracker --data out/people --out runs/two
      tensorboard --logdir runs
    """
    from tinytracker.models import create_model
    from tinytracker.retina.recipe import EventRecipe, is_event_recipe, list_event_recipes, load_event_recipe
    from tinytracker.training.recipe import load_recipe
    from tinytracker.training.run import TrainingStopped
    from tinytracker.zoo import STATE_FILE, find

    refuse_no_folder(out)
    speaks = os.environ.get("RANK", "0") == "0"  # of several processes, started by torchrun, only the first
    if not speaks:
        keep_quiet()
    if is_event_recipe(recipe):
        chosen: Recipe | EventRecipe = load_event_recipe(recipe)
    else:
        chosen = load_recipe(recipe, list_event_recipes())
    if steps is not None:
        chosen = chosen.quick(steps)
    if start is not None:
        chosen = replace(chosen, start=start)
    if teacher is not None:
        if isinstance(chosen, EventRecipe):
            raise UsageError(f"{recipe} learns from labels alone; leave --teacher out")
        chosen = replace(chosen, distillation=replace(chosen.distillation, checkpoint=teacher))
    create_model(chosen.model, **chosen.options)  # or its options are refused before anything is opened
    for taken in (chosen.start, teacher):  # and so are networks that are not there
        if taken:
            find(taken)
    if resume and speaks and not (out / STATE_FILE).exists():
        typer.echo(f"{out} holds no {STATE_FILE}, so there is nothing to resume: training from the start")
    try:
        if isinstance(chosen, EventRecipe):
            result = _train_pupil(chosen, data, out, seed, resume, threads, device)
        else:
            result = _train_gaze(chosen, data, out, seed, resume, threads, device)
    except TrainingStopped as stopped:
        if speaks:
            typer.echo(str(stopped))
        return INTERRUPTED
    if not speaks:
        return 0
    if result.started_from:
        typer.echo(result.started_from)
    typer.echo(f"best: {result.best_score}; {result.best}")
    typer.echo(f"last: {result.last_score}; {result.last}")
    return 0


def _train_gaze(
    recipe: Recipe, data: list[Path], out: Path, seed: int, resume: bool, threads: int, device: str | None
) -> TrainingResult:
    from tinytracker.training.train import train as run

    dataset = open_dataset(data)
    with (
        progress_bar("Asking the teacher") as asking,
        progress_bar("Fitting the observer") as fitting,
        progress_bar(f"Training {recipe.name}") as training,
    ):
        return run(
            recipe,
            dataset,
            out,
            seed=seed,
            resume=resume,
            threads=threads,
            device=device,
            stopping=stop_on_signal,
            progress=training,
            teacher_progress=asking,
            observer_progress=fitting,
        )


def _train_pupil(
    recipe: EventRecipe,
    data: list[Path],
    out: Path,
    seed: int,
    resume: bool,
    threads: int,
    device: str | None,
) -> TrainingResult:
    from tinytracker.retina.train import train as run

    dataset = open_event_dataset(data)
    with (
        progress_bar("Cutting windows") as cutting,
        progress_bar(f"Training {recipe.name}") as training,
    ):
        return run(
            recipe,
            dataset,
            out,
            seed=seed,
            resume=resume,
            threads=threads,
            device=device,
            stopping=stop_on_signal,
            progress=training,
            cutting_progress=cutting,
        )
