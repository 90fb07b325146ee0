"""Losses of networks of pupils. Each is the mean over windows of a loss of that window alone: it is never
negative, and says the same whatever else is in the batch. A window without a pupil to find counts nothing
where it was."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tinytracker.inputs import GRID_BOXES, GRID_SIDE
from tinytracker.models.pupil import places, pointing
from tinytracker.retina.batches import Truth
from tinytracker.retina.estimates import LEAST_CONFIDENCE, SURENESS

ROUNDING_CELLS = 0.25  # a distance well below it is penalised quadratically
RIGHT_CELLS = 2.0  # a centre within so many cells of the truth is right: what `confidence` is the chance of
# Side of the box that Retina's networks put about the pupil's centre (their code: 5 to each side).
BOX_CELLS = 10.0
BOX_WEIGHT, CONFIDENCE_WEIGHT = 7.5, 1.5  # of Retina's spiking network (arXiv 2312.00425)


def distances(centre: Tensor, truth: Truth, size: int) -> Tensor:
    """How far centres (N, 2) are off, cells, (N,); 0 where there is nothing to find."""
    squares = ((centre - truth.centre) * size).square().sum(-1)
    rounded = (squares + ROUNDING_CELLS**2).sqrt() - ROUNDING_CELLS
    return torch.where(truth.known, rounded, torch.zeros_like(rounded))


def pupil(
    outputs: Tensor, truth: Truth, size: int, closed_weight: float, confidence_weight: float
) -> dict[str, Tensor]:
    """Of `pupil`'s outputs (N, 16): the distance in cells, and what the chances of a closed eye and of a
    right centre cost (cross-entropy)."""
    apart = distances(outputs[:, :2], truth, size)
    is_said = torch.isfinite(truth.closed)
    closed = F.binary_cross_entropy(outputs[:, 2], torch.nan_to_num(truth.closed), reduction="none")
    right = (truth.known & (apart.detach() < RIGHT_CELLS)).to(outputs.dtype)
    sure = F.binary_cross_entropy(outputs[:, 3], right, reduction="none")
    return {
        "distance_cells": apart.mean(),
        "closed": closed_weight * torch.where(is_said, closed, torch.zeros_like(closed)).mean(),
        "confidence": confidence_weight * sure.mean(),
    }


def place(seen: Tensor, truth: Truth) -> Tensor:
    """Of `pupil`'s last maps (N, channels, side, side): what it costs (cross-entropy) that they do not point
    most where the pupil is, the four nearest places sharing it. So the convolutions learn to point before the
    layers behind them have learnt whether to believe them."""
    side = seen.shape[-1]
    at = places((side, side)).to(seen)
    apart = 1 / len(at) ** 0.5  # places, along x and along y
    nearest = truth.centre.clamp(apart / 2, 1 - apart / 2)
    share = (1 - (at - nearest[:, None]).abs() / apart).clamp(min=0).prod(2)
    cost = -(share * F.log_softmax(pointing(seen), 1)).sum(1)
    return torch.where(truth.known, cost, torch.zeros_like(cost)).mean()


def box(outputs: Tensor, truth: Truth, size: int) -> dict[str, Tensor]:
    """Of `retina_ann`'s boxes (N, 4): 1 - intersection over union with a box about the pupil, and the
    distance of the middles in cells. (Its authors took the sum over the batch of the first, unlike the 1.)"""
    half = BOX_CELLS / 2 / size
    wanted = torch.cat([truth.centre - half, truth.centre + half], 1)
    missed = 1 - intersection_over_union(outputs, wanted)
    middle = (outputs[:, :2] + outputs[:, 2:]) / 2
    return {
        "distance_cells": distances(middle, truth, size).mean(),
        "box": torch.where(truth.known, missed, torch.zeros_like(missed)).mean(),
    }


def intersection_over_union(boxes: Tensor, wanted: Tensor) -> Tensor:
    """Of boxes (N, 4) of left, top, right, bottom, (N,), 0 to 1; a box turned inside out has no area.

    >>> a, b = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]])
    >>> round(float(intersection_over_union(a, b)), 3)
    0.333
    """
    low, high = torch.maximum(boxes[:, :2], wanted[:, :2]), torch.minimum(boxes[:, 2:], wanted[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    area_wanted = (wanted[:, 2:] - wanted[:, :2]).clamp(min=0).prod(1)
    return common / (area + area_wanted - common).clamp(min=1e-9)


def grid(outputs: Tensor, truth: Truth, size: int) -> dict[str, Tensor]:
    """Of `retina`'s grid (N, 160): squared errors of the box that is answerable (in the pupil's cell, the one
    nearer to it), and of all confidences, which are to be 1 there and 0 elsewhere (YOLO's, Redmon et al.,
    CVPR 2016, as Retina takes it); and, as its authors' code adds, how far off in cells what the grid says
    is, as `estimates` reads it.

    The squares alone say little of the last cells: of a box two cells off they cost a tenth of what it costs
    not to know, at the edge of a cell of the grid, which of the two is the pupil's.
    """
    boxes = outputs.view(len(outputs), GRID_SIDE * GRID_SIDE, GRID_BOXES, 5)
    places = (truth.centre * GRID_SIDE).clamp(0, GRID_SIDE - 1e-4)
    cell = places.long()
    number = cell[:, 1] * GRID_SIDE + cell[:, 0]
    inside = boxes[torch.arange(len(boxes)), number]  # (N, 2, 5)
    side = torch.full_like(places, BOX_CELLS / size)
    wanted = torch.cat([places - cell, side], 1)[:, None]
    errors = (inside[..., :4] - wanted).square().sum(-1)
    answerable = errors.detach().argmin(1)
    box_error = errors[torch.arange(len(boxes)), answerable]
    sure = torch.zeros_like(boxes[..., 4])
    sure[torch.arange(len(boxes)), number, answerable] = truth.known.to(sure.dtype)
    confidence = (boxes[..., 4] - sure).square().sum((1, 2))
    at = torch.arange(GRID_SIDE * GRID_SIDE, device=outputs.device)
    corners = torch.stack([at % GRID_SIDE, at // GRID_SIDE], 1)[:, None]
    middles = (corners + boxes[..., :2]) / GRID_SIDE
    weights = (boxes[..., 4:].clamp(min=0) + LEAST_CONFIDENCE) ** SURENESS
    said = (weights * middles).sum((1, 2)) / weights.sum((1, 2))
    return {
        "distance_cells": distances(said, truth, size).mean(),
        "box": BOX_WEIGHT * torch.where(truth.known, box_error, torch.zeros_like(box_error)).mean(),
        "confidence": CONFIDENCE_WEIGHT * confidence.mean(),
    }
