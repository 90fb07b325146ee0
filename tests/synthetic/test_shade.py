"""The shader looks where there is something to be seen, and leaves nothing out."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.colours import rows_of, triple
from tinytracker.synthetic.shade import _reached
from tinytracker.synthetic.spectacles import Lenses, _spectacles, worn
from tinytracker.synthetic.surfaces import Look
from tinytracker.synthetic.view import View, direction

_LOOK = Look((0.05, 0.03, 0.02), (0.1, 0.1, 0.1), (0.3, 0.1, 0.5), (0.2, 0.6, 0.1), 0.8, (0.7, 1.5, 2.0), 7)
_ROWS, _COLUMNS = 60, 80


def _view(rng: np.random.Generator, factor: int) -> View:
    """A head before the camera, turned somehow."""
    yaw, pitch = rng.normal(0, 0.35, 2)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    rotation = turn @ nod
    position = np.array([*rng.normal(0, 3, 2), -rng.uniform(20, 60)])
    step = 0.9 / (_COLUMNS * factor)
    return View(
        triple(-rotation.T @ position), rows_of(rotation.T), -0.45, 0.9 * _ROWS / _COLUMNS / 2, step, -step
    )


@pytest.mark.parametrize("seed", range(30))
def test_spectacles_are_seen_only_where_they_are_looked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factor = int(rng.integers(1, 3))
    view = _view(rng, factor)
    half_width, half_height = rng.uniform([2.0, 1.4], [2.9, 2.6])
    lenses = Lenses(
        half_width,
        half_height,
        rng.uniform(0.05, 0.4),
        rng.normal(0, 0.3),
        rng.uniform(2, 5),
        0.5,
        2.5,
        0.3,
    )
    top, bottom, left, right = worn(lenses, view, _ROWS, _COLUMNS, factor)
    light, colour = (0.5, 0.5, 0.5), (0.2, 0.3, 0.4)
    seen = 0
    for i in range(_ROWS):
        for j in range(_COLUMNS):
            ray = direction(view, factor * (i + 0.5) - 0.5, factor * (j + 0.5) - 0.5)
            out = _spectacles(lenses, view.origin, ray, factor * view.step_x, _LOOK, light, light, colour)
            if out != colour:
                assert top <= i < bottom
                assert left <= j < right
                seen += 1
    assert seen > 20


def test_without_spectacles_none_are_looked_for() -> None:
    view = _view(np.random.default_rng(0), 1)
    assert worn(Lenses(0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0), view, _ROWS, _COLUMNS, 1) == (0, 0, 0, 0)


def test_a_row_is_reached_from_its_first_sample_to_its_last() -> None:
    hit = np.full((2, 12), -1, np.int32)
    assert _reached(hit, 0, 2) == (6, 0)
    hit[0, 5] = hit[1, 8] = 3
    assert _reached(hit, 0, 2) == (2, 5)
    assert _reached(hit, 1, 1) == (8, 9)
