"""Validation during training: one number to choose weights by. The evaluation room gives the figures for
reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import distributed

from tinytracker.models import Network
from tinytracker.training.batches import BatchMaker

BATCH = 200


@dataclass(frozen=True, slots=True)
class Score:
    """value: what is to be small. parts: named numbers for log and card."""

    value: float
    parts: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.3f}" for name, value in self.parts.items())


def validate(
    network: Network, maker: BatchMaker, count: int, device: torch.device, rank: int = 0, world: int = 1
) -> Score:
    """Scores a network in evaluation mode on all `count` samples of `maker`, unaugmented; each process takes
    its share.

    Gaze: mean Euclidean error in cm, and its mean over x and y of the bias. Eye locator: median distance over
    all points, as a percentage of the true interocular distance (between the midpoints of the canthi), and
    mean openness error.
    """
    predicted, target = [], []
    with torch.inference_mode():
        for start in range(rank * BATCH, count, world * BATCH):
            batch = maker.plain(np.arange(start, min(start + BATCH, count)))
            predicted.append(network(*batch.inputs(network.spec, device)).float().cpu().numpy())
            target.append(batch.target)
    if world > 1:
        shares: list[Any] = [None] * world
        distributed.all_gather_object(shares, (predicted, target))
        predicted, target = [[one for share in shares for one in share[part]] for part in range(2)]
    outputs, targets = np.concatenate(predicted), np.concatenate(target)
    if network.spec.output == "eyes":
        return _locator_score(outputs, targets)
    return _gaze_score(outputs * network.spec.output_scale_cm, targets)


def _gaze_score(predicted_cm: np.ndarray, target_cm: np.ndarray) -> Score:
    difference = predicted_cm - target_cm
    error = float(np.linalg.norm(difference, axis=1).mean())
    always_mean = float(np.linalg.norm(target_cm - target_cm.mean(0), axis=1).mean())
    parts = {"error_cm": error, "always_mean_cm": always_mean, "bias_x_cm": float(difference[:, 0].mean())}
    return Score(error, {**parts, "bias_y_cm": float(difference[:, 1].mean())})


def _locator_score(predicted: np.ndarray, target: np.ndarray) -> Score:
    corners = target[:, :8].reshape(-1, 2, 2, 2).mean(2)
    interocular = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)
    distance = np.linalg.norm((predicted - target)[:, :12].reshape(-1, 6, 2), axis=2)
    percent = float(np.median(100 * distance / interocular[:, None]))
    return Score(
        percent,
        {"median_percent": percent, "openness_error": float(np.abs(predicted - target)[:, 12:].mean())},
    )
