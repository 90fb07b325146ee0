"""The colour of every pixel: skin and its folds, the lids' edges, and the eyeball between them. Numba
kernels.

One sample a pixel: every edge is given the softness of the pixel's own width, so that an edge that moves by a
tenth of a pixel changes the light by a tenth.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.near_eye.optics import Rows, project, to_iris, to_sphere
from tinytracker.synthetic.noise import smoothstep

ONE = np.uint64(1)
LOWER_REACH_CM = 0.6
"""The lower lid's movement is felt so far below its margin."""
RETURNED_WITHIN_RAD = math.radians(2.6)
CREASE_REACH_CM = 0.3
"""The fold's shading reaches so far above it, at most."""


class Ground(NamedTuple):
    """What depends on the camera's place alone; see `surface.lay_out`. still (H, W): the skin's light where
    nothing but the camera moves it; spans (H, 2): in each row, from where to where something else may."""

    places: np.ndarray
    light: np.ndarray
    footprint: np.ndarray
    slant: np.ndarray
    still: np.ndarray
    spans: np.ndarray


class Curves(NamedTuple):
    """Heights over x; see `lids.Margins`. per_cm, reach: index = (x + reach) * per_cm. highest, lowest:
    beyond these the skin is still. within: 1 between the canthi, fading out beyond. openness: 0 shut, of
    the width."""

    upper: np.ndarray
    lower: np.ndarray
    crease: np.ndarray
    rest_upper: np.ndarray
    rest_lower: np.ndarray
    highest: np.ndarray
    lowest: np.ndarray
    within: np.ndarray
    per_cm: float
    reach: float
    openness: float


class Textures(NamedTuple):
    """See `textures`."""

    skin: np.ndarray
    iris: np.ndarray
    sclera: np.ndarray


class Paints(NamedTuple):
    """Reflectances. inward: how much nearer the eye's centre the lids' inner edges are."""

    skin: float
    pupil: float
    crease_depth: float
    liner: float
    liner_below: float
    shadow: float
    inward: float


class Moment(NamedTuple):
    """What changes from frame to frame. turn (3, 3): eye-fixed axes as columns; camera (3,): its place,
    eye-fixed; iris_light: what falls on the iris; returned: what the retina throws back through the pupil."""

    turn: Rows
    camera: tuple[float, float, float]
    pupil_radius: float
    iris_light: float
    returned: float


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def split(at, length):
    """A real index of a curve of so many points as a whole one and the rest."""
    at = min(max(at, 0.0), length - 1.001)
    k = np.uint64(at)  # unsigned: no index is counted from the end
    return k, at - k


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def between(curve, k, rest):
    """A curve at an index as `split` gives it: many curves at one place cost little more than one."""
    return curve[k] + (curve[k + ONE] - curve[k]) * rest


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def along(curve, at):
    """A curve at a real index."""
    k, rest = split(at, curve.shape[0])
    return between(curve, k, rest)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def bump(x):
    """1 at 0, 0 beyond -1 and 1, smooth between."""
    left = max(0.0, 1.0 - x * x)
    return left * left


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def texel(texture, row, column):
    """A texture (rows, columns) at a real place."""
    row = min(max(row, 0.0), texture.shape[0] - 1.001)
    column = min(max(column, 0.0), texture.shape[1] - 1.001)
    j, i = np.uint64(row), np.uint64(column)
    v, u = row - j, column - i
    a = texture[j, i] + (texture[j, i + ONE] - texture[j, i]) * u
    b = texture[j + ONE, i] + (texture[j + ONE, i + ONE] - texture[j + ONE, i]) * u
    return a + (b - a) * v


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def skin_at(x, y, skin_map, reach):
    """Reflectance of the skin's texture at (x, y)."""
    per_cm = (skin_map.shape[0] - 1) / (2 * reach)
    return texel(skin_map, (y + reach) * per_cm, (x + reach) * per_cm)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def paint_still(ground, curves, skin_map):
    """Fills ground.still and ground.spans."""
    h, w = ground.still.shape
    for j in range(h):
        first, end = w, 0
        for i in range(w):
            x, y = ground.places[j, i, 0], ground.places[j, i, 1]
            ground.still[j, i] = ground.light[j, i] * skin_at(x, y, skin_map, curves.reach)
            at = (x + curves.reach) * curves.per_cm
            if along(curves.lowest, at) <= y <= along(curves.highest, at):
                first, end = min(first, i), i + 1
        ground.spans[j, 0], ground.spans[j, 1] = min(first, end), end


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def upper_skin(x, y, over, below, moved, depth, inside, skin_map, reach, paints):
    """Reflectance `over` cm above the upper margin, `below` cm below the fold: the plate, `moved` cm with the
    margin, the fold, as deep as `depth`, the skin that hangs over. inside: as `Curves.within`."""
    plate = min(1.0, max(0.0, 0.5 + below * (1 / 0.06)))
    albedo = skin_at(x, y - plate * moved, skin_map, reach)
    albedo *= 1.0 - 0.22 * depth * plate
    albedo *= 1.0 - depth * bump(below * (1 / 0.055))
    albedo *= 1.0 + 0.10 * depth * max(0.0, 1.0 - abs(below + 0.12) * (1 / 0.12))
    albedo *= 1.0 - paints.shadow * plate * inside
    if over < 0.15:
        near = 1.0 - over * (1 / 0.15)
        albedo *= 1.0 - inside * 0.30 * near * near
        albedo *= 1.0 - inside * paints.liner * smoothstep(0.14, 0.06, over)
    return albedo


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def lower_skin(x, y, under, moved, inside, skin_map, reach, paints):
    """Reflectance `under` cm below the lower margin, which has `moved` so many cm."""
    fall = max(0.0, 1.0 - under / LOWER_REACH_CM)
    albedo = skin_at(x, y - fall * fall * moved, skin_map, reach)
    pouch = 0.14 * bump((under - 0.42) * (1 / 0.085)) - 0.06 * bump((under - 0.2) * (1 / 0.17))
    albedo *= 1.0 - paints.crease_depth * pouch
    if under < 0.1:
        albedo *= 1.0 - inside * paints.liner_below * smoothstep(0.10, 0.03, under)
    return albedo


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def eyeball(ex, ey, ez, light, px_cm, sclera_map, iris_map, moment, optics, paints):
    """Light of the ball where a ray (unit e, eye-fixed) meets it, and how far along the ray that is (-1: it
    passes by)."""
    ox, oy, oz = moment.camera[0], moment.camera[1], moment.camera[2]
    t = to_sphere(ox, oy, oz - optics.cornea_centre, ex, ey, ez, optics.cornea_radius)
    u, v, clear = 0.0, 0.0, 0.0
    if t >= 0:
        hx, hy = ox + t * ex, oy + t * ey
        rim2, edge = hx * hx + hy * hy, optics.limbus_radius + 0.02
        if rim2 < edge * edge:
            is_met, u, v = to_iris(hx, hy, oz + t * ez, ex, ey, ez, optics)
            if is_met:
                clear = smoothstep(edge, optics.limbus_radius - 0.075, math.sqrt(rim2))
            else:
                t = -1.0
    white = 0.0
    if clear < 1.0:
        far = to_sphere(ox, oy, oz, ex, ey, ez, optics.ball_radius)
        if far > 0:
            bx, by = ox + far * ex, oy + far * ey
            white = light * texel(sclera_map, (by + 1.3) * 48.8, (bx + 1.3) * 48.8)
        if clear <= 0.0 or 0 < far < t:
            return white, (far if far > 0 else t)
    px = u - optics.pupil_x
    rho = math.sqrt(px * px + v * v)
    soft = 0.008 + px_cm / max(0.25, -ez)
    hole = smoothstep(moment.pupil_radius + 0.5 * soft, moment.pupil_radius - 0.5 * soft, rho)
    iris = 0.0
    if hole < 1:
        share = (rho - moment.pupil_radius) / (optics.limbus_radius - moment.pupil_radius)
        angle = (math.atan2(v, px) / (2 * math.pi) + 0.5) * (iris_map.shape[0] - 1)
        iris = texel(iris_map, angle, share * iris_map.shape[1])
        iris *= moment.iris_light
    dark = paints.pupil * moment.iris_light + moment.returned
    inside = iris + (dark - iris) * hole
    return white + (inside - white) * clear, t


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def turned(axis, turn):
    """A direction of the head's in eye-fixed axes."""
    return (
        turn[0][0] * axis[0] + turn[1][0] * axis[1] + turn[2][0] * axis[2],
        turn[0][1] * axis[0] + turn[1][1] * axis[1] + turn[2][1] * axis[2],
        turn[0][2] * axis[0] + turn[1][2] * axis[1] + turn[2][2] * axis[2],
    )


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def shade(image, seen, ground, curves, textures, paints, moment, optics, pixels):
    """Paints all but lashes and glints into image (H, W); seen (H, W): how much of a pixel is eyeball."""
    h = image.shape[0]
    places, still, spans = ground.places, ground.still, ground.spans
    light_at, footprint, slant = ground.light, ground.footprint, ground.slant
    uppers, lowers, creases, within = curves.upper, curves.lower, curves.crease, curves.within
    rest_upper, rest_lower = curves.rest_upper, curves.rest_lower
    reach, per_cm, openness = curves.reach, curves.per_cm, curves.openness
    skin_map, iris_map, sclera_map = textures.skin, textures.iris, textures.sclera
    origin_x, origin_y = pixels.origin[0], pixels.origin[1]
    aside, down, ahead = pixels.axes
    eye_aside, eye_down, eye_ahead = (
        turned(aside, moment.turn),
        turned(down, moment.turn),
        turned(ahead, moment.turn),
    )
    fold_depth = paints.crease_depth * (1.0 - 0.75 * smoothstep(0.22, 0.02, openness))
    points = uppers.shape[0]
    for j in range(h):
        first, end = spans[j, 0], spans[j, 1]
        image[j] = still[j]
        seen[j] = 0.0
        b = (j - pixels.middle_y) / pixels.focal
        row_x, row_y = ahead[0] + b * down[0], ahead[1] + b * down[1]
        row_ex, row_ey = eye_ahead[0] + b * eye_down[0], eye_ahead[1] + b * eye_down[1]
        row_ez = eye_ahead[2] + b * eye_down[2]
        for i in range(first, end):
            x, y = places[j, i, 0], places[j, i, 1]
            k, rest = split((x + reach) * per_cm, points)
            light, px_cm = light_at[j, i], footprint[j, i]
            upper, lower = between(uppers, k, rest), between(lowers, k, rest)
            inside, gap = min(upper - y, y - lower), upper - lower
            open_ = 0.0
            if inside > -0.5 * px_cm and gap > 0.0:
                open_ = min(1.0, min(0.5 * px_cm + inside, gap) / px_cm)
            is_above = y > 0.5 * (upper + lower)
            skin = 0.0
            if open_ < 1.0:
                if is_above:
                    below = between(creases, k, rest) - y
                    if below < -CREASE_REACH_CM:
                        continue  # as it is without anything that moves
                    skin = upper_skin(
                        x,
                        y,
                        max(0.0, y - upper),
                        below,
                        upper - between(rest_upper, k, rest),
                        fold_depth * between(within, k, rest),
                        between(within, k, rest),
                        skin_map,
                        reach,
                        paints,
                    )
                else:
                    under = max(0.0, lower - y)
                    if under > LOWER_REACH_CM:
                        continue
                    skin = lower_skin(
                        x,
                        y,
                        under,
                        lower - between(rest_lower, k, rest),
                        between(within, k, rest),
                        skin_map,
                        reach,
                        paints,
                    )
                skin *= light
            if open_ <= 0.0:
                image[j, i] = skin
                continue
            a, cosine = (i - pixels.middle_x) / pixels.focal, slant[j, i]
            ex, ey = (row_ex + a * eye_aside[0]) * cosine, (row_ey + a * eye_aside[1]) * cosine
            ez = (row_ez + a * eye_aside[2]) * cosine
            ball, far = eyeball(ex, ey, ez, light, px_cm, sclera_map, iris_map, moment, optics, paints)
            # The upper lid's edge is in its own shadow, the lower one's is wet and bright.
            edge = 0.55 if is_above else 0.95
            tissue = paints.skin * edge * light
            free = 0.0
            if far > 0:
                # The lids' inner edges lie on the ball: what a ray meets beyond them is the edge's own wall.
                far *= cosine
                bx = (origin_x + far * (row_x + a * aside[0])) * paints.inward
                by = (origin_y + far * (row_y + a * aside[1])) * paints.inward
                k, rest = split((bx + reach) * per_cm, points)
                upper, lower = between(uppers, k, rest), between(lowers, k, rest)
                above, below = upper - by, by - lower
                free = min(1.0, max(0.0, 0.5 + min(above, below) / px_cm))
                ball *= 0.5 + 0.5 * smoothstep(0.0, 0.22, above)
                ball *= 0.8 + 0.2 * smoothstep(0.0, 0.1, below)
                # Red flesh in the inner corner, and where the lids meet outside.
                narrow = (upper - lower) / 0.22
                if narrow < 1.0 and openness > 0.08:
                    free *= smoothstep(0.0, 1.0, narrow)
            inner = tissue + (ball - tissue) * free
            image[j, i] = skin + (inner - skin) * open_
            seen[j, i] = open_ * free


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def lit_through_pupil(turn, iris_distance, lamps, powers, ambient, camera):
    """(light on the iris, light that the retina returns): the latter where a lamp stands within a few degrees
    of the camera, as seen from the eye."""
    px, py, pz = turn[0][2] * iris_distance, turn[1][2] * iris_distance, turn[2][2] * iris_distance
    cx, cy, cz = camera[0] - px, camera[1] - py, camera[2] - pz
    to_camera = math.sqrt(cx * cx + cy * cy + cz * cz)
    iris, returned = ambient, 0.0
    for k in range(lamps.shape[0]):
        lx, ly, lz = lamps[k, 0] - px, lamps[k, 1] - py, lamps[k, 2] - pz
        square = lx * lx + ly * ly + lz * lz
        away = math.sqrt(square)
        fall = powers[k] * 9.0 / (square + 0.3)
        iris += fall * max(0.15, (lx * turn[0][2] + ly * turn[1][2] + lz * turn[2][2]) / away)
        cosine = min(1.0, (lx * cx + ly * cy + lz * cz) / (away * to_camera))
        apart = math.acos(cosine) / RETURNED_WITHIN_RAD
        returned += 0.9 * fall * math.exp(-apart * apart)
    return iris, returned


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def mirror_point(radius, cx, cy, cz, lx, ly, lz):
    """Where on a sphere about 0 a lamp is mirrored into a camera, both given from its middle: the unit normal
    there, halfway between the ways to both."""
    scale = 1.0 / math.sqrt(cx * cx + cy * cy + cz * cz)
    nx, ny, nz = cx * scale, cy * scale, cz * scale
    for _ in range(8):
        ax, ay, az = cx - radius * nx, cy - radius * ny, cz - radius * nz
        bx, by, bz = lx - radius * nx, ly - radius * ny, lz - radius * nz
        a = 1.0 / math.sqrt(ax * ax + ay * ay + az * az)
        b = 1.0 / math.sqrt(bx * bx + by * by + bz * bz)
        nx, ny, nz = a * ax + b * bx, a * ay + b * by, a * az + b * bz
        scale = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
    return nx, ny, nz


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def mirror_lamps(image, seen, lamps, powers, size, moment, optics, pixels):
    """Adds the lamps' reflections: sharp ones in the cornea, broad faint ones on the white."""
    turn, origin = moment.turn, pixels.origin
    ax, ay, az = turn[0][2], turn[1][2], turn[2][2]
    cornea_edge = (optics.limbus_distance - optics.cornea_centre) / optics.cornea_radius
    ball_edge = optics.limbus_distance / optics.ball_radius
    for k in range(lamps.shape[0]):
        brightness = 2.0 + 9.0 * powers[k]
        for surface in range(2):
            on_cornea = surface == 0
            radius = optics.cornea_radius if on_cornea else optics.ball_radius
            out = optics.cornea_centre if on_cornea else 0.0
            mx, my, mz = ax * out, ay * out, az * out
            lx, ly, lz = lamps[k, 0] - mx, lamps[k, 1] - my, lamps[k, 2] - mz
            nx, ny, nz = mirror_point(radius, origin[0] - mx, origin[1] - my, origin[2] - mz, lx, ly, lz)
            facing = nx * ax + ny * ay + nz * az
            if on_cornea:
                strength = brightness * smoothstep(cornea_edge, cornea_edge + 0.05, facing)
            else:
                strength = 0.06 * brightness * smoothstep(ball_edge + 0.02, ball_edge - 0.03, facing)
            if strength <= 0 or nz < 0.05:
                continue
            px, py, pz = radius * nx, radius * ny, radius * nz
            away = math.sqrt((lx - px) ** 2 + (ly - py) ** 2 + (lz - pz) ** 2)
            cx, cy, depth = project(mx + px, my + py, mz + pz, pixels)
            spread = size * 0.5 * radius / (2 * away) * pixels.focal / depth * (1.0 if on_cornea else 5.0)
            sigma = math.sqrt(0.16 + spread * spread)
            strength *= max(0.15, min(1.0, (spread / sigma) ** 2))
            reach = int(3 * sigma) + 1
            for j in range(max(0, int(cy) - reach), min(image.shape[0], int(cy) + reach + 2)):
                for i in range(max(0, int(cx) - reach), min(image.shape[1], int(cx) + reach + 2)):
                    if seen[j, i] > 0:
                        square = ((i - cx) ** 2 + (j - cy) ** 2) / (2 * sigma * sigma)
                        image[j, i] += strength * math.exp(-square) * seen[j, i]
