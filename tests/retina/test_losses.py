"""Losses say of a window what they say of it alone, are never negative, and follow labels below a cell."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from tinytracker.inputs import OUTPUTS
from tinytracker.models.pupil import SHARPNESS
from tinytracker.retina import losses
from tinytracker.retina.batches import Truth, change, moved
from tinytracker.retina.estimates import estimates_of
from tinytracker.retina.recipe import Changes

SIZE = 64
LOSSES = {
    "pupil": partial(losses.pupil, size=SIZE, closed_weight=1.0, confidence_weight=0.5),
    "pupil_box": partial(losses.box, size=SIZE),
    "pupil_grid": partial(losses.grid, size=SIZE),
}


def windows(count: int = 9) -> tuple[dict[str, torch.Tensor], Truth]:
    generator = torch.Generator().manual_seed(4)
    outputs = {kind: torch.rand(count, len(OUTPUTS[kind]), generator=generator) for kind in LOSSES}
    known = torch.arange(count) % 3 > 0
    return outputs, Truth(torch.rand(count, 2, generator=generator), known, (~known).float())


def total(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(parts.values())).sum()


@pytest.mark.parametrize("kind", LOSSES)
def test_a_batch_costs_what_its_windows_cost_on_average(kind) -> None:
    """The original's ANN loss takes the sum of overlaps over the batch from 1: it depends on the batch's size
    and goes negative."""
    outputs, truth = windows()
    loss, alone = LOSSES[kind], []
    for place in range(9):
        row = slice(place, place + 1)
        one = Truth(truth.centre[row], truth.known[row], truth.closed[row])
        alone.append(total(loss(outputs[kind][row], one)))
    assert torch.allclose(total(loss(outputs[kind], truth)), torch.stack(alone).mean(), rtol=1e-5)
    assert min(alone) >= 0


@pytest.mark.parametrize("kind", LOSSES)
def test_labels_are_not_floored(kind) -> None:
    """The original rounds labels down to whole cells, in training and in scoring. Here the answer a tenth of
    a cell off costs more than the right one."""
    centre = torch.tensor([[20.4 / SIZE, 33.7 / SIZE]])
    truth = Truth(centre, torch.tensor([True]), torch.tensor([0.0]))

    def answer(apart_cells: float) -> torch.Tensor:
        said = centre + apart_cells / SIZE
        if kind == "pupil":
            return torch.cat([said, torch.tensor([[0.01, 0.99]]), torch.zeros(1, 12)], 1)
        half = losses.BOX_CELLS / 2 / SIZE
        if kind == "pupil_box":
            return torch.cat([said - half, said + half], 1)
        boxes = torch.zeros(1, 16, 2, 5)
        column, row = (centre[0] * 4).long().tolist()
        place = said * 4 - torch.tensor([[column, row]])
        boxes[0, row * 4 + column, 0] = torch.tensor([*place[0].tolist(), 10 / 64, 10 / 64, 1.0])
        return boxes.flatten(1)

    costs = [float(total(LOSSES[kind](answer(apart), truth))) for apart in (0.0, 0.1, 0.5)]
    assert costs[0] < costs[1] < costs[2]
    found = estimates_of(answer(0.0).numpy(), kind)
    assert np.allclose(found.centre * SIZE, [[20.4, 33.7]], atol=1e-4)


def test_a_map_costs_least_that_points_at_the_pupil() -> None:
    """At (20.4, 33.7), in cells of 4: nearest are the parts 4 and 5 along x, 7 and 8 along y."""
    truth = Truth(torch.tensor([[20.4 / SIZE, 33.7 / SIZE]]), torch.tensor([True]), torch.tensor([0.0]))
    shares = {(4, 7): 0.4 * 0.075, (5, 7): 0.6 * 0.075, (4, 8): 0.4 * 0.925, (5, 8): 0.6 * 0.925}

    def pointing(at: dict[tuple[int, int], float]) -> torch.Tensor:
        seen = torch.full((1, 8, 8, 8), -9.0)
        for (x, y), share in at.items():
            seen[0, y % 2 * 2 + x % 2, y // 2, x // 2] = np.log(share) / SHARPNESS
        return seen

    costs = [float(losses.place(pointing(at), truth)) for at in (shares, {(5, 8): 1.0}, {(0, 0): 1.0})]
    assert costs[0] == pytest.approx(-sum(share * np.log(share) for share in shares.values()), abs=1e-4)
    assert costs[0] < costs[1] < costs[2]
    unknown = Truth(truth.centre, torch.tensor([False]), truth.closed)
    assert float(losses.place(pointing({(0, 0): 1.0}), unknown)) == 0


def test_closed_eyes_cost_nothing_for_where_they_are() -> None:
    outputs, truth = windows()
    closed = Truth(torch.zeros_like(truth.centre), torch.zeros(9, dtype=torch.bool), torch.ones(9))
    assert float(LOSSES["pupil"](outputs["pupil"], closed)["distance_cells"]) == 0
    assert float(LOSSES["pupil_box"](outputs["pupil_box"], closed)["box"]) == 0


def test_labels_follow_changes() -> None:
    """Nine cells stay about their label through mirroring, shifts, zooming and turning, in their own
    plane."""
    rng = np.random.default_rng(1)
    planes = np.zeros((40, 1, 2, SIZE, SIZE), np.uint8)
    planes[:, 0, 1, 29:32, 19:22] = 1
    centre = np.full((40, 1, 2), [20.5 / SIZE, 30.5 / SIZE], np.float32)
    change(planes, centre, Changes(flip=0.5, shift_cells=8, dropped=0.0, added=0.0), rng)
    sizes = []
    for one, where in zip(planes, centre, strict=True):
        assert not one[0, 0].any()
        rows, columns = np.nonzero(one[0, 1])
        assert np.allclose(where[0] * SIZE, [columns.mean() + 0.5, rows.mean() + 0.5], atol=0.75)
        sizes.append(len(rows))
    assert len({tuple(where[0]) for where in centre}) == 40
    assert min(sizes) < 9 < max(sizes)


def test_noise_never_makes_a_cell_both_brighter_and_darker() -> None:
    rng = np.random.default_rng(2)
    planes = (rng.random((4, 3, 1, SIZE, SIZE)) < 0.1).astype(np.uint8).repeat(2, axis=2)
    planes[:, :, 1] = 0
    change(planes, np.full((4, 3, 2), 0.5, np.float32), Changes(dropped=0.3, added=0.2), rng)
    assert planes.max() == 1
    assert not (planes[:, :, 0] & planes[:, :, 1]).any()


def test_what_is_shifted_in_is_empty() -> None:
    there = moved(np.ones((1, 4, 4), np.uint8), np.eye(2), np.array([1, -2]) / 4)
    assert there[0].tolist() == [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    smaller = moved(np.ones((4, 4), np.uint8), 0.5 * np.eye(2), np.zeros(2))
    assert smaller.tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
