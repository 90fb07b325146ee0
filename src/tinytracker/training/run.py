"""What training has in common, of faces and of pupils: where it runs, and what a run leaves in its folder:
best.safetensors and last.safetensors (averaged weights, each with its card), state.safetensors (what --resume
needs) and log/ (TensorBoard)."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tinytracker.errors import UsageError
from tinytracker.files import make_folder
from tinytracker.training.validation import Score

log = logging.getLogger(__name__)


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
        raise UsageError(
            f"torch has no device {device!r} here ({reason}); give cpu, or leave --device out"
        ) from error
    return where


def begin(out: Path, resume: bool) -> Path:
    """Makes a run's folder; where its state lies, or will. Raises UsageError if there is a run already that
    is not to be resumed, OutputError if the folder cannot be made."""
    state_path = out / "state.safetensors"
    if state_path.exists() and not resume:
        raise UsageError(f"{out} holds a run already; add --resume to continue it, or choose another folder")
    make_folder(out)
    return state_path


def open_log(folder: Path, step: int) -> Any:
    """TensorBoard's writer, which forgets what a killed run logged after the state it resumes from; None
    without it."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("tensorboard is not installed; there will be no log (pip install 'tinytracker[train]')")
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
