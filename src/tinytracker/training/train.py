"""The training loop, top to bottom.

`train` runs in one process, or as one of several started by torchrun, which share the batch: gloo on CPUs, NCCL on GPUs.
A run leaves in its folder best.safetensors and last.safetensors (averaged weights, each with its card), state.safetensors
(what --resume needs) and log/ (TensorBoard).
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from tinytracker.data.dataset import Dataset
from tinytracker.errors import CheckpointError, UsageError
from tinytracker.files import make_folder
from tinytracker.models import Network, count, create_model
from tinytracker.training import checkpoint, losses
from tinytracker.training.average import MovingAverage
from tinytracker.training.batches import AUXILIARY, Batch, BatchMaker, ahead
from tinytracker.training.heads import WithHeads
from tinytracker.training.muon import Muon, hidden_weights
from tinytracker.training.observer import ask_observer
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import load_samples
from tinytracker.training.start import take_over
from tinytracker.training.teacher import Lessons, ask_teacher
from tinytracker.training.validation import Score, validate

log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
CAUTION = "Trained on rendered people only: on real faces it needs calibration, or training on real recordings."


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left: checkpoints, and the scores of the best and of the last averaged weights on the val split.

    started_from: what the first weights were, "" if they were fresh ones."""

    best: Path
    last: Path
    best_score: Score
    last_score: Score
    started_from: str


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    threads: int = 1,
    device: str | None = None,
    progress: Progress = lambda done, total: None,
    teacher_progress: Progress = lambda done, total: None,
    observer_progress: Progress = lambda done, total: None,
) -> Result:
    """Trains a network by a recipe on a dataset's train split and picks the best weights on its val split.

    seed: with recipe, dataset, torch version and kind of CPU it decides the weights to the bit. resume: go on from
    out/state.safetensors if there is one. threads: of torch and, again, of batch making. device: as torch names it; by
    default the process's GPU, else the CPU.
    Raises UsageError if there is no such device, or if `out` holds a run and resume is not asked for, OutputError if it
    cannot be made, CheckpointError if that run had another recipe or seed, DatasetError if the dataset lacks what the
    network needs.
    """
    rank, world, where = _join_group(device)
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)  # batches are made by our own threads
    state_path = out / "state.safetensors"
    if state_path.exists() and not resume:
        raise UsageError(f"{out} holds a run already; add --resume to continue it, or choose another folder")
    make_folder(out)

    # The samples.
    torch.manual_seed(seed)
    network = create_model(recipe.model, **recipe.options).to(where)
    if network.spec.output != "gaze" and (recipe.distillation.checkpoint or recipe.distillation.observer):
        raise UsageError(f"{recipe.name} is an eye locator; teachers and observers tell gaze, so it can have neither")
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    samples = load_samples(dataset, "train", network.spec, margin=True, min_openness=recipe.min_openness)
    held_out = load_samples(dataset, "val", network.spec, margin=False, at_most=recipe.validation_samples)
    maker = BatchMaker(samples, network.spec, recipe, seed)
    plain = BatchMaker(held_out, network.spec, recipe, seed)

    # The network's first weights, and heads that only training has.
    started_from = take_over(network, recipe.start, maker.training(0).inputs(network.spec, where)) if recipe.start else ""
    lessons = _lessons(recipe, dataset, where, teacher_progress)
    observed = ask_observer(dataset, recipe, seed, observer_progress) if recipe.distillation.observer else None
    module = WithHeads(network, AUXILIARY if recipe.auxiliary else 0, _lesson_features(recipe, lessons)).to(where)
    optimiser = _optimiser(recipe, module)
    average = MovingAverage(network, recipe.ema)

    # Where a former run stopped.
    first, best = 0, Score(math.inf, {})
    identity = {"recipe": recipe.as_dict(), "seed": seed, "samples": len(samples), "processes": world}
    if resume and state_path.exists():
        first, best = _restore(state_path, identity, module, average, optimiser)
    parallel = DistributedDataParallel(module) if world > 1 else module
    writer = _writer(out / "log", first) if rank == 0 else None
    description = _describe(dataset, len(samples), seed) | ({"start": started_from} if started_from else {})

    module.train()
    bf16 = recipe.precision == "bf16" and _is_quick_in_bf16(where)
    score, started = best, time.monotonic()
    for step, batch in ahead(maker, first, recipe.steps, rank, world, threads):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss, parts = _loss(recipe, parallel, network, batch, lessons, observed, where, bf16)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        average.update(step)

        done = step + 1
        if writer and (done % 20 == 0 or done == recipe.steps):
            writer.add_scalar("train/learning_rate", learning_rate(recipe, step), done)
            for name, part in parts.items():
                writer.add_scalar(f"train/{name}", float(part.detach()), done)
        if done % recipe.validate_every == 0 or done == recipe.steps:
            score = validate(average.network, plain, len(held_out), where, rank, world)
            log.info("%s, step %d of %d: %s, %.0f s", recipe.name, done, recipe.steps, score, time.monotonic() - started)
            if writer:
                for name, value in score.parts.items():
                    writer.add_scalar(f"val/{name}", value, done)
            if score.value < best.value:
                best = score
                if rank == 0:
                    _save(average.network, recipe, description, score, done, out / "best.safetensors")
        if rank == 0 and done == recipe.steps:
            _save(average.network, recipe, description, score, done, out / "last.safetensors")
        if rank == 0 and (done % recipe.checkpoint_every == 0 or done == recipe.steps):
            _save_state(state_path, identity, done, best, module, average, optimiser)
        progress(done, recipe.steps)
    if first >= recipe.steps:
        score = validate(average.network, plain, len(held_out), where, rank, world)
    if writer:
        writer.close()
    if world > 1:
        distributed.barrier()  # nobody reads what the first process has not written yet
        distributed.destroy_process_group()
    return Result(out / "best.safetensors", out / "last.safetensors", best, score, started_from)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of a step (from 0)."""
    if recipe.schedule == "exponential":
        return recipe.learning_rate * 0.9 ** (step / recipe.decay_steps)
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    return recipe.learning_rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * step / recipe.steps)))


def _loss(
    recipe: Recipe,
    module: nn.Module,
    network: Network,
    batch: Batch,
    lessons: Lessons | None,
    observed: np.ndarray | None,
    device: torch.device,
    bf16: bool,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch and the parts it is the sum of."""
    inputs = batch.inputs(network.spec, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        output, truth, lesson = module(*inputs)
    output = output.float()
    target = torch.from_numpy(batch.target).to(device)
    scale_cm = network.spec.output_scale_cm
    distance = torch.from_numpy(batch.distance_cm).to(device) if recipe.scale_by_distance else None
    parts: dict[str, Tensor] = {}
    if network.spec.output == "eyes":
        parts["eye_points"] = losses.eye_points(output, target)
    elif recipe.loss == "mse":
        parts["mean_squared"] = losses.mean_squared(output, target / scale_cm)
    else:
        parts["euclidean_cm"] = losses.euclidean(output * scale_cm, target, distance)
    (by_truth,), truth_share, distillation = parts, 1.0, recipe.distillation
    if observed is not None:
        truth_share -= distillation.observer
        answer = torch.from_numpy(batch.gaze_of(observed)).to(device)
        answer = torch.where(torch.isfinite(answer), answer, target)
        parts["observer_cm"] = distillation.observer * losses.euclidean(output * scale_cm, answer, distance)
    if lessons is not None:
        truth_share -= distillation.gaze
        taught_cm, embedding = lessons.of(batch, device)
        parts["teacher_cm"] = distillation.gaze * losses.euclidean(output * scale_cm, taught_cm, distance)
        if lesson is not None:
            parts["teacher_embedding"] = distillation.embedding * (lesson.float() - embedding).square().mean()
    parts[by_truth] = parts[by_truth] * truth_share
    if truth is not None:
        parts["auxiliary"] = recipe.auxiliary * losses.auxiliary(truth.float(), torch.from_numpy(batch.auxiliary).to(device))
    loss = torch.stack(list(parts.values())).sum()
    return loss, {**parts, "loss": loss}


def _is_quick_in_bf16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself. On a CPU that does not, convolutions would take ten times as long."""
    if device.type != "cpu":
        return True
    if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported():  # torch has no public question
        return True
    log.info("this CPU has no bfloat16 arithmetic; training in float32")
    return False


def _optimiser(recipe: Recipe, module: WithHeads) -> torch.optim.Optimizer:
    """Biases and batch norm's factors are not decayed."""
    hidden = hidden_weights(module.network) if recipe.optimiser == "muon" else []
    taken = set(map(id, hidden))
    weights = [p for p in module.parameters() if p.ndim > 1 and id(p) not in taken]
    vectors = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    if recipe.optimiser == "muon":
        return Muon([*groups, {"params": hidden, "weight_decay": recipe.weight_decay, "orthogonal": True}], recipe.learning_rate)
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.learning_rate, fused=True)


def _lessons(recipe: Recipe, dataset: Dataset, device: torch.device, progress: Progress) -> Lessons | None:
    if not recipe.distillation.checkpoint:
        return None
    return ask_teacher(recipe.distillation.checkpoint, dataset, recipe, device, progress)


def _lesson_features(recipe: Recipe, lessons: Lessons | None) -> int:
    return lessons.embedding.shape[2] if lessons is not None and recipe.distillation.embedding else 0


def _join_group(device: str | None) -> tuple[int, int, torch.device]:
    """(rank, number of processes, device) of this process; joins the group if torchrun started it."""
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        reason = str(error).partition("\n")[0]
        raise UsageError(f"torch has no device {device!r} here ({reason}); give cpu, or leave --device out") from error
    return rank, world, where


def _save_state(
    path: Path,
    identity: dict[str, Any],
    done: int,
    best: Score,
    module: WithHeads,
    average: MovingAverage,
    optimiser: torch.optim.Optimizer,
) -> None:
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.network.state_dict().items()}
    tensors |= checkpoint.optimiser_tensors(optimiser)
    best_score = {"value": best.value if math.isfinite(best.value) else None, "parts": best.parts}
    checkpoint.save_state(path, tensors, {"identity": identity, "step": done, "best": best_score})


def _restore(
    path: Path, identity: dict[str, Any], module: WithHeads, average: MovingAverage, optimiser: torch.optim.Optimizer
) -> tuple[int, Score]:
    """Puts a state back; returns the steps done and the best score so far."""
    tensors, facts = checkpoint.load_state(path)
    for name, value in identity.items():
        if facts["identity"].get(name) != value:
            raise CheckpointError(f"{path} was trained with another {name}; start anew in another folder")

    def named(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    module.load_state_dict(named("module."))
    average.network.load_state_dict(named("average."))
    checkpoint.restore_optimiser(optimiser, tensors)
    value = facts["best"]["value"]
    return facts["step"], Score(math.inf if value is None else value, facts["best"]["parts"])


def _describe(dataset: Dataset, used: int, seed: int) -> dict[str, Any]:
    """The `data` of a card."""
    labels, train_split = dataset.labels, dataset.split("train")
    kinds, counts = np.unique(labels["device_kind"][train_split], return_counts=True)
    heads: list[str] = np.unique(labels["truth_heads"][train_split]).tolist() if "truth_heads" in labels else []
    return {
        "dataset": dataset.name,
        "train_people": len(np.unique(labels["person"][train_split])),
        "train_frames": used,
        "devices": {str(kind): int(number) for kind, number in zip(kinds, counts, strict=True)},
        "heads": [kind for kind in heads if kind],
        "seed": seed,
    }


def _save(network: Network, recipe: Recipe, data: dict[str, Any], score: Score, steps: int, path: Path) -> None:
    card = network.card(
        recipe.name,
        counts=count(network).as_card(),
        data=data,
        results={"val": {**score.parts, "how": f"training's own validation of the averaged weights after {steps} steps"}},
        recipe=recipe.as_dict(),
        caution=CAUTION if data["heads"] else "",
    )
    checkpoint.save_network(network, card, path)


def _writer(folder: Path, step: int) -> Any:
    """TensorBoard's writer, which forgets what a killed run logged after the state it resumes from; None without it."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("tensorboard is not installed; there will be no log (pip install 'tinytracker[train]')")
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
