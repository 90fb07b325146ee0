"""Errors of the network as the chip itself runs it: a data set's crops injected past the image processor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinytracker.data.dataset import Dataset
from tinytracker.evaluation.evaluate import frames_of
from tinytracker.evaluation.scores import score, score_mean
from tinytracker.files import sha256
from tinytracker.progress import Progress, no_progress
from tinytracker.results import Row
from tinytracker.targets.imx500.chip.rpk import read_rpk
from tinytracker.targets.imx500.chip.sensor import MODES
from tinytracker.targets.imx500.deploy import card_of
from tinytracker.targets.imx500.running.camera import CameraSettings, ChipCamera, Hardware, only_output
from tinytracker.targets.imx500.running.inject import (
    FRAMES_PER_SECOND,
    InjectionLog,
    Injector,
    inject_all,
    input_tensors,
    seen_boxes,
)
from tinytracker.targets.imx500.running.live import ChipModel


@dataclass(frozen=True, slots=True)
class Injected:
    """What a run of injections gave. rows: the errors of what was done, none if nothing was. done of wanted
    samples were run, now or before. refused: injections that the sensor's bus refused, and lost: frames, all
    tried again; None if the chip was not asked. stopped: before all was done. log: where each sample's result
    stands."""

    rows: list[Row]
    done: int
    wanted: int
    refused: int | None
    lost: int | None
    stopped: bool
    log: Path


def evaluate_by_injection(
    network: Path,
    dataset: Dataset,
    split: str = "test",
    *,
    log: Path | None = None,
    limit: int | None = None,
    progress: Progress = no_progress,
    stop: Callable[[], bool] = lambda: False,
    hardware: Hardware | None = None,
) -> Injected:
    """Runs a split's crops on the chip and gives the errors; stopped, it goes on where it was from its log.

    network: the packaged network, .rpk. log: one line per sample; by default NAME_injected.jsonl beside the
    network. limit: that many samples, evenly chosen. Raises InputError, ModelError, DatasetError,
    DeviceError.
    """
    settings = CameraSettings(MODES["binned"], frames_per_second=FRAMES_PER_SECOND)
    camera = ChipCamera(network, settings, hardware, tensor_injection=True)
    card = card_of(network)
    model, packaged = ChipModel(card), read_rpk(network)
    frames, indices = frames_of(dataset, split)
    chosen = (
        np.arange(len(indices))
        if limit is None
        else np.unique(np.linspace(0, len(indices) - 1, limit).round().astype(int))
    )
    wanted = indices[chosen]
    about = {"network": sha256(network), "dataset": dataset.name, "split": split, "samples": len(indices)}
    refused = lost = None
    with closing(InjectionLog(log or network.with_name(f"{card.name}_injected.jsonl"), about)) as kept:
        if any(int(index) not in kept.done for index in wanted):
            with camera:
                injector = Injector(camera)
                inject_all(
                    injector,
                    kept,
                    wanted,
                    lambda missing: input_tensors(dataset, missing, model.spec, packaged.registers),
                    progress,
                    stop,
                )
            refused, lost = injector.errors, injector.missed
    done = np.array([int(index) in kept.done for index in wanted])
    predicted = []
    for index, (box, frame_px) in zip(
        wanted[done], seen_boxes(dataset, wanted[done], model.spec), strict=True
    ):
        gaze = model.take(only_output([kept.done[int(index)]], 2, camera.name), box, frame_px)
        predicted.append((gaze.x_cm, gaze.y_cm))
    rows: list[Row] = []
    if predicted:
        frames = frames.only(chosen[done])
        scored = score(card.name, "imx500", np.array(predicted), frames)
        rows = [*(replace(row, model_sha256=sha256(network)) for row in scored), *score_mean(frames)]
    return Injected(rows, int(done.sum()), len(wanted), refused, lost, stop(), kept.path)
