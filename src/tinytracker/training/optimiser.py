"""How weights move: which optimiser, how fast at which step, and in what arithmetic."""

from __future__ import annotations

import logging
import math

import torch
from torch import nn

from tinytracker.training.muon import Muon, hidden_weights
from tinytracker.training.recipe import BaseRecipe

log = logging.getLogger(__name__)


def make_optimiser(
    recipe: BaseRecipe, module: nn.Module, network: nn.Module, capturable: bool = False
) -> torch.optim.Optimizer:
    """For all of `module`'s trained parameters; those of `network`, a part of it, may be Muon's. Biases and
    batch norm's factors are not decayed. capturable: a step may be recorded as a CUDA graph."""
    hidden = hidden_weights(network) if recipe.optimiser == "muon" else []
    hidden = [p for p in hidden if p.requires_grad]
    taken = set(map(id, hidden))
    trained = [p for p in module.parameters() if p.requires_grad]
    weights = [p for p in trained if p.ndim > 1 and id(p) not in taken]
    vectors = [p for p in trained if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if recipe.optimiser == "muon":
        return Muon(
            [*groups, {"params": hidden, "weight_decay": recipe.weight_decay, "orthogonal": True}],
            recipe.learning_rate,
            capturable,
        )
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.learning_rate, fused=True, capturable=capturable)


def learning_rate(recipe: BaseRecipe, step: int) -> float:
    """The learning rate of a step (from 0)."""
    if recipe.schedule == "exponential":
        return recipe.learning_rate * 0.9 ** (step / recipe.decay_steps)
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    return recipe.learning_rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * step / recipe.steps)))


def is_quick_in_bf16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself. On a CPU that does not, convolutions would take ten
    times as long."""
    if device.type != "cpu":
        return True
    if (
        torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    ):  # torch has no public question
        return True
    log.info("this CPU has no bfloat16 arithmetic; training in float32")
    return False
