"""Numba kernels that turn triangles into samples: the depth-buffered rasteriser, height fields and horizon
scans."""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit

_SPANS = 1024
"""Listed before they are filled: as many as stay in a core's own memory."""
_RIM = 1e-5
"""How far outside a triangle samples are still its own, in barycentric weights: no gaps between triangles."""


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def rasterise(points, triangles, columns, rows, hit, weight_b, weight_c, depth, shown):
    """Fill `hit` (rows, columns) int32 with the nearest triangle per sample, -1 where there is none; set
    `shown` bool (V,) where a vertex's triangle may be in the picture.

    points: float32 (V, 3) [column, row, depth in front of the camera]. Triangles that face away (clockwise on
    screen, rows downwards) are skipped. weight_b, weight_c: float32 barycentric weights of the triangle's 2nd
    and 3rd vertex.

    A row of a triangle is a sample or two, and where it ends a processor cannot foresee. So it should know
    soon: the rows' spans are listed for many triangles first, and then filled.
    """
    for i in range(rows):
        for j in range(columns):
            hit[i, j] = -1
            depth[i, j] = 1e9
    spans, planes = np.empty((max(_SPANS, rows), 5), np.int32), np.empty((max(_SPANS, rows), 9))
    listed = flat = 0
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
        if i1 < i0 or j1 < j0:
            continue
        if listed + i1 - i0 >= len(spans):
            _fill(spans[:listed], planes, hit, weight_b, weight_c, depth)
            listed = flat = 0
        b_plane, c_plane, z_plane = _planes((x0, y0, z0), (x1, y1, z1), (x2, y2, z2), area)
        for k in range(3):
            planes[flat, k], planes[flat, 3 + k], planes[flat, 6 + k] = b_plane[k], c_plane[k], z_plane[k]
        before = listed
        listed = _list(t, flat, b_plane, c_plane, i0, i1, j0, j1, spans, listed)
        flat += listed > before
    _fill(spans[:listed], planes, hit, weight_b, weight_c, depth)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _planes(corner, corner_b, corner_c, area):
    """The weights b and c and the depth over the picture, each as (at sample (0, 0), change per row, per
    column). Corners: (column, row, depth). area: twice the triangle's."""
    x, y, z = corner
    inverse = 1 / area
    across_b, down_b = (corner_c[1] - y) * inverse, -(corner_c[0] - x) * inverse
    across_c, down_c = -(corner_b[1] - y) * inverse, (corner_b[0] - x) * inverse
    b, c = (0.5 - x) * across_b + (0.5 - y) * down_b, (0.5 - x) * across_c + (0.5 - y) * down_c
    z_b, z_c = corner_b[2] - z, corner_c[2] - z
    depth = z + b * z_b + c * z_c, down_b * z_b + down_c * z_c, across_b * z_b + across_c * z_c
    return (b, down_b, across_b), (c, down_c, across_c), depth


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _list(t, flat, b_plane, c_plane, i0, i1, j0, j1, spans, listed):
    """Lists the spans [row, first column, column after the last, which of the planes, triangle] of a triangle
    within rows i0 to i1 and columns j0 to j1; returns how many are listed then."""
    b, down_b, across_b = b_plane
    c, down_c, across_c = c_plane
    b, c = b + i0 * down_b, c + i0 * down_c
    from_b, from_b_down, to_b, to_b_down = _range(b, down_b, across_b, j0, j1)
    from_c, from_c_down, to_c, to_c_down = _range(c, down_c, across_c, j0, j1)
    from_a, from_a_down, to_a, to_a_down = _range(1 - b - c, -down_b - down_c, -across_b - across_c, j0, j1)
    for i in range(i0, i1 + 1):
        first = math.ceil(max(np.float64(j0), from_a, from_b, from_c))
        beyond = math.floor(min(np.float64(j1), to_a, to_b, to_c)) + 1
        span = spans[listed]
        span[0], span[1], span[2], span[3], span[4] = i, first, beyond, flat, t
        listed += beyond > first
        from_a, from_b, from_c = from_a + from_a_down, from_b + from_b_down, from_c + from_c_down
        to_a, to_b, to_c = to_a + to_a_down, to_b + to_b_down, to_c + to_c_down
    return listed


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _range(weight, down, across, j0, j1):
    """From which column of a row up to which a weight, given at the row's column 0, is not negative, each
    followed by its change per row; j0 and j1 where there is no such end."""
    inverse = 1 / (across if abs(across) > 1e-12 else math.copysign(1e-12, across))
    end, change = (-_RIM - weight) * inverse, -down * inverse
    if across > 0:
        return end, change, np.float64(j1), 0.0
    return np.float64(j0), 0.0, end, change


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _fill(spans, planes, hit, weight_b, weight_c, depth):
    """The samples of spans, of which each has some, that are nearer than what is there; see `_list`."""
    for s in range(len(spans)):
        i, j, beyond, t = spans[s, 0], spans[s, 1], spans[s, 2], spans[s, 4]
        plane = planes[spans[s, 3]]
        across_b, across_c, across_z = plane[2], plane[5], plane[8]
        b = plane[0] + i * plane[1] + j * across_b
        c = plane[3] + i * plane[4] + j * across_c
        z = plane[6] + i * plane[7] + j * across_z
        while True:
            if z < depth[i, j]:
                depth[i, j] = z
                hit[i, j] = t
                weight_b[i, j] = b
                weight_c[i, j] = c
            b += across_b
            c += across_c
            z += across_z
            j += 1
            if j >= beyond:
                break


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
