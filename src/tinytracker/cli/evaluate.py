"""`tinytracker evaluate`: models and a dataset -> errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tinytracker.cli.opening import open_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError


def evaluate(
    models: Annotated[
        list[str] | None, typer.Argument(help="Released names, .tflite or .onnx files, or checkpoints; shown side by side.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Dataset folder written by `prepare`; give it again to join several.")
    ] = None,
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Which people to measure on.")] = "test",
    allow_train: Annotated[
        bool, typer.Option("--allow-train", help="Allow --split train: errors on people the network has learnt from.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as a row: by device, orientation and person too.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw gaze against truth and the error by place (.png, .svg, .pdf).")] = None,
    groups: Annotated[bool, typer.Option("--groups/--no-groups", help="Show errors by device kind and orientation.")] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Threads, each with an engine of its own.")] = 1,
    board: Annotated[
        str | None, typer.Option(help="Run on this board's chip instead: imx500:NETWORK.rpk.", metavar="BOARD")
    ] = None,
    inject: Annotated[
        list[Path] | None,
        typer.Option(help="With --board: the dataset whose crops are injected into the chip; again to join.", metavar="DATASET"),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="With --inject: only so many samples, evenly chosen.")] = None,
) -> int:
    """Measures how far networks are off on a dataset, beside answering always the mean.

    Errors are Euclidean distances in cm on the screen's plane, over frames and as the mean of the people's own means, with
    95 % intervals by drawing people anew; in degrees where the distance is known; bias and correlation for x and y; and the
    jitter while one dot is looked at. "Always the mean" answers the training people's mean gaze: what a network is worth is
    its share of that error. An eye locator is measured by its landmarks, in % of the distance between the eyes.

    With --board imx500:NETWORK.rpk --inject DATASET the crops go past the sensor's image processor straight into the network
    on the chip, on the Raspberry Pi that the camera hangs on. It goes on where it was if stopped.

    \b
    Examples:
      tinytracker evaluate tinytracker-eyes tinytracker --data dataset
      tinytracker evaluate tinytracker-eyes --data dataset --csv results.csv --plot results.png
      tinytracker evaluate out/export/mine.tflite out/export/mine_int8.tflite --data dataset --jobs 2
      tinytracker evaluate checkpoint.safetensors --data dataset --split train --allow-train
      tinytracker evaluate --board imx500:exported/network.rpk --inject dataset --csv on_chip.csv
    """
    from tinytracker.files import refuse_unwritable

    for path in filter(None, (csv, plot)):
        refuse_unwritable(path)  # before the work
    if board is not None or inject is not None:
        if board is None or inject is None or models or data:
            raise UsageError("on a chip give --board imx500:NETWORK.rpk and --inject DATASET, and neither models nor --data")
        if split == "train" and not allow_train:
            raise UsageError("errors on training people say nothing about others; measure on --split test, or add --allow-train")
        from tinytracker.cli.evaluate_imx500 import evaluate_by_injection

        return evaluate_by_injection(board, inject, split, csv=csv, groups=groups, limit=limit)
    if not models or not data:
        raise UsageError("give at least one model, and --data DATASET; see `tinytracker evaluate --help`")
    from rich.console import Console

    from tinytracker.evaluation.evaluate import evaluate as evaluate_models
    from tinytracker.evaluation.plots import plot_models, refuse_other_formats
    from tinytracker.evaluation.report import group_table, landmark_table, model_table, write_rows

    if plot:
        refuse_other_formats(plot)
    dataset = open_dataset(data)
    with progress_bar("Evaluating") as update:
        evaluation = evaluate_models(models, dataset, split, allow_train=allow_train, jobs=jobs, progress=update)
    console = Console()
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
    return 0
