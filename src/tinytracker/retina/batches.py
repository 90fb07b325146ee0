"""Sequences of windows for training: drawn, changed, and with what was true of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinytracker.errors import DatasetError
from tinytracker.inputs import MEMORY
from tinytracker.retina.recipe import Changes, EventRecipe
from tinytracker.retina.sequences import Track, unpacked


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of windows (B, T).

    centre: (B, T, 2), in the window, 0 to 1; where not `known` it means nothing. known: (B, T) bool, there is
    a pupil to find. closed: (B, T), 1 where the lids hide it, NaN where nobody says.
    """

    centre: Tensor
    known: Tensor
    closed: Tensor

    def after(self, first: int) -> Truth:
        """The same from a window of each sequence on."""
        return Truth(self.centre[:, first:], self.known[:, first:], self.closed[:, first:])

    def flat(self) -> Truth:
        """The same for windows one after the other, (B * T)."""
        return Truth(self.centre.flatten(0, 1), self.known.flatten(), self.closed.flatten())


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """windows: float (B, T, 2, size, size) of 0 and 1. last: float (B, 16), what was said before the first
    of them."""

    windows: Tensor
    last: Tensor
    truth: Truth


class SequenceMaker:
    """Draws training sequences: step by step the same for a seed, whatever was drawn before."""

    def __init__(self, tracks: list[Track], recipe: EventRecipe, seed: int) -> None:
        self._recipe, self._seed = recipe, seed
        reach = (recipe.length - 1) * max(recipe.strides)
        self._tracks = [track for track in tracks if len(track) > reach]
        if not self._tracks:
            longest = max(len(track) for track in tracks)
            raise DatasetError(
                f"no recording is long enough for sequences of {recipe.length} windows, one of "
                f"{max(recipe.strides)}: the longest has {longest} windows"
            )
        self._size = tracks[0].crop.size
        self._chances = np.cumsum([len(track) for track in self._tracks]).astype(np.float64)
        self._chances /= self._chances[-1]

    def training(self, step: int) -> Batch:
        """The batch of a step."""
        recipe = self._recipe
        rng = np.random.default_rng([self._seed, step, 18])
        drawn = [self._draw(rng) for _ in range(recipe.batch_size)]
        planes = np.stack([planes for planes, _, _, _ in drawn])
        centre = np.stack([centre for _, centre, _, _ in drawn])
        open_eye = np.stack([open_eye for _, _, open_eye, _ in drawn])
        closed = np.stack([closed for _, _, _, closed in drawn])
        change(planes, centre, recipe.changes, rng)
        known = open_eye & ((centre > 0) & (centre < 1)).all(axis=2)
        last = self._said_before(centre[:, 0], known[:, 0], rng)
        truth = Truth(
            torch.from_numpy(np.nan_to_num(centre)), torch.from_numpy(known), torch.from_numpy(closed)
        )
        return Batch(torch.from_numpy(planes.astype(np.float32)), torch.from_numpy(last), truth)

    def _draw(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        recipe = self._recipe
        track = self._tracks[int(np.searchsorted(self._chances, rng.random(), side="right"))]
        stride = int(rng.choice(recipe.strides))
        first = int(rng.integers(len(track) - (recipe.length - 1) * stride))
        rows = first + stride * np.arange(recipe.length)
        planes = unpacked(track.packed[rows], self._size)
        return planes, track.centre[rows].copy(), ~track.closed[rows], track.closed[rows].astype(np.float32)

    def _said_before(
        self, centre: NDArray[np.float32], known: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        changes = self._recipe.changes
        last = np.zeros((len(centre), 4 + MEMORY), np.float32)
        told = known & (rng.random(len(centre)) >= changes.forgotten)
        blurred = centre + rng.normal(0, changes.blur_cells / self._size, centre.shape)
        last[told, :2] = blurred[told].clip(0, 1)
        last[told, 3] = 1.0
        return last


def change(
    planes: NDArray[np.uint8], centre: NDArray[np.float32], changes: Changes, rng: np.random.Generator
) -> None:
    """Changes windows (B, T, 2, size, size) and their centres (B, T, 2) in place, a sequence as a whole."""
    size = planes.shape[-1]
    for one, where in zip(planes, centre, strict=True):
        if rng.random() < changes.flip:
            one[...] = one[..., ::-1].copy()
            where[:, 0] = 1 - where[:, 0]
        if changes.shift_cells or changes.zoom or changes.turn_deg:
            by = np.log1p(changes.zoom) * rng.uniform(-1, 1)
            angle = np.radians(changes.turn_deg * rng.uniform(-1, 1))
            matrix = np.exp(by) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            shift = rng.integers(-changes.shift_cells, changes.shift_cells + 1, 2) / size
            one[...] = moved(one, matrix, shift)
            where[...] = (where - 0.5) @ matrix.T + 0.5 + shift
        if changes.dropped:
            share = rng.uniform(0, changes.dropped)
            one &= (rng.random(one.shape, dtype=np.float32) >= share).view(np.uint8)
        if changes.added:
            share = rng.uniform(0, changes.added) / 2
            noise = rng.random(one.shape, dtype=np.float32) < share
            free = ~one.any(axis=1, keepdims=True)
            noise[:, 1] &= ~noise[:, 0]  # a cell is darker or brighter, never both
            one |= (noise & free).view(np.uint8)


def moved(
    planes: NDArray[np.uint8], matrix: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Pictures (..., size, size) whose points p, x and y from 0 to 1, lie at matrix @ (p - 1/2) + 1/2 + shift
    then: each cell shows what lay at its middle; what comes in at the edges is empty.

    >>> ahead = moved(np.eye(4, dtype=np.uint8), np.eye(2), np.array([0.25, 0.0]))
    >>> ahead.tolist()
    [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    """
    size = planes.shape[-1]
    middles = (np.arange(size) + 0.5) / size - 0.5
    x, y = middles[None, :] - shift[0], middles[:, None] - shift[1]
    back = np.linalg.inv(matrix)
    columns = np.floor((back[0, 0] * x + back[0, 1] * y + 0.5) * size).astype(np.int64)
    rows = np.floor((back[1, 0] * x + back[1, 1] * y + 0.5) * size).astype(np.int64)
    inside = (columns >= 0) & (columns < size) & (rows >= 0) & (rows < size)
    place = np.where(inside, rows * size + columns, 0).reshape(-1)
    taken = planes.reshape(*planes.shape[:-2], size * size)[..., place].reshape(planes.shape)
    return taken * inside.astype(np.uint8)
