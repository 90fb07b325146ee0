"""The rasteriser against every sample asked of every triangle."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.raster import rasterise

ROWS, COLUMNS = 40, 50


def _nearest(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth of what is nearest (ROWS, COLUMNS), 1e9 where there is nothing, and its triangle and weights
    (ROWS, COLUMNS, 2) of the second and third corner."""
    i, j = np.mgrid[:ROWS, :COLUMNS] + 0.5
    depth, hit = np.full((ROWS, COLUMNS), 1e9), np.full((ROWS, COLUMNS), -1)
    weights = np.zeros((ROWS, COLUMNS, 2))
    for t, corners in enumerate(points[triangles].astype(float)):
        (x0, y0, z0), (x1, y1, z1), (x2, y2, z2) = corners
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area > -1e-9 or corners[:, 2].min() < 1:
            continue
        b = ((j - x0) * (y2 - y0) - (x2 - x0) * (i - y0)) / area
        c = ((x1 - x0) * (i - y0) - (j - x0) * (y1 - y0)) / area
        z = z0 + b * (z1 - z0) + c * (z2 - z0)
        seen = (np.minimum(b, c) >= -1e-5) & (b + c <= 1 + 1e-5) & (z < depth)
        depth[seen], hit[seen] = z[seen], t
        weights[seen] = np.stack([b, c], -1)[seen]
    return depth, hit, weights


@pytest.mark.parametrize("seed", range(6))
def test_every_sample_has_its_nearest_triangle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 3000  # more rows than are listed at once
    corners = rng.uniform([-15, -15, -5], [COLUMNS + 15, ROWS + 15, 90], (count, 1, 3))
    corners = corners + rng.normal(0, 10 ** rng.uniform(-1, 1.2, (count, 1, 1)), (count, 3, 3))
    corners[::7, 1, 1] = corners[::7, 0, 1]  # edges along rows, along columns, and through samples
    corners[1::7, 1, 0] = corners[1::7, 0, 0]
    corners[2::7, :, :2] = np.round(corners[2::7, :, :2]) + 0.5
    points = corners.reshape(-1, 3).astype(np.float32)
    triangles = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    hit, shown = np.empty((ROWS, COLUMNS), np.int32), np.zeros(len(points), bool)
    weight_b, weight_c, depth = (np.empty((ROWS, COLUMNS), np.float32) for _ in range(3))
    rasterise(points, triangles, COLUMNS, ROWS, hit, weight_b, weight_c, depth, shown)

    wanted_depth, wanted_hit, weights = _nearest(points, triangles)
    np.testing.assert_array_equal(hit, wanted_hit)
    np.testing.assert_allclose(depth, wanted_depth, rtol=1e-4)
    here = hit >= 0
    np.testing.assert_allclose(weight_b[here], weights[here, 0], atol=1e-4)
    np.testing.assert_allclose(weight_c[here], weights[here, 1], atol=1e-4)
    assert shown[triangles[np.unique(hit[here])]].all()
