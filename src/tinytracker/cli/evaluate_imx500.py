"""`tinytracker evaluate --board imx500:network.rpk --inject DATASET`: errors of the network as the chip itself runs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import typer
from rich.console import Console

from tinytracker.cli.opening import open_dataset
from tinytracker.cli.progress import progress_bar
from tinytracker.cli.track_imx500 import PREFIX
from tinytracker.errors import INTERRUPTED, UsageError
from tinytracker.evaluation.evaluate import frames_of
from tinytracker.evaluation.report import Row, group_table, model_table, write_rows
from tinytracker.evaluation.scores import score, score_mean
from tinytracker.files import sha256
from tinytracker.targets.imx500.camera import CameraSettings, ChipCamera, Hardware, only_output
from tinytracker.targets.imx500.deploy import card_of
from tinytracker.targets.imx500.inject import (
    FRAMES_PER_SECOND,
    InjectionLog,
    Injector,
    inject_all,
    input_tensors,
    seen_boxes,
)
from tinytracker.targets.imx500.live import ChipModel
from tinytracker.targets.imx500.rpk import read_rpk
from tinytracker.targets.imx500.sensor import MODES
from tinytracker.tracking.interrupt import stop_on_signal


def evaluate_by_injection(
    board: str,
    data: Sequence[Path],
    split: str,
    *,
    csv: Path | None = None,
    groups: bool = True,
    log: Path | None = None,
    limit: int | None = None,
    hardware: Hardware | None = None,
) -> int:
    """Runs a split's crops on the chip and prints the errors; stopped, it goes on where it was from its log.

    log: one line per sample; by default NAME_injected.jsonl beside the network. limit: that many samples, evenly chosen.
    """
    if not board.startswith(PREFIX) or len(board) == len(PREFIX):
        raise UsageError(f"--inject runs on imx500:NETWORK.rpk, not {board!r}; give --board imx500:network.rpk")
    network = Path(board.removeprefix(PREFIX))
    camera = ChipCamera(
        network, CameraSettings(MODES["binned"], frames_per_second=FRAMES_PER_SECOND), hardware, tensor_injection=True
    )
    card = card_of(network)
    model, packaged = ChipModel(card), read_rpk(network)
    dataset = open_dataset(list(data))
    frames, indices = frames_of(dataset, split)
    chosen = np.arange(len(indices)) if limit is None else np.unique(np.linspace(0, len(indices) - 1, limit).round().astype(int))
    wanted = indices[chosen]
    about = {"network": sha256(network), "dataset": dataset.name, "split": split, "samples": len(indices)}
    with (
        closing(InjectionLog(log or network.with_name(f"{card.name}_injected.jsonl"), about)) as kept,
        stop_on_signal() as stop,
        progress_bar("Injecting") as update,
    ):
        if any(int(index) not in kept.done for index in wanted):
            with camera:
                injector = Injector(camera)
                inject_all(
                    injector,
                    kept,
                    wanted,
                    lambda missing: input_tensors(dataset, missing, model.spec, packaged.registers),
                    update,
                    stop,
                )
            typer.echo(f"{injector.errors} injections refused (errno 121) and {injector.missed} frames lost: all tried again")
        stopped = stop()
    done = np.array([int(index) in kept.done for index in wanted])
    console = Console()
    console.print(f"{done.sum()} of {len(wanted)} samples run on the chip; log: {kept.path}", highlight=False, soft_wrap=True)
    if not done.any():
        return INTERRUPTED
    predicted = []
    for index, (box, frame_px) in zip(wanted[done], seen_boxes(dataset, wanted[done], model.spec), strict=True):
        gaze = model.take(only_output([kept.done[int(index)]], 2, camera.name), box, frame_px)
        predicted.append((gaze.x_cm, gaze.y_cm))
    frames = frames.only(chosen[done])
    rows: list[Row] = [*score(card.name, "imx500", np.array(predicted), frames), *score_mean(frames)]
    console.print(model_table(rows))
    if groups:
        console.print(group_table(rows))
    if csv is not None:
        write_rows(rows, csv)
        console.print(f"wrote {len(rows)} rows to {csv}", highlight=False)
    return INTERRUPTED if stopped else 0
