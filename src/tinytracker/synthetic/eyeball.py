"""What lies between brow and cheekbone, drawn per sample: lids, lashes and the ray-traced eyeball. Numba
kernels, head frame.

A sample on the closed-lid surface before an eye either falls between the margins of the opening, and the
camera's ray is followed to the eyeball behind, or it is lid skin. The front of the sclera is a fixed smooth
surface (turning a sphere changes nothing); iris and pupil are a disc turning about the eye's true centre,
under a cornea that mirrors the lights.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep


class EyeLook(NamedTuple):
    """A person's eyes and lids as the kernel takes them; lengths cm, colours float64 (3,)."""

    iris_radius: float
    pupil_radius: float
    iris_distance: float
    nasal: float
    temporal: float
    crease: float
    crease_depth: float
    fold: float
    shadow: float
    shadow_reach: float
    lash_density: float
    lash_line: float
    makeup: float
    bags: float
    redness: float
    glint: float
    seed: int
    iris: np.ndarray
    sclera: np.ndarray
    skin: np.ndarray


class EyeState(NamedTuple):
    """Both eyes in one frame; arrays over [left, right].

    centres (2, 3), frames (2, 3, 3): columns right, up, forward of each eyeball. margins (2, n, 3): heights
    over the centre of [upper margin, lower margin, upper margin at rest] at n even steps from the inner to
    the outer canthus. lash_up, lash_down (2, 2): projected tip of upper and lower lashes [sideways outwards,
    upwards].
    """

    centres: np.ndarray
    frames: np.ndarray
    margins: np.ndarray
    lash_up: np.ndarray
    lash_down: np.ndarray


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def draw_eye(
    e, x, y, albedo, light, gloss, origin, ray, look, state, directions, colours, sizes, glints, ambient, out
):
    """Colour of one sample in the region of eye `e`, written to `out` (3,).

    x, y: the sample on the face, head frame. albedo, light, gloss: float (3,) of the skin there. origin, ray:
    camera's position and direction of the sample's ray, head frame.
    """
    side = 1.0 if e == 0 else -1.0
    along = (x - state.centres[e, 0]) * side
    height = y - state.centres[e, 1]
    width = look.nasal + look.temporal
    s = (along + look.nasal) / width
    if s < -0.16 or s > 1.16:  # beyond the corners and all that surrounds them
        for c in range(3):
            out[c] = albedo[c] * light[c] + gloss[c]
        return
    steps = state.margins.shape[1] - 1
    place = min(max(s, 0.0), 0.99999) * steps
    k = int(place)
    part = place - k
    upper = state.margins[e, k, 0] * (1 - part) + state.margins[e, k + 1, 0] * part
    lower = state.margins[e, k, 1] * (1 - part) + state.margins[e, k + 1, 1] * part
    above, below = height - upper, lower - height
    if above < 0 and below < 0 and 0 < s < 1:
        _eyeball(
            e,
            s,
            -above,
            -below,
            origin,
            ray,
            light,
            look,
            state,
            directions,
            colours,
            sizes,
            glints,
            ambient,
            out,
        )
    else:
        rest = state.margins[e, k, 2] * (1 - part) + state.margins[e, k + 1, 2] * part
        _lid_skin(s, along, above, below, upper - rest, look, albedo, light, gloss, out)
    cover = _lashes(e, s, along, above, below, look, state)
    if cover > 0:
        dark = 0.05 + 0.03 * look.makeup
        for c in range(3):
            out[c] *= 1 - cover * (1 - dark)


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _lid_skin(s, along, above, below, lid_moved, look, albedo, light, gloss, out):
    """Skin around the opening: crease, fold, lash line, bag, the corners' lines."""
    shade, red = 1.0, 0.0
    shine = 1.0
    inside = 0 < s < 1
    near = smoothstep(-0.12, 0.10, s) * smoothstep(1.14, 0.90, s)
    if near <= 0 or above > 1.5 or below > 1.0:
        pass
    elif above >= 0:
        d = above
        if look.crease > 0:
            # The crease stays behind when the lid moves, and follows it by 40 %.
            gap = max(
                0.07,
                look.crease * (0.55 + 0.45 * math.sin(math.pi * min(1.0, max(0.0, s)))) - 0.6 * lid_moved,
            )
            q = d - gap
            if -0.3 < q < 0.5:
                groove = math.exp(-((q / 0.055) ** 2)) + 0.45 * look.fold * math.exp(
                    -(((q + 0.06) / 0.09) ** 2)
                )
                rim = math.exp(-(((q - 0.17) / 0.14) ** 2))
                shade *= (
                    1
                    - near * look.crease_depth * min(1.0, 0.62 * groove)
                    + near * 0.10 * look.crease_depth * rim
                )
            shade *= 1 + 0.07 * near * math.exp(-(((q + 0.5 * gap) / (0.3 * gap + 0.02)) ** 2))
        red += 0.22 * math.exp(-((d / 0.5) ** 2)) * near
        if d < 0.3:
            shade *= 1 - near * 0.55 * math.exp(-d / 0.045)
        if look.makeup > 0:
            k = look.makeup * 0.6 * math.exp(-((d / 0.35) ** 2)) * near
            shade *= 1 - k
            shine *= 1 - k
    else:
        d = below
        trough = look.bags * 0.30 * math.exp(-((along / 1.1) ** 2) - ((d - 0.46) / 0.22) ** 2)
        roll = 0.06 * math.exp(-(((d - 0.16) / 0.10) ** 2))
        shade *= (1 - near * trough) * (1 + near * roll) * (1 - near * 0.22 * math.exp(-((d / 0.13) ** 2)))
        red += 0.15 * math.exp(-((d / 0.25) ** 2)) * near
    if not inside:
        corner = max(-s, s - 1) * (look.nasal + look.temporal)
        line = 0.35 * math.exp(-((corner / 0.13) ** 2)) * math.exp(-((above / 0.07) ** 2))
        shade *= 1 - line
    out[0] = albedo[0] * shade * (1 - 0.25 * red) * light[0] + gloss[0] * shine
    out[1] = albedo[1] * shade * (1 - 0.50 * red) * light[1] + gloss[1] * shine
    out[2] = albedo[2] * shade * (1 - 0.42 * red) * light[2] + gloss[2] * shine


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _lashes(e, s, along, above, below, look, state):
    """Coverage (0 to 1) by lashes: fans from both margins towards their projected tips."""
    if s < -0.08 or s > 1.16:
        return 0.0
    cover = 0.0
    grow = smoothstep(0.02, 0.22, s)
    reach = state.lash_up[e, 1] * (0.55 + 0.55 * min(1.0, max(0.0, s)))
    t = above / reach
    if 0 <= t < 1:
        root = along - (state.lash_up[e, 0] + 0.5 * (s - 0.42) * abs(reach)) * t
        strand = noise(root * 13 + 3 * t * (0.5 - s), 1.3 * t + 7, look.seed + 41 + e)
        cover = look.lash_density * grow * (1 - t) ** 0.8 * min(1.0, max(0.0, 0.75 + 1.5 * strand - 0.35 * t))
    if abs(above) < 0.4:
        clump = 0.8 + 0.5 * noise(along * 6 + 3, 2.5, look.seed + 45 + e)
        line = (
            (0.55 + 0.45 * look.lash_density)
            * (0.4 + 0.6 * grow)
            * math.exp(-(((above - 0.015) / (look.lash_line * clump)) ** 2))
        )
        line *= smoothstep(1.06, 0.97, s) * smoothstep(0.0, 0.08, s)
        cover = max(cover, 0.95 * line)
    reach = state.lash_down[e, 1]
    t = -below / reach if reach > 0 else below / -reach
    if 0 <= t < 1 and 0 < s < 1:
        root = along - (state.lash_down[e, 0] + 0.5 * (s - 0.45) * abs(reach)) * t
        strand = noise(root * 10 + 31, 1.1 * t, look.seed + 43 + e)
        cover = max(
            cover,
            0.75
            * look.lash_density
            * smoothstep(0.15, 0.45, s)
            * (1 - t)
            * min(1.0, max(0.0, 0.25 + 1.6 * strand)),
        )
    return min(1.0, cover)


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _eyeball(
    e, s, under, over, origin, ray, light, look, state, directions, colours, sizes, glints, ambient, out
):
    """Follow a ray through the opening. `under`, `over`: cm below the upper margin and above the lower
    one."""
    ox, oy, oz = (
        origin[0] - state.centres[e, 0],
        origin[1] - state.centres[e, 1],
        origin[2] - state.centres[e, 2],
    )
    rx, ry, rz = ray[0], ray[1], ray[2]
    skin = look.skin
    corner = min(s, 1 - s)
    # Light left under the lid and its lashes, near the lower lid and in the corners.
    reach = look.shadow_reach * (0.12 + 0.88 * min(1.15, (under + over) / 0.8))
    left = (look.shadow + (1 - look.shadow) * smoothstep(0.0, reach, under)) * (
        0.72 + 0.28 * smoothstep(0.0, 0.18, over)
    )
    left *= 0.58 + 0.42 * smoothstep(0.0, 0.26, corner)
    # Sclera: a sphere of 1.6 cm whose front touches the globe's.
    back = 1.2 - 1.6
    qz = oz - back
    b = ox * rx + oy * ry + qz * rz
    root = b * b - (ox * ox + oy * oy + qz * qz - 1.6 * 1.6)
    tissue = smoothstep(0.13, 0.04, s)
    if root <= 0:
        root, tissue = 0.0, 1.0
    t = -b - math.sqrt(root)
    px, py = ox + t * rx, oy + t * ry
    vein = smoothstep(
        0.24, 0.40, abs(noise(px * 7 + 3 * noise(py * 5, px * 3, look.seed), py * 12, look.seed + 61))
    )
    pink = look.redness * (0.55 * (1 - smoothstep(0.0, 0.30, corner)) + 0.30 * vein)
    r, g, bl = (
        look.sclera[0] * (1 - 0.12 * pink),
        look.sclera[1] * (1 - 0.55 * pink),
        look.sclera[2] * (1 - 0.5 * pink),
    )
    r += (skin[0] * 0.75 + 0.05 - r) * tissue
    g += (skin[1] * 0.52 + 0.02 - g) * tissue
    bl += (skin[2] * 0.52 + 0.02 - bl) * tissue
    # Iris and pupil.
    fx, fy, fz = state.frames[e, 0, 2], state.frames[e, 1, 2], state.frames[e, 2, 2]
    facing = rx * fx + ry * fy + rz * fz
    if facing < -0.1 and tissue < 1:
        t = (look.iris_distance - (ox * fx + oy * fy + oz * fz)) / facing
        ix, iy, iz = (
            ox + t * rx - look.iris_distance * fx,
            oy + t * ry - look.iris_distance * fy,
            oz + t * rz - look.iris_distance * fz,
        )
        rho = math.sqrt(ix * ix + iy * iy + iz * iz)
        disc = smoothstep(look.iris_radius + 0.045, look.iris_radius - 0.04, rho)
        if disc > 0:
            u = ix * state.frames[e, 0, 0] + iy * state.frames[e, 1, 0] + iz * state.frames[e, 2, 0]
            v = ix * state.frames[e, 0, 1] + iy * state.frames[e, 1, 1] + iz * state.frames[e, 2, 1]
            angle = math.atan2(v, u)
            near = rho / look.iris_radius
            fibre = noise(angle * 7 + 40, near * 2.1, look.seed + 91 + e) + 0.6 * noise(
                angle * 15 + 90, near * 3.6, look.seed + 95 + e
            )
            fibre *= min(1.0, 3.2 - abs(angle)) if abs(angle) > 2.2 else 1.0
            m = (1 + 0.55 * fibre + 0.35 * math.exp(-(((near - 0.5) / 0.14) ** 2))) * (
                1 - 0.72 * smoothstep(0.74, 1.0, near)
            )
            if directions.shape[0] > 0:  # light gathers in the iris on the side away from the lamp
                m *= 1 - 0.35 * near * (u * directions[0, 0] + v * directions[0, 1]) / look.iris_radius
            hole = smoothstep(look.pupil_radius + 0.03, look.pupil_radius - 0.02, rho)
            m *= (1 - hole) * 0.9
            r += (look.iris[0] * m + 0.003 - r) * disc
            g += (look.iris[1] * m + 0.003 - g) * disc
            bl += (look.iris[2] * m + 0.003 - bl) * disc
    # The lower lid's wet edge.
    rim = 0.8 * smoothstep(0.075, 0.03, over)
    r += (skin[0] * 0.78 + 0.03 - r) * rim
    g += (skin[1] * 0.60 + 0.01 - g) * rim
    bl += (skin[2] * 0.60 + 0.01 - bl) * rim
    out[0], out[1], out[2] = r * light[0] * left, g * light[1] * left, bl * light[2] * left
    _reflections(
        ox,
        oy,
        oz,
        rx,
        ry,
        rz,
        fx,
        fy,
        fz,
        under,
        left,
        look,
        directions,
        colours,
        sizes,
        glints,
        ambient,
        out,
    )


@njit(fastmath=True, cache=True, nogil=True, inline="always")
def _reflections(
    ox, oy, oz, rx, ry, rz, fx, fy, fz, under, left, look, directions, colours, sizes, glints, ambient, out
):
    """Corneal reflections: lights as discs, the surroundings as a faint veil, both dimmed below the lid."""
    centre, radius = 0.47 * 1.2, 0.65 * 1.2
    gx, gy, gz = ox - centre * fx, oy - centre * fy, oz - centre * fz
    b = gx * rx + gy * ry + gz * rz
    root = b * b - (gx * gx + gy * gy + gz * gz - radius * radius)
    if root <= 0:
        return
    t = -b - math.sqrt(root)
    mx, my, mz = (gx + t * rx) / radius, (gy + t * ry) / radius, (gz + t * rz) / radius
    if mx * fx + my * fy + mz * fz < 0.66:
        return
    d = rx * mx + ry * my + rz * mz
    bx, by, bz = rx - 2 * d * mx, ry - 2 * d * my, rz - 2 * d * mz
    clear = 0.35 + 0.65 * smoothstep(0.0, 0.22, under)
    veil = 0.020 * look.glint * left * (0.6 + 0.4 * by)
    out[0] += ambient[0] * veil
    out[1] += ambient[1] * veil
    out[2] += ambient[2] * veil
    for q in range(directions.shape[0]):
        near = bx * directions[q, 0] + by * directions[q, 1] + bz * directions[q, 2]
        k = (
            smoothstep(sizes[q], min(0.9999, sizes[q] + 0.25 * (1 - sizes[q])), near)
            * glints[q]
            * look.glint
            * clear
        )
        if k > 0:
            out[0] += colours[q, 0] * k
            out[1] += colours[q, 1] * k
            out[2] += colours[q, 2] * k
