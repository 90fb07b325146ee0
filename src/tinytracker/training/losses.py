"""Losses. All are means over the batch; a sample's unknown labels (NaN) count nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from tinytracker.inputs import EYE_OPENNESS, EYE_POINTS
from tinytracker.training.batches import AUXILIARY_SIZES, REFERENCE_DISTANCE_CM

ROUNDING_CM = (
    0.1  # a distance well below it is penalised quadratically, so that gradients do not jump about the target
)
POINT_ROUNDING = 0.003  # the same, in a crop of -1..1; locators are off by 0.016
# An error of openness counts OPENNESS_SCALE over openness and OPENNESS_REST together: thrice for a shut eye,
# once for a usual one. A lid that is up or down by a millimetre tells an eye that looks down from one that is
# shut.
OPENNESS_SCALE, OPENNESS_REST = 0.3, 0.1
# Per kind of auxiliary target, in the order of batches.AUXILIARY_SIZES. So weighed, what has to be seen moves
# the towers of tinytracker-eyes as the gaze error does (benchmarks/auxiliary.py prints how much); gaze angles
# hold what no picture shows, and count little.
AUXILIARY_WEIGHTS = (1.0, 8.0, 150.0, 5.0, 30.0, 43.0, 5.0)


def euclidean(predicted_cm: Tensor, target_cm: Tensor, distance_cm: Tensor | None = None) -> Tensor:
    """Mean Euclidean distance, cm, of (n, 2) and (n, 2). distance_cm: (n,), the person's distance: weights 35
    cm / it, 1 where it is NaN; None: no weights."""
    distances = ((predicted_cm - target_cm).square().sum(1) + ROUNDING_CM**2).sqrt()
    if distance_cm is not None:
        distances = distances * torch.nan_to_num(REFERENCE_DISTANCE_CM / distance_cm, nan=1.0)
    return distances.mean()


def mean_squared(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of normalised outputs, as the paper trains (arXiv 2307.07813)."""
    return (predicted - target).square().mean()


def eye_points(predicted: Tensor, target: Tensor) -> Tensor:
    """For the eye locator, (n, 14) and (n, 14): mean distance of the six points in the crop (-1..1), and the
    mean error of openness, which counts more the further the eye is shut."""
    points = (predicted[:, EYE_POINTS] - target[:, EYE_POINTS]).reshape(-1, 6, 2)
    distances = (points.square().sum(2) + POINT_ROUNDING**2).sqrt().mean()
    openness = target[:, EYE_OPENNESS]
    weights = OPENNESS_SCALE / (openness + OPENNESS_REST)
    return distances + (weights * (predicted[:, EYE_OPENNESS] - openness).abs()).mean()


def auxiliary(predicted: Tensor, target: Tensor) -> Tensor:
    """Of Batch.auxiliary, both (n, AUXILIARY): the sum over kinds of targets of their mean absolute error,
    each times AUXILIARY_WEIGHTS; unknown ones count nothing."""
    known = torch.isfinite(target)
    error = torch.where(known, predicted - torch.nan_to_num(target), torch.zeros_like(predicted)).abs()
    means = error.sum(0) / known.sum(0).clamp(min=1)
    kinds = zip(AUXILIARY_WEIGHTS, means.split(AUXILIARY_SIZES), strict=True)
    return torch.stack([weight * part.mean() for weight, part in kinds]).sum()
