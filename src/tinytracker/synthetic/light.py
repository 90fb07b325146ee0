"""Per-vertex work of a frame: moving the mesh, projecting it, and lighting it. Numba kernels, head frame.

The mesh is finer than most pixels, so light is computed at the vertices and interpolated; only eyes are lit
per sample.
"""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import smoothstep


@njit(fastmath=True, cache=True, nogil=True)
def place(vertices, body, rotation, position, body_rotation, body_position, camera, points):
    """Turn into the camera frame and project.

    vertices: float32 (V, 3), head frame with expression. body: float32 (V,) share that goes with the
    shoulders.
    camera: (5,) [f_px, cx, cy, scale x, scale y] followed by an offset: sample column = ((cx + f X/-Z) - x0)
    * sx with camera = [f, cx - x0, cy - y0, sx, sy]. points: float32 (V, 3) out, [column, row, depth].
    """
    for v in range(vertices.shape[0]):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        share = body[v]
        r, p = rotation, position
        if share >= 1:
            r, p = body_rotation, body_position
        u = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + p[0]
        w = r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + p[1]
        depth = -(r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + p[2])
        if 0 < share < 1:  # the neck bends
            r, p = body_rotation, body_position
            u += share * (r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + p[0] - u)
            w += share * (r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + p[1] - w)
            depth += share * (-(r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + p[2]) - depth)
        safe = max(depth, 0.5)
        points[v, 0] = (camera[1] + camera[0] * u / safe) * camera[3]
        points[v, 1] = (camera[2] - camera[0] * w / safe) * camera[4]
        points[v, 2] = depth


@njit(fastmath=True, cache=True, nogil=True)
def illuminate(vertices, normals, horizon, occlusion, exponent, directions, colours, ambient, eye, up, out):
    """Diffuse and glossy light at each vertex, into the first six columns of `out`: [diffuse r, g, b, gloss
    r, g, b].

    directions: (n, 3) unit, towards the lights, head frame. colours: (n, 3). ambient: (3,), strongest from
    `up` (3,).
    eye: (3,) position of the camera, head frame. exponent: on the occlusion. Skin lets light wrap around its
    edges, red most of all (a cheap stand-in for subsurface scattering). Vertices that face away from the
    camera are left as they are.
    """
    compass, count = horizon.shape[1], directions.shape[0]
    sector, share = np.empty(count, np.int64), np.empty(count)
    for q in range(count):
        turn = math.atan2(directions[q, 1], directions[q, 0]) / (2 * math.pi) * compass
        sector[q] = math.floor(turn) % compass
        share[q] = turn - math.floor(turn)
    for v in range(vertices.shape[0]):
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        vx, vy, vz = eye[0] - vertices[v, 0], eye[1] - vertices[v, 1], eye[2] - vertices[v, 2]
        inverse = 1 / math.sqrt(vx * vx + vy * vy + vz * vz)
        vx *= inverse
        vy *= inverse
        vz *= inverse
        if nx * vx + ny * vy + nz * vz < -0.5:
            continue
        open_sky = max(0.05, occlusion[v]) ** exponent
        sky = (0.62 + 0.38 * (nx * up[0] + ny * up[1] + nz * up[2])) * open_sky
        r, g, b = ambient[0] * sky, ambient[1] * sky, ambient[2] * sky
        gr, gg, gb = 0.0, 0.0, 0.0
        near = 0.45 + 0.55 * open_sky
        for q in range(count):
            lx, ly, lz = directions[q, 0], directions[q, 1], directions[q, 2]
            k = sector[q]
            h = horizon[v, k] * (1 - share[q]) + horizon[v, (k + 1) % compass] * share[q]
            seen = smoothstep(h - 0.16, h + 0.22, lz) * near
            if seen <= 0:
                continue
            facing = nx * lx + ny * ly + nz * lz
            r += colours[q, 0] * max(0.0, (facing + 0.30) / 1.30) * seen
            g += colours[q, 1] * max(0.0, (facing + 0.14) / 1.14) * seen
            b += colours[q, 2] * max(0.0, (facing + 0.08) / 1.08) * seen
            if facing > 0:
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                half = max(0.0, (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-9))
                h4 = half * half * half * half
                h8 = h4 * h4
                shine = (0.18 * h8 * h8 * half * half + 0.05 * h4 * half * half) * facing * seen
                gr += colours[q, 0] * shine
                gg += colours[q, 1] * shine
                gb += colours[q, 2] * shine
        out[v, 0], out[v, 1], out[v, 2] = r, g, b
        out[v, 3], out[v, 4], out[v, 5] = gr, gg, gb
