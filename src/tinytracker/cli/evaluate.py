"""`tinytracker evaluate`: models and a dataset -> errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tinytracker.cli.asking import asks_targets, refuse_options
from tinytracker.cli.caller import caller
from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.opening import open_dataset
from tinytracker.cli.options import Dask
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import INTERRUPTED, UsageError
from tinytracker.targets.target import ask, targets_that


@asks_targets("evaluate")
def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Released names, .tflite or .onnx files, or checkpoints; shown side by side."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Dataset folder written by `prepare`; give it again to join several."),
    ] = None,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option(help="Which people to measure on.")
    ] = "test",
    allow_train: Annotated[
        bool,
        typer.Option(
            "--allow-train", help="Allow --split train: errors on people the network has learnt from."
        ),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write every figure as a row: by device, orientation and person too.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw gaze against truth and the error by place (.png, .svg, .pdf).")
    ] = None,
    groups: Annotated[
        bool, typer.Option("--groups/--no-groups", help="Show errors by device kind and orientation.")
    ] = True,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Threads, each with an engine of its own.", show_default="1"),
    ] = None,
    dask: Dask = None,
    board: Annotated[
        str | None,
        typer.Option(help="Run on this board's chip instead: imx500:NETWORK.rpk.", metavar="BOARD"),
    ] = None,
    inject: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --board: the dataset whose crops are injected into the chip; again to join.",
            metavar="DATASET",
        ),
    ] = None,
    **target_options: Any,
) -> int:
    """Measures how far networks are off on a dataset, beside answering always the mean.

    Errors are Euclidean distances in cm on the screen's plane, over frames and as the mean of the people's
    own means, with 95 % intervals by drawing people anew; in degrees where the distance is known; bias and
    correlation for x and y; and the jitter while one dot is looked at. "Always the mean" answers the training
    people's mean gaze: what a network is worth is its share of that error. An eye locator is measured by its
    landmarks, in % of the distance between the eyes.

    On a dataset of event recordings networks of pupils are measured, every recording from its beginning: how
    many cells of the window of 64 x 64 the pupil's centre is off, and pixels of a picture of 80 x 60, the
    measure of 3ET+; shares within 1, 3, 5 and 10; blinks apart; and how old the newest event is.

    With --board imx500:NETWORK.rpk --inject DATASET the crops go past the sensor's image processor straight
    into the network on the chip, on the Raspberry Pi that the camera hangs on. It goes on where it was if
    stopped.

    \b
    Examples:
      tinytracker evaluate tinytracker-eyes tinytracker --data dataset
      tinytracker evaluate tinytracker-eyes --data dataset --csv results.csv --plot results.png
      tinytracker evaluate out/export/mine.tflite out/export/mine_int8.tflite --data dataset --jobs 2
      tinytracker evaluate checkpoint.safetensors --data dataset --split train --allow-train
      tinytracker evaluate pupil --data eyes-dataset --csv pupils.csv
      tinytracker evaluate tinytracker-eyes --data /shared/dataset --dask tcp://10.0.0.5:8786
    {examples}
    """
    from tinytracker.extras import need
    from tinytracker.files import refuse_overlap, refuse_unwritable

    refuse_overlap((csv, plot), models or ())
    for path in filter(None, (csv, plot)):
        refuse_unwritable(path)  # before the work
    if plot is not None:
        need("matplotlib", "plot")
    if board is not None or inject is not None:
        if board is None or inject is None or models or data:
            raise UsageError(
                "on a chip give --board imx500:NETWORK.rpk and --inject DATASET, and neither models nor "
                "--data"
            )
        if split == "train" and not allow_train:
            raise UsageError(
                "errors on training people say nothing about others; measure on --split test, or add "
                "--allow-train"
            )
        refuse_idle("with --board", plot=plot, jobs=jobs)
        return _on_board(board, inject, split, csv, groups, target_options)
    refuse_options("evaluate", target_options)
    if not models or not data:
        raise UsageError("give at least one model, and --data DATASET; see `tinytracker evaluate --help`")
    from tinytracker.cli.console import plain_console
    from tinytracker.cli.tables import group_table, landmark_table, model_table
    from tinytracker.evaluation.evaluate import evaluate as evaluate_models
    from tinytracker.evaluation.plots import plot_models, refuse_other_formats
    from tinytracker.events.dataset import is_event_dataset
    from tinytracker.results import write_rows

    if is_event_dataset(data[0]):
        _on_events(models, data, split, allow_train, csv, plot, groups)
        return 0
    if plot:
        refuse_other_formats(plot)
    dataset = open_dataset(data)
    with progress_bar("Evaluating") as update:
        evaluation = evaluate_models(
            models,
            dataset,
            split,
            allow_train=allow_train,
            jobs=jobs or 1,
            dask_scheduler=dask,
            progress=update,
        )
    console = plain_console()
    if evaluation.gaze_cm:
        console.print(model_table(evaluation.rows))
        if groups:
            console.print(group_table(evaluation.rows))
    if evaluation.has_landmarks:
        console.print(landmark_table(evaluation.rows))
    if csv:
        write_rows(evaluation.rows, csv)
        console.print(f"wrote {len(evaluation.rows)} rows to {csv}")
    if plot and evaluation.gaze_cm:
        plot_models(evaluation.gaze_cm, evaluation.frames.truth_cm, plot, f"{dataset.name}, {split}")
        console.print(f"drew {plot}")
    elif plot:
        console.print(f"{plot} was not drawn: it shows gaze, and none of these networks gives it")
    return 0


def _on_events(
    models: list[str],
    data: list[Path],
    split: Literal["train", "val", "test"],
    allow_train: bool,
    csv: Path | None,
    plot: Path | None,
    groups: bool,
) -> None:
    """Errors of networks of pupils on event recordings."""
    from tinytracker.cli.console import plain_console
    from tinytracker.cli.opening import open_event_dataset
    from tinytracker.cli.tables import group_table, pupil_table
    from tinytracker.results import write_rows
    from tinytracker.retina.evaluate import evaluate_pupils

    if plot is not None:
        raise UsageError("--plot draws gaze on a screen, which pupils are not; leave it out")
    dataset = open_event_dataset(data)
    with progress_bar("Evaluating") as update:
        rows = evaluate_pupils(models, dataset, split, allow_train=allow_train, progress=update)
    console = plain_console()
    console.print(pupil_table(rows))
    if groups:
        console.print(group_table(rows, "error_mean", counted="windows"))
    if csv:
        write_rows(rows, csv)
        console.print(f"wrote {len(rows)} rows to {csv}")


def _on_board(
    board: str, data: list[Path], split: str, csv: Path | None, groups: bool, given: Mapping[str, Any]
) -> int:
    """Errors of the network as a board runs it."""
    from tinytracker.cli.console import plain_console
    from tinytracker.cli.interrupt import stop_on_signal
    from tinytracker.cli.tables import group_table, model_table
    from tinytracker.results import write_rows

    name, _, place = board.partition(":")
    boards = targets_that("evaluate")
    if name not in boards or not place:
        known = " or ".join(f"{name}:NETWORK.rpk" for name in boards)
        raise UsageError(f"--inject runs on --board {known}, not {board!r}")
    with stop_on_signal() as stop:
        rows = ask("evaluate", name).call(place, data, split, caller(stop), given=given)
        stopped = stop()
    if not rows:
        return INTERRUPTED
    console = plain_console()
    console.print(model_table(rows))
    if groups:
        console.print(group_table(rows))
    if csv is not None:
        write_rows(rows, csv)
        typer.echo(f"wrote {len(rows)} rows to {csv}")
    return INTERRUPTED if stopped else 0
