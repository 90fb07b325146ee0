"""The skin about an eye as a height over the face's plane, and where the camera's rays meet it. Numba
kernels.

Near the opening the lids lie on the ball; farther out brow, nose, cheek and temple take over smoothly.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.near_eye.optics import ray_of

EDGE_CM = 7.0
"""So far from the eye the face ends: the height goes on as it is there."""
FARTHEST_CM = 9.0


class Surface(NamedTuple):
    """lid_radius: of the lids' outer side. side: +1 left eye. The rest are heights (cm) and curvatures (1/cm)
    of what is around."""

    lid_radius: float
    side: float
    depth: float
    brow: float
    cheek: float
    nose: float
    temple: float


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def height(x, y, surface):
    """z (cm) of the skin at (x, y)."""
    x, y = min(max(x, -EDGE_CM), EDGE_CM), min(max(y, -EDGE_CM), EDGE_CM)
    temporal = x * surface.side
    r2 = x * x + y * y
    radius = surface.lid_radius
    cap2 = 0.72 * radius * radius
    if r2 < cap2:
        lid = math.sqrt(radius * radius - r2)
    else:  # beyond, a cone goes on where the sphere would end
        edge = math.sqrt(cap2)
        rim = math.sqrt(radius * radius - cap2)
        lid = rim - (math.sqrt(r2) - edge) * edge / rim
    across = surface.temple if temporal > 0 else surface.nose
    along = surface.brow if y > 0 else surface.cheek
    around = surface.depth + across * x * x / (1 + 0.1 * x * x) + along * y * y / (1 + 0.12 * y * y)
    apart = lid - around
    return 0.5 * (lid + around + math.sqrt(apart * apart + 0.1))


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True, inline="always")
def meet(ox, oy, oz, dx, dy, dz, t, surface):
    """How far along a ray the skin is, from a guess t: a few secant steps. FARTHEST_CM for a ray that passes
    the face by."""
    for _ in range(10):
        f = oz + t * dz - height(ox + t * dx, oy + t * dy, surface)
        if abs(f) < 1e-4:
            break
        s = t + 1e-3
        slope = (oz + s * dz - height(ox + s * dx, oy + s * dy, surface) - f) / 1e-3
        if slope > -0.2:
            slope = -0.2
        t -= min(max(f / slope, -0.5), 0.5)
    return min(max(t, 0.2), FARTHEST_CM)


@njit(fastmath=True, error_model="numpy", cache=True, nogil=True)
def lay_out(pixels, surface, lamps, powers, ambient, places, light, footprint, slant):
    """What of a picture depends on the camera's place alone.

    places (H, W, 2) float32: x and y where each pixel's ray meets the skin. light (H, W) float32: irradiance
    there, 1 for lamps that stand together 3 cm before it. footprint (H, W) float32: cm that a pixel covers.
    slant (H, W): cosine of each ray with the camera's axis.
    """
    h, w = light.shape
    o = pixels.origin
    guess = -1.0
    for j in range(h):
        t = guess
        for i in range(w):
            dx, dy, dz = ray_of(float(i), float(j), pixels)
            a, b = (i - pixels.middle_x) / pixels.focal, (j - pixels.middle_y) / pixels.focal
            slant[j, i] = 1.0 / math.sqrt(1.0 + a * a + b * b)
            if t < 0:
                t = (1.2 - o[2]) / dz
            t = meet(o[0], o[1], o[2], dx, dy, dz, t, surface)
            if i == 0:
                guess = t
            x, y = o[0] + t * dx, o[1] + t * dy
            places[j, i, 0] = x
            places[j, i, 1] = y
            footprint[j, i] = t / pixels.focal
            z = height(x, y, surface)
            gx = (height(x + 0.01, y, surface) - z) * 100
            gy = (height(x, y + 0.01, surface) - z) * 100
            scale = 1 / math.sqrt(1 + gx * gx + gy * gy)
            total = 0.0
            for k in range(lamps.shape[0]):
                lx, ly, lz = lamps[k, 0] - x, lamps[k, 1] - y, lamps[k, 2] - z
                square = lx * lx + ly * ly + lz * lz + 0.3
                cosine = (lz - gx * lx - gy * ly) * scale / math.sqrt(square)
                # Skin scatters light within: its shading is softer than Lambert's.
                total += powers[k] * max(0.0, 0.25 + 0.75 * cosine) * 9.0 / square
            light[j, i] = total + ambient


def surface_of(lid_radius_cm: float, side: float, rng: np.random.Generator) -> Surface:
    """Somebody's surroundings of the eye."""
    return Surface(
        lid_radius=lid_radius_cm,
        side=side,
        depth=float(rng.uniform(0.45, 0.85)),
        brow=float(rng.uniform(0.14, 0.32)),
        cheek=float(rng.uniform(-0.02, 0.14)),
        nose=float(rng.uniform(0.05, 0.18)),
        temple=float(rng.uniform(-0.16, -0.05)),
    )
