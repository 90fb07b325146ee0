"""Settling a mesh's eyes: its opening onto the person's lid margins, its lids onto a globe of true size.

The mesh keeps its own relief (fold, bag, epicanthus); only what is smooth beneath that is moved. The opening
itself is closed by a membrane held by the rim, on which the shader (`eyeball`) cuts the opening of each
frame: where the upper lid comes down, it slides from under its fold over the globe, as it does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.eyes import SIDE
from tinytracker.synthetic.lid_shell import lid_shell, smooth
from tinytracker.synthetic.lids import margin_heights, margin_shapes, opening
from tinytracker.synthetic.mesh import FACE, Part, all_corners, grid_triangles, middles
from tinytracker.synthetic.raster import deepest, relaxed
from tinytracker.synthetic.subject import Expression, Lids

_CELL_CM = 0.05
_ACROSS_CM = np.arange(-56, 57) * _CELL_CM
_DOWN_CM = np.arange(40, -41, -1) * _CELL_CM
_NOTHING = -15.0
_ALONG = np.linspace(0, 1, 65)


@dataclass(frozen=True)
class LidFit:
    """What the head's shape says about each lid [left, right]: height of the fold's groove over the resting
    margin (cm, 0 where there is none) and how deep it is (0 to 1)."""

    crease_cm: tuple[float, float]
    crease_depth: tuple[float, float]


@dataclass(frozen=True)
class _Grid:
    """Height maps before one eye: rows from 2 cm above the eye's centre downwards, columns from 2.8 cm
    nasally outwards."""

    centre: np.ndarray
    side: float

    def heights(self, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Depth (81, 113) of the foremost surface in each cell."""
        local = self.local(points)
        flat = np.stack([local[:, 0] / _CELL_CM + 56.5, 40.5 - local[:, 1] / _CELL_CM, points[:, 2]], 1)
        return deepest(flat.astype(np.float32), triangles.astype(np.int32), 113, 81, _NOTHING).astype(float)

    def local(self, points: np.ndarray) -> np.ndarray:
        """(n, 2): outwards and upwards of the eye's centre, cm."""
        return np.stack([(points[:, 0] - self.centre[0]) * self.side, points[:, 1] - self.centre[1]], 1)

    def at(self, field: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Values (n,) of a map at local positions (n, 2), bilinear, the rim's beyond it."""
        column = np.clip(local[:, 0] / _CELL_CM + 56, 0, 111.99)
        row = np.clip(40 - local[:, 1] / _CELL_CM, 0, 79.99)
        i, j = row.astype(int), column.astype(int)
        v, u = row - i, column - j
        above = field[i, j] * (1 - u) + field[i, j + 1] * u
        return above * (1 - v) + (field[i + 1, j] * (1 - u) + field[i + 1, j + 1] * u) * v


def settle(
    points: np.ndarray,
    triangles: np.ndarray,
    kind: np.ndarray,
    ball_triangles: np.ndarray,
    centres: np.ndarray,
    lids: Lids,
) -> tuple[np.ndarray, np.ndarray, list[Part], LidFit]:
    """Vertices (V, 3) with both eyes settled, triangles (T,) bool that the membranes replace, these, and the
    folds found.

    points: head frame. triangles, kind: of the skin; ball_triangles: of the mesh's own eyeballs, which show
    its opening. centres: (2, 3) of rotation.
    """
    points, patches, folds = points.copy(), [], []
    replaced = np.zeros(len(triangles), bool)
    for e in range(2):
        grid = _Grid(centres[e], float(SIDE[e]))
        near = np.hypot(*(points[:, :2] - centres[e, :2]).T) < 4.2
        skin = triangles[(kind == FACE) & all_corners(near, triangles)]
        balls = ball_triangles[all_corners(near, ball_triangles)]
        points = _opened_as(grid, points, skin, balls, lids, e)
        heights = _closed(grid.heights(points, skin), lids, e)
        base = smooth(smooth(heights, 15, 0), 15, 1)
        across, down = np.meshgrid(_ACROSS_CM, _DOWN_CM)
        shell = lid_shell(
            centres[e, 0] + grid.side * across, centres[e, 1] + down, base, centres[e], grid.side
        )
        window = np.clip(2.4 - ((across / 2.2) ** 4 + (down / 1.5) ** 4), 0, 1)
        rise = smooth(smooth((shell - base) * window, 7, 0), 7, 1)
        front = points[:, 2] > grid.at(heights, grid.local(points)) - 1.2
        shift = grid.at(rise, grid.local(points))
        points[:, 2] += np.where(near & front, shift, 0.0)
        middle = middles(points, triangles)
        covered = grid.at(_hole(lids, e, 0.07).astype(float), grid.local(middle)) > 0.5
        safe = grid.at(_hole(lids, e, 0.14).astype(float), grid.local(points)) > 0.5
        replaced |= (
            covered
            & all_corners(safe, triangles)
            & (np.abs(middle[:, 2] - grid.at(heights + rise, grid.local(middle))) < 1.2)
        )
        patches.append(_patch(grid, heights + rise, lids, e))
        folds.append(_fold(heights, lids, e))
    return points, replaced, patches, LidFit((folds[0][0], folds[1][0]), (folds[0][1], folds[1][1]))


def _rest_margins(lids: Lids, eye: int, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    upper, lower, _ = margin_heights(margin_shapes(lids, along), opening(lids, Expression(), 0.0, eye))
    return upper, lower


def _opened_as(
    grid: _Grid, points: np.ndarray, skin: np.ndarray, balls: np.ndarray, lids: Lids, eye: int
) -> np.ndarray:
    """Moves the mesh in the plane of the face so that its canthi and margins are the person's."""
    seen = grid.heights(points, balls) > grid.heights(points, skin) + 0.01
    seen &= (np.abs(_ACROSS_CM) < 1.9)[None] & (np.abs(_DOWN_CM) < 1.1)[:, None]
    columns = np.flatnonzero(seen.sum(0) >= 2)
    if len(columns) < 12:
        return points  # the mesh's own lids are shut: nothing to align
    tops = np.array([_DOWN_CM[seen[:, j]].max() for j in columns]) + _CELL_CM / 2
    bottoms = np.array([_DOWN_CM[seen[:, j]].min() for j in columns]) - _CELL_CM / 2
    x = _ACROSS_CM[columns]
    # The hole ends at the caruncle; the canthus lies beyond it.
    inner, outer = (
        np.array([x[0] - 0.30, 0.5 * (tops[0] + bottoms[0]) - 0.06]),
        np.array([x[-1] + 0.05, 0.5 * (tops[-1] + bottoms[-1])]),
    )
    own = inner[0] + _ALONG * (outer[0] - inner[0])
    line = inner[1] + _ALONG * (outer[1] - inner[1])
    upper = np.interp(own, [inner[0], *x, outer[0]], [inner[1], *tops, outer[1]])
    lower = np.interp(own, [inner[0], *x, outer[0]], [inner[1], *bottoms, outer[1]])
    upper, lower = np.maximum(smooth(upper, 5, 0), line), np.minimum(smooth(lower, 5, 0), line)
    wanted_upper, wanted_lower = _rest_margins(lids, eye, _ALONG)

    local = grid.local(points)
    s = (local[:, 0] - inner[0]) / (outer[0] - inner[0])
    inside = np.clip(s, 0, 1)
    top, bottom = np.interp(inside, _ALONG, upper), np.interp(inside, _ALONG, lower)
    part = np.clip((local[:, 1] - bottom) / np.maximum(top - bottom, 0.05), 0, 1)
    shift_up = np.interp(inside, _ALONG, wanted_upper - upper)
    shift_down = np.interp(inside, _ALONG, wanted_lower - lower)
    dy = shift_down + part * (shift_up - shift_down)
    dx = (-lids.nasal_cm - inner[0]) * (1 - inside) + (lids.temporal_cm - outer[0]) * inside
    beyond_x = np.maximum(0, np.maximum(-s, s - 1)) * (outer[0] - inner[0])
    beyond_y = np.maximum(0, np.maximum(local[:, 1] - top, bottom - local[:, 1]))
    share = np.exp(-((beyond_x / 0.9) ** 2) - (beyond_y / 0.85) ** 2) * (points[:, 2] > grid.centre[2] - 1.5)
    out = points.copy()
    out[:, 0] += grid.side * dx * share
    out[:, 1] += dy * share
    return out


def _hole(lids: Lids, eye: int, margin_cm: float) -> np.ndarray:
    """Cells (81, 113) within the resting opening, made larger by a margin."""
    s = (_ACROSS_CM + lids.nasal_cm) / (lids.nasal_cm + lids.temporal_cm)
    upper, lower = _rest_margins(lids, eye, np.clip(s, 0, 1))
    inside = (s > -margin_cm / 3) & (s < 1 + margin_cm / 3)
    return inside[None] & (_DOWN_CM[:, None] < upper + margin_cm) & (_DOWN_CM[:, None] > lower - margin_cm)


def _closed(heights: np.ndarray, lids: Lids, eye: int) -> np.ndarray:
    """The map with the opening relaxed to a membrane held by its rim."""
    hole = _hole(lids, eye, 0.06) | (heights < _NOTHING + 5)
    out = np.where(hole, heights[~hole].mean(), heights)
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    box = np.s_[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]
    out[box] = relaxed(out[box], hole[box], 160)
    return out


def _patch(grid: _Grid, heights: np.ndarray, lids: Lids, eye: int) -> Part:
    """The membrane as a mesh part, 45 x 29 vertices, a little behind the skin around its rim."""
    calm = smooth(smooth(heights, 3, 0), 3, 1)
    u = np.linspace(-lids.nasal_cm - 0.24, lids.temporal_cm + 0.24, 45)
    v = np.linspace(0.84, -0.90, 29)
    across, up = np.meshgrid(u, v)
    local = np.stack([across.ravel(), up.ravel()], 1)
    step = 0.06
    slope_x = grid.at(calm, local + [step, 0]) - grid.at(calm, local - [step, 0])
    slope_y = grid.at(calm, local + [0, step]) - grid.at(calm, local - [0, step])
    normals = np.stack([-grid.side * slope_x / (2 * step), -slope_y / (2 * step), np.ones(len(local))], 1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    front, deep = (grid.at(np.where(_hole(lids, eye, margin), 0.0, 1.0), local) for margin in (0.13, 0.24))
    z = grid.at(calm, local) + 0.02 * (1 - front) - 0.03 * front - 0.14 * deep
    flat = np.stack([grid.centre[0] + grid.side * local[:, 0], grid.centre[1] + local[:, 1], z], 1)
    triangles = grid_triangles(29, 45)
    if grid.side < 0:
        triangles = triangles[:, ::-1]
    kept = (deep[triangles] < 0.999).any(1)
    return Part(flat, triangles[kept], FACE, normals=normals)


def _fold(heights: np.ndarray, lids: Lids, eye: int) -> tuple[float, float]:
    """Height of the groove above the upper margin in the lid's middle, and its depth: where the map curves
    inwards most."""
    calm = smooth(smooth(heights, 3, 0), 9, 1)
    found, depths = [], []
    for s in (0.35, 0.45, 0.55, 0.65):
        x = -lids.nasal_cm + s * (lids.nasal_cm + lids.temporal_cm)
        margin = float(_rest_margins(lids, eye, np.array([s]))[0][0])
        ys = margin + np.arange(0.08, 0.75, 0.025)
        profile = np.interp(-ys, -_DOWN_CM, calm[:, round(x / _CELL_CM) + 56])
        bend = np.convolve(profile, [1, 0, 0, -2, 0, 0, 1], "valid")  # over 0.075 cm
        k = int(np.argmax(bend))
        found.append(float(ys[k + 3] - margin))
        depths.append(float(bend[k]))
    depth = float(np.median(depths)) / 0.05
    return (float(np.median(found)), float(np.clip(depth, 0, 1))) if depth > 0.12 else (0.0, 0.0)
