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

from tinytracker.synthetic.colours import Triple, blended, scaled
from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.noise import noise, smoothstep


class EyeLook(NamedTuple):
    """A person's eyes and lids as the kernel takes them; lengths cm."""

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
    iris: Triple
    sclera: Triple
    skin: Triple


class Eye(NamedTuple):
    """One eye in one frame. centre: of rotation. right, up, forward: the eyeball's axes. lash_up, lash_down:
    projected tip of upper and lower lashes (sideways outwards, upwards)."""

    centre: Triple
    right: Triple
    up: Triple
    forward: Triple
    lash_up: tuple[float, float]
    lash_down: tuple[float, float]


class EyeState(NamedTuple):
    """Both eyes in one frame.

    margins (2, n, 3): of [left, right], heights over the centre of [upper margin, lower margin, upper margin
    at rest] at n even steps from the inner to the outer canthus.
    """

    left: Eye
    right: Eye
    margins: np.ndarray


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def draw_eye(
    e,
    x,
    y,
    albedo,
    light,
    gloss,
    origin,
    ray,
    look,
    eye,
    margins,
    lamps,
    ambient,
):
    """Colour of one sample in the region of eye `e`.

    x, y: the sample on the face, head frame. albedo, light, gloss: colours of the skin there. origin, ray:
    camera's position and direction of the sample's ray, head frame. margins: (n, 3) of
    this eye, see `EyeState`. lamps: (n, 8), see `shade.Lamps`.
    """
    side = 1.0 if e == 0 else -1.0
    along = (x - eye.centre[0]) * side
    height = y - eye.centre[1]
    width = look.nasal + look.temporal
    s = (along + look.nasal) / width
    if s < -0.16 or s > 1.16:  # beyond the corners and all that surrounds them
        return (
            albedo[0] * light[0] + gloss[0],
            albedo[1] * light[1] + gloss[1],
            albedo[2] * light[2] + gloss[2],
        )
    steps = margins.shape[0] - 1
    place = min(max(s, 0.0), 0.99999) * steps
    k = int(place)
    part = place - k
    upper = margins[k, 0] * (1 - part) + margins[k + 1, 0] * part
    lower = margins[k, 1] * (1 - part) + margins[k + 1, 1] * part
    rest = margins[k, 2] * (1 - part) + margins[k + 1, 2] * part
    above, below = height - upper, lower - height
    if above < 0 and below < 0 and 0 < s < 1:
        out = _eyeball(
            e,
            s,
            -above,
            -below,
            origin,
            ray,
            light,
            look,
            eye,
            lamps,
            ambient,
        )
    else:
        out = _lid_skin(s, along, above, below, upper - rest, look, albedo, light, gloss)
    cover = _lashes(e, s, along, above, below, look, eye)
    if cover > 0:
        dark = 0.05 + 0.03 * look.makeup
        out = scaled(out, 1 - cover * (1 - dark))
    return out


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _lid_skin(s, along, above, below, lid_moved, look, albedo, light, gloss):
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
    return (
        albedo[0] * shade * (1 - 0.25 * red) * light[0] + gloss[0] * shine,
        albedo[1] * shade * (1 - 0.50 * red) * light[1] + gloss[1] * shine,
        albedo[2] * shade * (1 - 0.42 * red) * light[2] + gloss[2] * shine,
    )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _lashes(e, s, along, above, below, look, eye):
    """Coverage (0 to 1) by lashes: fans from both margins towards their projected tips."""
    if s < -0.08 or s > 1.16:
        return 0.0
    cover = 0.0
    grow = smoothstep(0.02, 0.22, s)
    reach = eye.lash_up[1] * (0.55 + 0.55 * min(1.0, max(0.0, s)))
    t = above / reach
    if 0 <= t < 1:
        root = along - (eye.lash_up[0] + 0.5 * (s - 0.42) * abs(reach)) * t
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
    reach = eye.lash_down[1]
    t = -below / reach if reach > 0 else below / -reach
    if 0 <= t < 1 and 0 < s < 1:
        root = along - (eye.lash_down[0] + 0.5 * (s - 0.45) * abs(reach)) * t
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


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _eyeball(e, s, under, over, origin, ray, light, look, eye, lamps, ambient):
    """Follow a ray through the opening. `under`, `over`: cm below the upper margin and above the lower
    one."""
    ox, oy, oz = origin[0] - eye.centre[0], origin[1] - eye.centre[1], origin[2] - eye.centre[2]
    rx, ry, rz = ray
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
    colour = (
        look.sclera[0] * (1 - 0.12 * pink),
        look.sclera[1] * (1 - 0.55 * pink),
        look.sclera[2] * (1 - 0.5 * pink),
    )
    caruncle = skin[0] * 0.75 + 0.05, skin[1] * 0.52 + 0.02, skin[2] * 0.52 + 0.02
    colour = blended(colour, caruncle, tissue)
    # Iris and pupil.
    fx, fy, fz = eye.forward
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
            u = ix * eye.right[0] + iy * eye.right[1] + iz * eye.right[2]
            v = ix * eye.up[0] + iy * eye.up[1] + iz * eye.up[2]
            angle = math.atan2(v, u)
            near = rho / look.iris_radius
            fibre = noise(angle * 7 + 40, near * 2.1, look.seed + 91 + e) + 0.6 * noise(
                angle * 15 + 90, near * 3.6, look.seed + 95 + e
            )
            fibre *= min(1.0, 3.2 - abs(angle)) if abs(angle) > 2.2 else 1.0
            m = (1 + 0.55 * fibre + 0.35 * math.exp(-(((near - 0.5) / 0.14) ** 2))) * (
                1 - 0.72 * smoothstep(0.74, 1.0, near)
            )
            if lamps.shape[0] > 0:  # light gathers in the iris on the side away from the lamp
                m *= 1 - 0.35 * near * (u * lamps[0, 0] + v * lamps[0, 1]) / look.iris_radius
            hole = smoothstep(look.pupil_radius + 0.03, look.pupil_radius - 0.02, rho)
            m *= (1 - hole) * 0.9
            iris = look.iris[0] * m + 0.003, look.iris[1] * m + 0.003, look.iris[2] * m + 0.003
            colour = blended(colour, iris, disc)
    # The lower lid's wet edge.
    rim = 0.8 * smoothstep(0.075, 0.03, over)
    wet = skin[0] * 0.78 + 0.03, skin[1] * 0.60 + 0.01, skin[2] * 0.60 + 0.01
    colour = blended(colour, wet, rim)
    return _reflections(
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
        lamps,
        ambient,
        (colour[0] * light[0] * left, colour[1] * light[1] * left, colour[2] * light[2] * left),
    )


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy", inline="always")
def _reflections(ox, oy, oz, rx, ry, rz, fx, fy, fz, under, left, look, lamps, ambient, colour):
    """The colour with corneal reflections: lights as discs, the surroundings as a faint veil, both dimmed
    below the lid."""
    centre, radius = 0.47 * 1.2, 0.65 * 1.2
    gx, gy, gz = ox - centre * fx, oy - centre * fy, oz - centre * fz
    b = gx * rx + gy * ry + gz * rz
    root = b * b - (gx * gx + gy * gy + gz * gz - radius * radius)
    if root <= 0:
        return colour
    t = -b - math.sqrt(root)
    mx, my, mz = (gx + t * rx) / radius, (gy + t * ry) / radius, (gz + t * rz) / radius
    if mx * fx + my * fy + mz * fz < 0.66:
        return colour
    d = rx * mx + ry * my + rz * mz
    bx, by, bz = rx - 2 * d * mx, ry - 2 * d * my, rz - 2 * d * mz
    clear = 0.35 + 0.65 * smoothstep(0.0, 0.22, under)
    veil = 0.020 * look.glint * left * (0.6 + 0.4 * by)
    r, g, b = colour[0] + ambient[0] * veil, colour[1] + ambient[1] * veil, colour[2] + ambient[2] * veil
    for q in range(lamps.shape[0]):
        near = bx * lamps[q, 0] + by * lamps[q, 1] + bz * lamps[q, 2]
        size = lamps[q, 6]
        k = smoothstep(size, min(0.9999, size + 0.25 * (1 - size)), near) * lamps[q, 7] * look.glint * clear
        if k > 0:
            r += lamps[q, 3] * k
            g += lamps[q, 4] * k
            b += lamps[q, 5] * k
    return r, g, b
