"""The skin over an eye of an ICT head with its lids shut: the slit between them is relaxed away, and what
remains settles onto a globe of true size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.lid_shell import lid_shell, smooth
from tinytracker.synthetic.mesh import FACE, Part, all_corners, grid_triangles
from tinytracker.synthetic.raster import deepest


@dataclass(frozen=True)
class ClosedLid:
    """The skin over one eye with the lids shut, as a smooth height map without the slit between them.

    heights_cm: (65, 101), rows from 1.6 cm above the eye's centre downwards, columns from 2.5 cm nasally
    outwards, 0.05 cm apart. centre: (3,). side: +1 left eye, -1 right eye.
    """

    heights_cm: np.ndarray
    centre: np.ndarray
    side: float

    @classmethod
    def over(cls, points: np.ndarray, triangles: np.ndarray, centre: np.ndarray, side: float) -> ClosedLid:
        """From a head's vertices (V, 3) with shut lids: heights within the opening are made from those
        around it."""
        across, down = np.meshgrid(np.linspace(-2.5, 2.5, 101), np.linspace(1.6, -1.6, 65))
        near = (
            (np.abs(points[:, 0] - centre[0]) < 3.5)
            & (np.abs(points[:, 1] - centre[1]) < 3)
            & (points[:, 2] > -2)
        )
        flat = np.stack(
            [
                ((points[:, 0] - centre[0]) * side + 2.5) / 0.05,
                (1.6 - points[:, 1] + centre[1]) / 0.05,
                points[:, 2],
            ],
            1,
        )
        heights = deepest(
            flat.astype(np.float32), triangles[all_corners(near, triangles)], 101, 65, -15.0
        ).astype(float)
        hole = ((across + 0.05) / 1.8) ** 2 + ((down + 0.12) / 0.62) ** 2 < 1
        hole |= heights < -10
        heights[hole] = heights[~hole].mean()
        around = np.pad(heights, 1, mode="edge")
        inside = around[1:-1, 1:-1]
        for _ in range(400):  # relax to a membrane held by the rim
            mean = 0.25 * (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:])
            np.copyto(inside, mean, where=hole)
            around[0], around[-1], around[:, 0], around[:, -1] = (
                around[1],
                around[-2],
                around[:, 1],
                around[:, -2],
            )
        heights = smooth(smooth(inside, 5, 0), 5, 1)
        return cls(
            lid_shell(centre[0] + side * across, centre[1] + down, heights, centre, side), centre, side
        )

    def at(self, points: np.ndarray) -> np.ndarray:
        """Heights (n,) at the x, y of points (n, 3), bilinear."""
        column = np.clip(((points[:, 0] - self.centre[0]) * self.side + 2.5) / 0.05, 0, 99.99)
        row = np.clip((1.6 - points[:, 1] + self.centre[1]) / 0.05, 0, 63.99)
        i, j = row.astype(int), column.astype(int)
        v, u, h = row - i, column - j, self.heights_cm
        return (h[i, j] * (1 - u) + h[i, j + 1] * u) * (1 - v) + (
            h[i + 1, j] * (1 - u) + h[i + 1, j + 1] * u
        ) * v

    def pull(self, points: np.ndarray) -> np.ndarray:
        """Depths (V,) of a head's vertices, drawn onto this surface near the eye."""
        return points[:, 2] + self.weight(points) * (self.at(points) - points[:, 2])

    def weight(self, points: np.ndarray) -> np.ndarray:
        """How far (0 to 1) each of a head's vertices (V, 3) lies on this surface rather than its own."""
        dx, dy = self._offset(points)
        return np.clip(2.2 - ((dx / 1.95) ** 4 + (dy / 1.2) ** 4), 0, 1) * (points[:, 2] > -2)

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals (n, 3) at the x, y of points (n, 3)."""
        step = 0.05
        slope = [
            (self.at(points + d) - self.at(points - d)) / (2 * step)
            for d in (np.array([step, 0, 0]), np.array([0, step, 0]))
        ]
        normals = np.stack([-slope[0], -slope[1], np.ones(len(points))], 1)
        return normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def covers(self, points: np.ndarray) -> np.ndarray:
        """Which points (n, 3) the patch replaces."""
        dx, dy = self._offset(points)
        return ((dx / 1.8) ** 2 + (dy / 1.0) ** 2 < 0.8) & (points[:, 2] > -2)

    def patch(self) -> Part:
        """The surface before the eye as a mesh part (55 x 61 vertices), a hair behind the head's own
        around its rim."""
        across, down = np.meshgrid(np.linspace(-1.95, 1.95, 61), np.linspace(1.35, -1.35, 55))
        flat = np.stack(
            [self.centre[0] + across, self.centre[1] + down - 0.05, np.zeros_like(across)], -1
        ).reshape(-1, 3)
        flat[:, 2] = self.at(flat)
        dx, dy = self._offset(flat)
        ring = (dx / 1.8) ** 2 + (dy / 1.0) ** 2
        triangles = grid_triangles(55, 61)
        normals = self.normals(flat)
        flat[:, 2] -= 0.08 * np.clip(ring - 0.72, 0, 1)
        return Part(flat, triangles[all_corners(ring < 1.8, triangles)], FACE, normals=normals)

    def _offset(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (points[:, 0] - self.centre[0]) * self.side, points[:, 1] - self.centre[1] + 0.05
