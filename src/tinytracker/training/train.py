"""The training loop, top to bottom.

`train` runs in one process, or as one of several started by torchrun, which share the batch: gloo on CPUs,
NCCL on GPUs. Batches are made by background threads with OpenCV where a CPU trains; a GPU keeps all samples
and makes its batches itself (`on_device`), and plays one recorded step (`step`). What a run leaves: `run`.
"""

from __future__ import annotations

import logging
import math
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from tinytracker.data.dataset import Dataset
from tinytracker.errors import UsageError
from tinytracker.files import make_folder
from tinytracker.models import Network, checkpoint, count, create_model
from tinytracker.progress import Progress, no_progress
from tinytracker.training import state
from tinytracker.training.average import MovingAverage
from tinytracker.training.batches import AUXILIARY, BatchMaker, ahead
from tinytracker.training.heads import WithHeads
from tinytracker.training.observer import ask_observer
from tinytracker.training.on_device import PixelsOnDevice
from tinytracker.training.optimiser import is_quick_in_bf16, learning_rate, make_optimiser
from tinytracker.training.recipe import Recipe
from tinytracker.training.run import (
    Stopping,
    TrainingResult,
    TrainingStopped,
    begin,
    device_named,
    never,
    open_log,
    refuse_diverged,
    wished_by_all,
)
from tinytracker.training.samples import load_samples
from tinytracker.training.start import take_over
from tinytracker.training.step import CudaGraphs, Numbers, TrainingStep, numbers_of
from tinytracker.training.teacher import Lessons, ask_teacher
from tinytracker.training.validation import Score, validate

log = logging.getLogger(__name__)
CAUTION = (
    "Trained on rendered people only: on real faces it needs calibration, or training on real recordings."
)


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    threads: int = 1,
    device: str | None = None,
    pixels_on_device: bool | None = None,
    stopping: Stopping = never,
    progress: Progress = no_progress,
    teacher_progress: Progress = no_progress,
    observer_progress: Progress = no_progress,
) -> TrainingResult:
    """Trains a network by a recipe on a dataset's train split and picks the best weights on its val split.

    seed: with recipe, dataset, torch version and kind of CPU it decides the weights to the bit. resume: go on
    from out/state.safetensors if there is one. threads: of torch and, again, of batch making. device: as
    torch names it; by default the process's GPU, else the CPU. pixels_on_device: whether samples lie on the
    device, which makes its pictures of them itself; by default a GPU does, while a CPU is quicker with OpenCV
    (benchmarks/training.py). stopping: who may wish that training stops; it then writes its state and raises
    TrainingStopped. Raises UsageError if there is no such device, if `out` holds a run and resume is not
    asked for, or if training diverges, OutputError if it cannot be made, CheckpointError if that run had
    another recipe or seed, DatasetError if the dataset lacks what the network needs.
    """
    rank, world, where = _join_group(device)
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)  # batches are made by our own threads
    identity = {"recipe": recipe.as_dict(), "seed": seed, "processes": world}
    state_path = begin(out, resume, identity)

    # The samples.
    torch.manual_seed(seed)
    network = create_model(recipe.model, **recipe.options).to(where)
    if network.spec.output != "gaze" and (recipe.distillation.checkpoint or recipe.distillation.observer):
        raise UsageError(
            f"{recipe.name} is an eye locator; teachers and observers tell gaze, so it can have neither"
        )
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    samples = load_samples(dataset, "train", network.spec, margin=True, min_openness=recipe.min_openness)
    held_out = load_samples(dataset, "val", network.spec, margin=False, at_most=recipe.validation_samples)
    maker = BatchMaker(samples, network.spec, recipe, seed)
    plain = BatchMaker(held_out, network.spec, recipe, seed)

    # The network's first weights, and heads that only training has.
    started_from = (
        take_over(network, recipe.start, maker.training(0).inputs(network.spec, where))
        if recipe.start
        else ""
    )
    lessons = _lessons(recipe, dataset, where, teacher_progress)
    observed = (
        ask_observer(dataset, recipe, seed, observer_progress) if recipe.distillation.observer else None
    )
    module = WithHeads(network, AUXILIARY if recipe.auxiliary else 0, _lesson_features(recipe, lessons)).to(
        where
    )
    records = where.type == "cuda" and world == 1  # what several processes say to each other is not recorded
    optimiser = make_optimiser(recipe, module, network, capturable=records)
    average = MovingAverage(network, recipe.ema)

    # Where a former run stopped.
    first, best = 0, Score(math.inf, {})
    identity = {**identity, "samples": len(samples)}
    if resume and state_path.exists():
        first, best = state.restore_run(state_path, identity, module, average, optimiser)
    parallel = DistributedDataParallel(module) if world > 1 else module
    make_folder(out)
    writer = open_log(out / "log", first) if rank == 0 else None
    description = _describe(dataset, len(samples), seed) | ({"start": started_from} if started_from else {})

    module.train()
    if pixels_on_device is None:
        pixels_on_device = where.type == "cuda"
    pixels = PixelsOnDevice(samples, network.spec, recipe, maker, where) if pixels_on_device else None
    take_step = TrainingStep(
        recipe,
        network,
        parallel,
        optimiser,
        where,
        pixels=pixels,
        bf16=recipe.precision == "bf16" and is_quick_in_bf16(where),
        recorder=CudaGraphs() if records else None,
    )

    def make(step: int) -> Numbers:
        if pixels is None:
            return numbers_of(maker.training(step, rank, world), lessons, observed)
        draw = maker.draw(step, rank, world)
        return numbers_of(maker.labelled(draw), lessons, observed) | pixels.numbers(draw)

    score, started, done, wish = best, time.monotonic(), first, False
    with stopping() as wished:
        wished = wished_by_all(wished, world)
        for step, numbers in ahead(make, first, recipe.steps, threads):
            parts = take_step(numbers, learning_rate(recipe, step))
            average.update(step)

            done = step + 1
            if writer and (done % 20 == 0 or done == recipe.steps):
                writer.add_scalar("train/learning_rate", learning_rate(recipe, step), done)
                for name, part in parts.items():
                    writer.add_scalar(f"train/{name}", float(part), done)
            if done % recipe.validate_every == 0 or done == recipe.steps:
                score = validate(average.network, plain, len(held_out), where, rank, world)
                log.info(
                    "%s, step %d of %d: %s, %.0f s",
                    recipe.name,
                    done,
                    recipe.steps,
                    score,
                    time.monotonic() - started,
                )
                if writer:
                    for name, value in score.parts.items():
                        writer.add_scalar(f"val/{name}", value, done)
                refuse_diverged(average.network, done)
                if score.value < best.value:
                    best = score
                    if rank == 0:
                        _save(average.network, recipe, description, score, done, out / "best.safetensors")
            if rank == 0 and done == recipe.steps:
                _save(average.network, recipe, description, score, done, out / "last.safetensors")
            wish = done < recipe.steps and wished()
            if rank == 0 and (done % recipe.checkpoint_every == 0 or done == recipe.steps or wish):
                state.save_run(state_path, identity, done, best, module, average, optimiser)
            progress(done, recipe.steps)
            if wish:
                break
    if first >= recipe.steps:
        score = validate(average.network, plain, len(held_out), where, rank, world)
    if writer:
        writer.close()
    if world > 1:
        distributed.barrier()  # nobody reads what the first process has not written yet
        distributed.destroy_process_group()
    if wish:
        raise TrainingStopped(done, recipe.steps)
    return TrainingResult(out / "best.safetensors", out / "last.safetensors", best, score, started_from)


def _lessons(recipe: Recipe, dataset: Dataset, device: torch.device, progress: Progress) -> Lessons | None:
    if not recipe.distillation.checkpoint:
        return None
    return ask_teacher(recipe.distillation.checkpoint, dataset, recipe, device, progress)


def _lesson_features(recipe: Recipe, lessons: Lessons | None) -> int:
    return lessons.embedding.shape[2] if lessons is not None and recipe.distillation.embedding else 0


def _join_group(device: str | None) -> tuple[int, int, torch.device]:
    """(rank, number of processes, device) of this process; joins the group if torchrun started it."""
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    where = device_named(device)
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if where.type == "cuda" else "gloo")
    return rank, world, where


def _describe(dataset: Dataset, used: int, seed: int) -> dict[str, Any]:
    """The `data` of a card."""
    labels, train_split = dataset.labels, dataset.split("train")
    kinds, counts = np.unique(labels["device_kind"][train_split], return_counts=True)
    heads: list[str] = (
        np.unique(labels["truth_heads"][train_split]).tolist() if "truth_heads" in labels else []
    )
    return {
        "dataset": dataset.name,
        "train_people": len(np.unique(labels["person"][train_split])),
        "train_frames": used,
        "devices": {str(kind): int(number) for kind, number in zip(kinds, counts, strict=True)},
        "heads": [kind for kind in heads if kind],
        "seed": seed,
    }


def _save(
    network: Network, recipe: Recipe, data: dict[str, Any], score: Score, steps: int, path: Path
) -> None:
    card = network.card(
        recipe.name,
        counts=count(network).as_card(),
        data=data,
        results={
            "val": {
                **score.parts,
                "how": f"training's own validation of the averaged weights after {steps} steps",
            }
        },
        recipe=recipe.as_dict(),
        caution=CAUTION if data["heads"] else "",
    )
    checkpoint.save_network(network, card, path)
