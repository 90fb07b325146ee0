"""Training a network of pupils, top to bottom: sequences of windows in, averaged weights out.
What a run leaves: `training.run`."""

from __future__ import annotations

import logging
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinytracker.errors import DatasetError, UsageError
from tinytracker.events.crops import SIZE
from tinytracker.events.dataset import EventDataset
from tinytracker.events.windows import Window
from tinytracker.files import make_folder
from tinytracker.models import Network, checkpoint, count, create_model
from tinytracker.models.retina import Retina
from tinytracker.progress import Progress, no_progress
from tinytracker.retina import losses
from tinytracker.retina.batches import Batch, SequenceMaker, Truth
from tinytracker.retina.recipe import EventRecipe
from tinytracker.retina.running import said_along, seen_along
from tinytracker.retina.sequences import Track, tracks_of, window_of
from tinytracker.retina.validation import Validation
from tinytracker.training import state
from tinytracker.training.average import MovingAverage
from tinytracker.training.optimiser import is_quick_in_bf16, learning_rate, make_optimiser
from tinytracker.training.run import (
    Stopping,
    TrainingResult,
    TrainingStopped,
    begin,
    device_named,
    never,
    open_log,
    refuse_diverged,
)
from tinytracker.training.start import take_over
from tinytracker.training.validation import Score
from tinytracker.zoo import find

log = logging.getLogger(__name__)
CAUTION = "Trained on rendered eyes only: before a real event camera it needs training on real recordings."
LONGEST_GRADIENT = 5.0


def train(
    recipe: EventRecipe,
    dataset: EventDataset,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    threads: int = 1,
    device: str | None = None,
    stopping: Stopping = never,
    progress: Progress = no_progress,
    cutting_progress: Progress = no_progress,
) -> TrainingResult:
    """Trains a network by a recipe on a dataset's train people and picks the best weights on its val people.

    seed: with recipe, dataset, torch version and kind of CPU it decides the weights. resume: go on from
    out/state.safetensors if there is one. device: as torch names it; a GPU if there is one. stopping: who may
    wish that training stops; it then writes its state and raises TrainingStopped. Raises UsageError if there
    is no such device, if torchrun started several processes, if `out` holds a run and resume is not asked
    for, or if training diverges, OutputError if it cannot be made, CheckpointError if that run had another
    recipe, seed or data, DatasetError if a split is empty.
    """
    torch.set_num_threads(threads)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise UsageError("networks of pupils are trained by one process; leave torchrun out")
    where = device_named(device)
    identity = {"recipe": recipe.as_dict(), "seed": seed}
    state_path = begin(out, resume, identity)

    # The samples.
    torch.manual_seed(seed)
    network = create_model(recipe.model, **recipe.options)
    if (size := network.spec.inputs[0].width_px) != SIZE:
        raise UsageError(
            f"recipe {recipe.name}: size_px is {size}, but windows of a dataset have {SIZE} x {SIZE} cells; "
            f"leave it out"
        )
    network = network.to(where)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    window = window_of(network.spec.inputs[0])
    learnt = _tracks(dataset, "train", window, recipe, cutting_progress)
    maker = SequenceMaker(learnt, recipe, seed)
    validation = Validation(
        _tracks(dataset, "val", window, recipe, cutting_progress), recipe.validation_windows
    )
    started_from = _first_weights(network, recipe.start, maker.training(0), where) if recipe.start else ""
    optimiser = make_optimiser(recipe, network, network)
    average = MovingAverage(network, recipe.ema)

    # Where a former run stopped.
    first, best = 0, Score(math.inf, {})
    identity = {**identity, "windows": sum(map(len, learnt))}
    if resume and state_path.exists():
        first, best = state.restore_run(state_path, identity, network, average, optimiser)
    make_folder(out)
    writer = open_log(out / "log", first)
    data = _described(dataset, learnt, seed)

    network.train()
    bf16 = recipe.precision == "bf16" and is_quick_in_bf16(where)
    score, started, done, wish = best, time.monotonic(), first, False
    with stopping() as wished:
        for step in range(first, recipe.steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(recipe, step)
            try:
                parts = loss_of(recipe, network, maker.training(step), where, bf16)
            except RuntimeError:  # a cross-entropy of what is no number, on a CPU
                refuse_diverged(network, step)
                raise
            loss = torch.stack(list(parts.values())).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
            optimiser.step()
            average.update(step)

            done = step + 1
            if writer and (done % 20 == 0 or done == recipe.steps):
                for name, part in {**parts, "loss": loss}.items():
                    writer.add_scalar(f"train/{name}", float(part.detach()), done)
            if done % recipe.validate_every == 0 or done == recipe.steps:
                score = validation.score(average.network)
                elapsed_s = time.monotonic() - started
                log.info("%s, step %d of %d: %s, %.0f s", recipe.name, done, recipe.steps, score, elapsed_s)
                for name, value in score.parts.items() if writer else ():
                    writer.add_scalar(f"val/{name}", value, done)
                refuse_diverged(average.network, done)
                if score.value < best.value:
                    best = score
                    _save(average.network, recipe, data, score, done, out / "best.safetensors")
            if done == recipe.steps:
                _save(average.network, recipe, data, score, done, out / "last.safetensors")
            wish = done < recipe.steps and wished()
            if done % recipe.checkpoint_every == 0 or done == recipe.steps or wish:
                state.save_run(state_path, identity, done, best, network, average, optimiser)
            progress(done, recipe.steps)
            if wish:
                break
    if first >= recipe.steps:
        score = validation.score(average.network)
    if writer:
        writer.close()
    if wish:
        raise TrainingStopped(done, recipe.steps)
    return TrainingResult(out / "best.safetensors", out / "last.safetensors", best, score, started_from)


def loss_of(
    recipe: EventRecipe, network: Network, batch: Batch, device: torch.device, bf16: bool = False
) -> dict[str, Tensor]:
    """The parts of a batch's loss, by the kind of network."""
    windows = batch.windows.to(device)
    truth = Truth(*(part.to(device) for part in (batch.truth.centre, batch.truth.known, batch.truth.closed)))
    if isinstance(network, Retina):
        return _spiking_loss(recipe, network, windows, truth)
    seen = seen_along(network, windows, bf16)
    outputs = said_along(network, seen, batch.last.to(device)).flatten(0, 1)
    size = windows.shape[-1]
    if network.spec.output == "pupil_box":
        return losses.box(outputs, truth.flat(), size)
    parts = losses.pupil(outputs, truth.flat(), size, recipe.closed_weight, recipe.confidence_weight)
    return parts | {"place": recipe.place_weight * losses.place(seen.flatten(0, 1), truth.flat())}


def _first_weights(network: Network, start: str, batch: Batch, device: torch.device) -> str:
    """All of a checkpoint of the same network, its neurons' time constants too; of another network what
    fits, as `take_over` does, with a sentence that says so."""
    weights = find(start)
    if weights.path.suffix == ".safetensors":
        learnt = checkpoint.load_network(weights.path)
        if learnt.spec == network.spec:
            network.load_state_dict(learnt.state_dict())
            return f"all weights start as those of {start}"
    windows = batch.windows.flatten(0, 1).to(device)
    inputs: tuple[Tensor, ...] = (windows,)
    if len(network.spec.inputs) > 1:  # it is told what it said last
        inputs = windows, batch.last.to(device).repeat_interleave(batch.windows.shape[1], 0)
    return take_over(network, start, inputs)


def _spiking_loss(recipe: EventRecipe, network: Retina, windows: Tensor, truth: Truth) -> dict[str, Tensor]:
    fired = network.spikes(windows.transpose(0, 1))
    outputs = network.filter(fired[-1])[recipe.unsettled :].transpose(0, 1).flatten(0, 1)
    parts = losses.grid(outputs, truth.after(recipe.unsettled).flat(), windows.shape[-1])
    if recipe.synops_weight:
        counted = windows.shape[0] * windows.shape[1]
        parts["synops"] = recipe.synops_weight * network.synaptic_operations(fired) / counted
    return parts


def _tracks(
    dataset: EventDataset, split: Any, window: Window, recipe: EventRecipe, progress: Progress
) -> list[Track]:
    names = dataset.names(split)
    if not names:
        raise DatasetError(f"{dataset.folder} has no {split} people; prepare more recordings")
    return tracks_of(dataset.recordings(split), window, recipe.every_us, progress, len(names))


def _described(dataset: EventDataset, learnt: list[Track], seed: int) -> dict[str, Any]:
    """The `data` of a card."""
    sensors, counts = np.unique([track.sensor for track in learnt], return_counts=True)
    return {
        "dataset": dataset.folder.name,
        "train_people": len({track.person for track in learnt}),
        "train_windows": sum(map(len, learnt)),
        "sensors": dict(zip(sensors.tolist(), counts.tolist(), strict=True)),
        "seed": seed,
    }


def _save(
    network: Network, recipe: EventRecipe, data: dict[str, Any], score: Score, step: int, path: Path
) -> None:
    card = network.card(
        recipe.name,
        counts=count(network).as_card(),
        data=data,
        results={"val": {name: round(value, 4) for name, value in score.parts.items()} | {"step": step}},
        recipe=recipe.as_dict(),
        caution=CAUTION,
    )
    checkpoint.save_network(network, card, path)
