"""What people wear on an ICT head: hair and a chest in clothes."""

from __future__ import annotations

import numpy as np

from tinytracker.synthetic.mesh import HAIR, TORSO, Part, ellipsoid, grid_triangles
from tinytracker.synthetic.subject import Hair

_EARS_CM = -8.5  # depth behind which the hair reaches down


def scalp_cover(hair: Hair, chart: np.ndarray) -> np.ndarray:
    """Where hair grows on the head, 0 to 1, (n,) for chart positions (n, 3)."""
    if hair.style == 0:
        return np.zeros(len(chart))
    x, y, z = np.abs(chart[:, 0]), chart[:, 1], chart[:, 2]
    above = np.clip(
        (y - hair.hairline_cm - 0.25 * np.clip(4 - x, -9, 4) * 0.3 + 0.35 * np.clip(-z, 0, 6)) / 0.6, 0, 1
    )
    behind = np.clip((_EARS_CM - z) / 0.5, 0, 1) * np.clip((y + 2.5) / 1.0, 0, 1)
    return np.maximum(above, behind)


def curtain(hair: Hair, radius_cm: float) -> Part:
    """Long hair: an open curtain around the sides and the back of the head."""
    around = np.linspace(np.radians(58), np.radians(302), 48)
    heights = np.linspace(9.5, -17, 24)
    radius = radius_cm + 0.5 * hair.thickness_cm - 0.12 * np.clip(heights - 4, 0, 9) ** 1.6
    wave = 1 + 0.03 * np.sin(5 * around + hair.seed % 7)[None] * np.clip((4 - heights) / 10, 0, 1)[:, None]
    points = np.stack(
        [
            radius[:, None] * wave * np.sin(around),
            np.repeat(heights[:, None], 48, 1),
            -6.2 + (radius[:, None] + 1.2) * wave * np.cos(around),
        ],
        -1,
    )
    flat = points.reshape(-1, 3)
    out, back = grid_triangles(24, 48), grid_triangles(24, 48)[:, ::-1]  # seen from both sides
    return Part(
        flat,
        np.concatenate([out, back]),
        HAIR,
        normals=_grid_normals(points).reshape(-1, 3),
        hair=np.ones(len(flat)),
    )


def _grid_normals(points: np.ndarray) -> np.ndarray:
    """Unit normals (rows, columns, 3) of a grid of points whose rows run downwards and columns to +X."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(down, across)
    return normals / (np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9)


def chest() -> Part:
    """Shoulders and chest, in clothes."""
    return ellipsoid((0, -37, -8.0), (21.0, 20.0, 8.5), 48, 30, TORSO, body=True)
