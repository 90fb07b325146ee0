"""Rays through the cornea to the iris, and the picture of the pupil that they make. Numba kernels.

`Optics` is the globe as kernels take it; frames of reference as in `anatomy`, except that what is called
eye-fixed has its Z along the optical axis.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit

OUTLINE_POINTS = 64
Rows = tuple[tuple[float, ...], ...]
"""A matrix as kernels take it."""


class Optics(NamedTuple):
    """The globe's measures in cm. pupil_x: where the pupil's middle is, eye-fixed."""

    ball_radius: float
    cornea_radius: float
    cornea_centre: float
    limbus_distance: float
    limbus_radius: float
    iris_distance: float
    pupil_x: float
    refractive_index: float


class Pixels(NamedTuple):
    """The camera as kernels take it: place (3), axes (3, 3) by rows, focal length and middle in pixels.

    Numbers in tuples, as is `turn` everywhere: numba counts who holds an array each time one is taken out
    of a tuple, at every pixel.
    """

    origin: tuple[float, float, float]
    axes: Rows
    focal: float
    middle_x: float
    middle_y: float


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def ray_of(x_px, y_px, pixels):
    """Unit direction of the ray through a point of the picture (a pixel's middle is at its whole number)."""
    a = (x_px - pixels.middle_x) / pixels.focal
    b = (y_px - pixels.middle_y) / pixels.focal
    axes = pixels.axes
    x = axes[2][0] + a * axes[0][0] + b * axes[1][0]
    y = axes[2][1] + a * axes[0][1] + b * axes[1][1]
    z = axes[2][2] + a * axes[0][2] + b * axes[1][2]
    scale = 1.0 / math.sqrt(x * x + y * y + z * z)
    return x * scale, y * scale, z * scale


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def project(x, y, z, pixels):
    """Where a point appears: (x_px, y_px, depth in cm)."""
    x, y, z = x - pixels.origin[0], y - pixels.origin[1], z - pixels.origin[2]
    axes = pixels.axes
    depth = axes[2][0] * x + axes[2][1] * y + axes[2][2] * z
    a = axes[0][0] * x + axes[0][1] * y + axes[0][2] * z
    b = axes[1][0] * x + axes[1][1] * y + axes[1][2] * z
    return pixels.middle_x + pixels.focal * a / depth, pixels.middle_y + pixels.focal * b / depth, depth


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def to_sphere(ox, oy, oz, dx, dy, dz, radius):
    """How far along a ray (from o, unit d) a sphere about 0 is hit from outside; -1 if it is missed."""
    b = ox * dx + oy * dy + oz * dz
    root = b * b - (ox * ox + oy * oy + oz * oz - radius * radius)
    if root <= 0:
        return -1.0
    return -b - math.sqrt(root)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def to_iris(hx, hy, hz, dx, dy, dz, optics):
    """A ray that meets the cornea at h, eye-fixed, refracted to the plane of the iris: (is it met, u, v)."""
    nx, ny = hx / optics.cornea_radius, hy / optics.cornea_radius
    nz = (hz - optics.cornea_centre) / optics.cornea_radius
    ratio = 1.0 / optics.refractive_index
    cosine = -(nx * dx + ny * dy + nz * dz)
    bend = ratio * cosine - math.sqrt(max(0.0, 1.0 - ratio * ratio * (1.0 - cosine * cosine)))
    rx, ry, rz = ratio * dx + bend * nx, ratio * dy + bend * ny, ratio * dz + bend * nz
    if rz > -1e-3:
        return False, 0.0, 0.0
    s = (optics.iris_distance - hz) / rz
    return True, hx + s * rx, hy + s * ry


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def through_cornea(ox, oy, oz, dx, dy, dz, optics):
    """A ray, eye-fixed, refracted to the plane of the iris.

    Returns (t, u, v, rim): how far along the ray the cornea is (-1: missed), where the plane is met, and the
    distance of the cornea's point from the axis.
    """
    t = to_sphere(ox, oy, oz - optics.cornea_centre, dx, dy, dz, optics.cornea_radius)
    if t < 0:
        return -1.0, 0.0, 0.0, 0.0
    hx, hy, hz = ox + t * dx, oy + t * dy, oz + t * dz
    is_met, u, v = to_iris(hx, hy, hz, dx, dy, dz, optics)
    if not is_met:
        return -1.0, 0.0, 0.0, 0.0
    return t, u, v, math.sqrt(hx * hx + hy * hy)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def _followed(x_px, y_px, pixels, turn, optics):
    """`through_cornea` of the ray through a point of the picture. turn (3, 3): eye-fixed axes as columns."""
    dx, dy, dz = ray_of(x_px, y_px, pixels)
    o = pixels.origin
    return through_cornea(
        turn[0][0] * o[0] + turn[1][0] * o[1] + turn[2][0] * o[2],
        turn[0][1] * o[0] + turn[1][1] * o[1] + turn[2][1] * o[2],
        turn[0][2] * o[0] + turn[1][2] * o[1] + turn[2][2] * o[2],
        turn[0][0] * dx + turn[1][0] * dy + turn[2][0] * dz,
        turn[0][1] * dx + turn[1][1] * dy + turn[2][1] * dz,
        turn[0][2] * dx + turn[1][2] * dy + turn[2][2] * dz,
        optics,
    )


@njit(cache=True, nogil=True)
def iris_point_of(x_px, y_px, pixels, turn, optics):
    """Where on the plane of the iris the ray through a point of the picture ends: (u, v), eye-fixed cm; NaN
    where it misses the cornea."""
    t, u, v, _ = _followed(x_px, y_px, pixels, turn, optics)
    if t < 0:
        return math.nan, math.nan
    return u, v


@njit(cache=True, nogil=True)
def rim_of(x_px, y_px, pixels, turn, optics):
    """How far from its axis (cm) the ray through a point of the picture enters the cornea; infinite if it
    does not."""
    t, _, _, rim = _followed(x_px, y_px, pixels, turn, optics)
    return rim if t > 0 else math.inf


@njit(cache=True, nogil=True)
def image_of_iris_point(u, v, x_px, y_px, pixels, turn, optics):
    """Where a point (u, v) of the iris appears through the cornea: Newton's method from a guess in pixels,
    until the ray through it ends there. (NaN, NaN) if no ray does."""
    for _ in range(12):
        u0, v0 = iris_point_of(x_px, y_px, pixels, turn, optics)
        if math.isnan(u0):
            return math.nan, math.nan
        if abs(u0 - u) + abs(v0 - v) < 1e-7:
            return x_px, y_px
        u1, v1 = iris_point_of(x_px + 0.05, y_px, pixels, turn, optics)
        u2, v2 = iris_point_of(x_px, y_px + 0.05, pixels, turn, optics)
        a, b, c, d = (u1 - u0) / 0.05, (u2 - u0) / 0.05, (v1 - v0) / 0.05, (v2 - v0) / 0.05
        determinant = a * d - b * c
        if math.isnan(determinant) or determinant == 0:
            return math.nan, math.nan
        x_px += (d * (u - u0) - b * (v - v0)) / determinant
        y_px += (a * (v - v0) - c * (u - u0)) / determinant
    return math.nan, math.nan


@njit(cache=True, nogil=True)
def pupil_outline(radius, pixels, turn, optics):
    """The pupil's rim as it appears: pixels (OUTLINE_POINTS, 2); NaN where the eye is turned so far that a
    part cannot be seen."""
    z = optics.iris_distance
    px = optics.pupil_x
    x, y, _ = project(
        turn[0][0] * px + turn[0][2] * z,
        turn[1][0] * px + turn[1][2] * z,
        turn[2][0] * px + turn[2][2] * z,
        pixels,
    )
    x, y = image_of_iris_point(px, 0.0, x, y, pixels, turn, optics)
    outline = np.full((OUTLINE_POINTS, 2), np.nan)
    for k in range(OUTLINE_POINTS):
        angle = 2 * math.pi * k / OUTLINE_POINTS
        u, v = px + radius * math.cos(angle), radius * math.sin(angle)
        if k == 0:  # out to the rim in steps that Newton's method is sure of
            x, y = image_of_iris_point(px + 0.5 * radius, 0.0, x, y, pixels, turn, optics)
        x, y = image_of_iris_point(u, v, x, y, pixels, turn, optics)
        outline[k, 0], outline[k, 1] = x, y
    return outline


def ellipse_of(outline: np.ndarray) -> tuple[float, float, float, float, float]:
    """The ellipse of a closed polygon (n, 2) whose corners lie on it.

    Returns its area's centroid (x, y), full major and minor axis, and the major axis's angle in degrees
    from x towards y, in [0, 180). Axes are those of the ellipse with the polygon's second moments, made
    larger by as much as a regular polygon's moments are smaller than its circle's.

    >>> angles = np.arange(64) * 2 * np.pi / 64
    >>> [round(v, 6) for v in ellipse_of(np.stack([5 + 3 * np.cos(angles), 7 + 2 * np.sin(angles)], -1))]
    [5.0, 7.0, 6.0, 4.0, 0.0]
    """
    anchor = outline.mean(0)
    x, y = (outline - anchor).T
    x1, y1 = np.roll(x, -1), np.roll(y, -1)
    cross = x * y1 - x1 * y
    area = cross.sum() / 2
    cx, cy = ((x + x1) * cross).sum() / (6 * area), ((y + y1) * cross).sum() / (6 * area)
    xx = ((x * x + x * x1 + x1 * x1) * cross).sum() / (12 * area) - cx * cx
    yy = ((y * y + y * y1 + y1 * y1) * cross).sum() / (12 * area) - cy * cy
    xy = ((x * y1 + 2 * x * y + 2 * x1 * y1 + x1 * y) * cross).sum() / (24 * area) - cx * cy
    larger = 3 / (2 + math.cos(2 * math.pi / len(outline)))
    half, apart = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    angle = math.degrees(math.atan2(2 * xy, xx - yy) / 2) % 180 % 180  # -0 % 180 is 180
    return (
        float(anchor[0] + cx),
        float(anchor[1] + cy),
        4 * math.sqrt(larger * (half + apart)),
        4 * math.sqrt(larger * max(0.0, half - apart)),
        angle,
    )
