"""How much of the pupil the lids leave free. A numba kernel."""

from __future__ import annotations

from tinytracker.synthetic.jit import njit
from tinytracker.synthetic.near_eye.optics import ray_of, rim_of, to_sphere
from tinytracker.synthetic.near_eye.shade import along
from tinytracker.synthetic.near_eye.surface import meet

RINGS = 4


@njit(cache=True, nogil=True)
def visible_share(outline, middle, pixels, turn, surface, curves, optics, inward):
    """Share of the pupil's picture, by points in rings of equal area, that is seen through the cornea and
    that neither a lid's outer edge nor its inner one hides."""
    free = 0
    o = pixels.origin
    for k in range(outline.shape[0]):
        for ring in range(RINGS):
            share = ((ring + 0.5) / RINGS) ** 0.5
            x_px = middle[0] + share * (outline[k, 0] - middle[0])
            y_px = middle[1] + share * (outline[k, 1] - middle[1])
            if rim_of(x_px, y_px, pixels, turn, optics) > optics.limbus_radius:
                continue
            dx, dy, dz = ray_of(x_px, y_px, pixels)
            t = meet(o[0], o[1], o[2], dx, dy, dz, (1.2 - o[2]) / dz, surface)
            x, y = o[0] + t * dx, o[1] + t * dy
            at = (x + curves.reach) * curves.per_cm
            if y > along(curves.upper, at) or y < along(curves.lower, at):
                continue
            t = to_sphere(o[0], o[1], o[2], dx, dy, dz, optics.ball_radius)
            if t > 0:
                x, y = (o[0] + t * dx) * inward, (o[1] + t * dy) * inward
                at = (x + curves.reach) * curves.per_cm
                if y > along(curves.upper, at) or y < along(curves.lower, at):
                    continue
            free += 1
    return free / (outline.shape[0] * RINGS)
