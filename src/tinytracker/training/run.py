"""What training has in common, of faces and of pupils: where it runs, and what a run leaves in its folder:
best.safetensors and last.safetensors (averaged weights, each with its card), state.safetensors (what --resume
needs) and log/ (TensorBoard)."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from tinytracker.errors import UsageError
from tinytracker.files import refuse_no_folder
from tinytracker.training.state import refuse_another
from tinytracker.training.validation import Score
from tinytracker.zoo import STATE_FILE

log = logging.getLogger(__name__)
Wished = Callable[[], bool]
Stopping = Callable[[], AbstractContextManager[Wished]]
"""What is entered while steps are taken, and tells between two of them whether somebody wishes that it were
the last: `cli.interrupt.stop_on_signal` is one."""


class TrainingStopped(KeyboardInterrupt):
    """Training ended between two steps, as was wished; its state after `done` of `steps` is written."""

    def __init__(self, done: int, steps: int) -> None:
        super().__init__(f"stopped after step {done} of {steps}; the same with --resume goes on from there")


@contextmanager
def never() -> Iterator[Wished]:
    """The Stopping of nobody who could wish it."""
    yield lambda: False


def wished_by_all(wished: Wished, world: int) -> Wished:
    """What one of `world` processes wishes, all do: they have to stop after the same step."""
    if world == 1:
        return wished
    group = distributed.new_group(backend="gloo")  # on the host: a GPU need not be waited for

    def by_all() -> bool:
        wishes = torch.tensor([int(wished())])
        distributed.all_reduce(wishes, distributed.ReduceOp.MAX, group)
        return bool(wishes)

    return by_all


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run left: checkpoints, and the scores of the best and of the last averaged weights on the val
    split.

    started_from: what the first weights were, "" if they were fresh ones."""

    best: Path
    last: Path
    best_score: Score
    last_score: Score
    started_from: str


def device_named(device: str | None) -> torch.device:
    """As torch names it; None: this process's GPU, else the CPU. Raises UsageError if there is none such."""
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        reason = str(error).partition("\n")[0]
        why = "" if reason.startswith("Expected one of") else f" ({reason})"  # all kinds that there are
        raise UsageError(
            f"torch has no device {device!r} here{why}; give cpu, cuda or cuda:1, or leave --device out"
        ) from error
    return where


def begin(out: Path, resume: bool, identity: dict[str, Any]) -> Path:
    """Where a run's state lies, or will. Raises UsageError if there is a run already that is not to be
    resumed, CheckpointError if it is another one by what is known beforehand of its identity, OutputError if
    `out` is no folder and could not be made. It makes nothing: what else is wrong is to be found first."""
    state_path = out / STATE_FILE
    if state_path.exists() and not resume:
        raise UsageError(f"{out} holds a run already; add --resume to continue it, or choose another folder")
    if state_path.exists():
        refuse_another(state_path, identity)
    refuse_no_folder(out)
    return state_path


def refuse_diverged(network: nn.Module, done: int) -> None:
    """Raises UsageError if weights have grown beyond all numbers: no step brings them back."""
    if not all(bool(torch.isfinite(weights).all()) for weights in network.parameters()):
        raise UsageError(
            f"training has diverged: after step {done} weights are no numbers any more; lower the recipe's "
            f"learning_rate or weight_decay, and begin in another folder"
        )


def open_log(folder: Path, step: int) -> Any:
    """TensorBoard's writer, which forgets what a killed run logged after the state it resumes from; None
    without it."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("tensorboard is not installed; there will be no log (pip install 'tinytracker[train]')")
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
