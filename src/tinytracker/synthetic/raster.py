"""Numba kernels that turn triangles into samples: the depth-buffered rasteriser, height fields and horizon
scans."""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def rasterise(points, triangles, columns, rows, hit, weight_b, weight_c, depth, shown):
    """Fill `hit` (rows, columns) int32 with the nearest triangle per sample, -1 where there is none; set
    `shown` bool (V,) where a vertex's triangle may be in the picture.

    points: float32 (V, 3) [column, row, depth in front of the camera]. Triangles that face away (clockwise on
    screen, rows downwards) are skipped. weight_b, weight_c: float32 barycentric weights of the triangle's 2nd
    and 3rd vertex.
    """
    for i in range(rows):
        for j in range(columns):
            hit[i, j] = -1
            depth[i, j] = 1e9
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area > -1e-9:
            continue
        if z0 < 1 or z1 < 1 or z2 < 1:
            continue
        top, bottom = min(y0, y1, y2), max(y0, y1, y2)
        left, right = min(x0, x1, x2), max(x0, x1, x2)
        if right < 0 or bottom < 0 or left >= columns or top >= rows:
            continue
        shown[a], shown[b], shown[c] = True, True, True
        i0, i1 = max(0, math.ceil(top - 0.5)), min(rows - 1, math.floor(bottom - 0.5))
        j0, j1 = max(0, math.ceil(left - 0.5)), min(columns - 1, math.floor(right - 0.5))
        inverse = 1 / area
        step_b, step_c = (y2 - y0) * inverse, -(y1 - y0) * inverse
        down_b, down_c = -(x2 - x0) * inverse, (x1 - x0) * inverse
        x, y = j0 + 0.5 - x0, i0 + 0.5 - y0
        row_b, row_c = x * step_b + y * down_b, x * step_c + y * down_c
        for i in range(i0, i1 + 1):
            b_, c_ = row_b, row_c
            row_b += down_b
            row_c += down_c
            inside = False
            for j in range(j0, j1 + 1):
                if b_ >= -1e-5 and c_ >= -1e-5 and b_ + c_ <= 1.00001:
                    inside = True
                    z = z0 + b_ * (z1 - z0) + c_ * (z2 - z0)
                    if z < depth[i, j]:
                        depth[i, j] = z
                        hit[i, j] = t
                        weight_b[i, j] = b_
                        weight_c[i, j] = c_
                elif inside:  # a triangle is left once
                    break
                b_ += step_b
                c_ += step_c


@njit(cache=True, nogil=True)
def deepest(points, triangles, columns, rows, nothing):
    """Highest third coordinate per cell, (rows, columns) float32; `nothing` where no triangle covers the
    cell's centre."""
    field = np.full((rows, columns), nothing, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = (
            points[a, 0],
            points[a, 1],
            points[b, 0],
            points[b, 1],
            points[c, 0],
            points[c, 1],
        )
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        for i in range(max(0, int(min(y0, y1, y2))), min(rows - 1, int(max(y0, y1, y2))) + 1):
            for j in range(max(0, int(min(x0, x1, x2))), min(columns - 1, int(max(x0, x1, x2))) + 1):
                x, y = j + 0.5, i + 0.5
                wb = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
                wc = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
                if wb >= -1e-4 and wc >= -1e-4 and wb + wc <= 1.0002:
                    z = points[a, 2] + wb * (points[b, 2] - points[a, 2]) + wc * (points[c, 2] - points[a, 2])
                    if z > field[i, j]:
                        field[i, j] = z
    return field


@njit(cache=True, nogil=True)
def smooth_field(field):
    """The field with each cell replaced by the mean of its 3 x 3 neighbourhood (empty cells stay empty)."""
    rows, columns = field.shape
    out = field.copy()
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            if field[i, j] < -14:
                continue
            total, count = 0.0, 0
            for p in range(-1, 2):
                for q in range(-1, 2):
                    if field[i + p, j + q] > -14:
                        total += field[i + p, j + q]
                        count += 1
            out[i, j] = total / count
    return out


@njit(cache=True, nogil=True)
def relaxed(field, free, rounds):
    """The field (rows, columns) with each `free` cell `rounds` times replaced by the mean of its four
    neighbours, the rim's own value beyond it: Jacobi's way to a membrane held by the other cells."""
    rows, columns = field.shape
    old, new = field.copy(), field.copy()
    for _ in range(rounds):
        for i in range(rows):
            above, below = max(i - 1, 0), min(i + 1, rows - 1)
            for j in range(columns):
                if free[i, j]:
                    left, right = max(j - 1, 0), min(j + 1, columns - 1)
                    new[i, j] = 0.25 * (old[above, j] + old[below, j] + old[i, left] + old[i, right])
        old, new = new, old
    return old


@njit(cache=True, nogil=True)
def scan_horizons(vertices, field, cell_cm, half_width_cm, half_height_cm, compass):
    """Sine of the height field's highest elevation around each vertex (V, 3) per compass direction:
    float32 (V, compass)."""
    rows, columns = field.shape
    out = np.empty((vertices.shape[0], compass), np.float32)
    for v in range(vertices.shape[0]):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for d in range(compass):
            angle = 2 * math.pi * d / compass
            dx, dy = math.cos(angle), math.sin(angle)
            best = -1.0
            reach = 0.22
            while reach < 7.0:
                j = int((x + dx * reach + half_width_cm) / cell_cm)
                i = int((half_height_cm - (y + dy * reach)) / cell_cm)
                if j < 0 or i < 0 or j >= columns or i >= rows:
                    break
                rise = field[i, j] - z - 0.03
                sine = rise / math.sqrt(rise * rise + reach * reach)
                if sine > best:
                    best = sine
                reach *= 1.22
            out[v, d] = best
    return out
