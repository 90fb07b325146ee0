"""Per-vertex work of a frame: moving the mesh, projecting it, and lighting it. Numba kernels, head frame.

The mesh is finer than most pixels, so light is computed at the vertices and interpolated; only eyes are lit
per sample.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.colours import Triple
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import smoothstep


class Pose(NamedTuple):
    """Where something is turned and moved to in the camera frame. turn: rows of the rotation."""

    turn: tuple[Triple, Triple, Triple]
    position: Triple


@njit(cache=True, nogil=True)
def move(vertices, rows, offsets, strength):
    """Moves some of the vertices, float32 (V, 3), by a share of their offsets (n, 3), see `mesh.Unit`."""
    for n in range(len(rows)):
        v = rows[n]
        for c in range(3):
            vertices[v, c] += strength * offsets[n, c]


@njit(fastmath=True, cache=True, nogil=True)
def place(vertices, body, head, shoulders, camera, points):
    """Turn into the camera frame and project.

    vertices: float32 (V, 3), head frame with expression. body: float32 (V,) share that goes with the
    shoulders. head, shoulders: `Pose` of each.
    camera: [f_px, cx, cy, scale x, scale y] followed by an offset: sample column = ((cx + f X/-Z) - x0)
    * sx with camera = [f, cx - x0, cy - y0, sx, sy]. points: float32 (V, 3) out, [column, row, depth].
    """
    f_px, cx, cy, scale_x, scale_y = camera
    for v in range(vertices.shape[0]):
        vertex = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        share = body[v]
        u, w, depth = _posed(vertex, shoulders if share >= 1 else head)
        if 0 < share < 1:  # the neck bends
            below = _posed(vertex, shoulders)
            u += share * (below[0] - u)
            w += share * (below[1] - w)
            depth += share * (below[2] - depth)
        safe = max(depth, 0.5)
        points[v, 0] = (cx + f_px * u / safe) * scale_x
        points[v, 1] = (cy - f_px * w / safe) * scale_y
        points[v, 2] = depth


@njit(fastmath=True, cache=True, nogil=True)
def _posed(vertex, pose):
    """A vertex in the camera frame: to the right, up, and in front of the camera."""
    x, y, z = vertex
    a, b, c = pose.turn
    return (
        a[0] * x + a[1] * y + a[2] * z + pose.position[0],
        b[0] * x + b[1] * y + b[2] * z + pose.position[1],
        -(c[0] * x + c[1] * y + c[2] * z + pose.position[2]),
    )


@njit(fastmath=True, cache=True, nogil=True)
def open_sky(occlusion, exponent):
    """Share (V,) of an even sky's light that reaches each vertex, made deeper or flatter by an exponent."""
    out = np.empty(len(occlusion))
    for v in range(len(occlusion)):
        out[v] = max(0.05, occlusion[v]) ** exponent
    return out


@njit(fastmath=True, cache=True, nogil=True)
def illuminate(vertices, normals, horizon, sky, lamps, ambient, eye, up, shown, out):
    """Diffuse and glossy light at each vertex, into the first six columns of `out`: [diffuse r, g, b, gloss
    r, g, b].

    sky: (V,) of `open_sky`. lamps: (n, 6 or more) per lamp [unit direction towards it, head frame, colour].
    ambient: (3,), strongest from `up` (3,). eye: (3,) position of the camera, head frame. Skin lets light
    wrap around its edges, red most of all (a cheap stand-in for subsurface scattering). Vertices that are not
    `shown` (V,) or face away from the camera are left as they are.
    """
    compass, count = horizon.shape[1], lamps.shape[0]
    sector, share = np.empty(count, np.int64), np.empty(count)
    for q in range(count):
        turn = math.atan2(lamps[q, 1], lamps[q, 0]) / (2 * math.pi) * compass
        sector[q] = math.floor(turn) % compass
        share[q] = turn - math.floor(turn)
    for v in range(vertices.shape[0]):
        if not shown[v]:
            continue
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        vx, vy, vz = eye[0] - vertices[v, 0], eye[1] - vertices[v, 1], eye[2] - vertices[v, 2]
        inverse = 1 / math.sqrt(vx * vx + vy * vy + vz * vz)
        vx *= inverse
        vy *= inverse
        vz *= inverse
        if nx * vx + ny * vy + nz * vz < -0.5:
            continue
        above = (0.62 + 0.38 * (nx * up[0] + ny * up[1] + nz * up[2])) * sky[v]
        r, g, b = ambient[0] * above, ambient[1] * above, ambient[2] * above
        gr, gg, gb = 0.0, 0.0, 0.0
        near = 0.45 + 0.55 * sky[v]
        for q in range(count):
            lx, ly, lz = lamps[q, 0], lamps[q, 1], lamps[q, 2]
            k = sector[q]
            h = horizon[v, k] * (1 - share[q]) + horizon[v, (k + 1) % compass] * share[q]
            seen = smoothstep(h - 0.16, h + 0.22, lz) * near
            if seen <= 0:
                continue
            facing = nx * lx + ny * ly + nz * lz
            r += lamps[q, 3] * max(0.0, (facing + 0.30) / 1.30) * seen
            g += lamps[q, 4] * max(0.0, (facing + 0.14) / 1.14) * seen
            b += lamps[q, 5] * max(0.0, (facing + 0.08) / 1.08) * seen
            if facing > 0:
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                half = max(0.0, (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-9))
                h4 = half * half * half * half
                h8 = h4 * h4
                shine = (0.18 * h8 * h8 * half * half + 0.05 * h4 * half * half) * facing * seen
                gr += lamps[q, 3] * shine
                gg += lamps[q, 4] * shine
                gb += lamps[q, 5] * shine
        out[v, 0], out[v, 1], out[v, 2] = r, g, b
        out[v, 3], out[v, 4], out[v, 5] = gr, gg, gb
