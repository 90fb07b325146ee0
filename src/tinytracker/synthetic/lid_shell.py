"""The surface of shut lids over a globe of true size, the same on every kind of head; the shader cuts the
opening of each frame into it."""

from __future__ import annotations

import numpy as np

LID_THICKNESS_CM = 0.14
_SHELL_RADIUS_CM = 1.52


def lid_shell(x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """Depths `z` with closed lids bulging over one eye.

    The shell is the globe plus a lid's thickness, flattened towards the canthi: those lie about 0.7 cm
    (inner) and 0.3 cm (outer) in front of the eye's centre. centre: (3,). side: +1 left eye, -1 right eye.
    """
    dx, dy = (x - centre[0]) * side, y - centre[1]
    # The corners: a plane that rises towards the nose, under everything between brow and cheekbone.
    plane = centre[2] + 0.43 - 0.17 * dx
    z = z + np.exp(-((dx / 2.0) ** 4) - (dy / 1.1) ** 4) * (_blend_max(z, plane, 0.4) - z)
    # The globe, flatter than its true curvature because lids bridge it.
    inside = np.maximum(_SHELL_RADIUS_CM**2 - dx**2 - (1.1 * dy) ** 2, 0)
    globe = centre[2] + np.sqrt(inside) - _SHELL_RADIUS_CM + 1.25 + LID_THICKNESS_CM
    z = _blend_max(z, np.where(inside > 0, globe, z - 1), 0.22)
    # Nothing stands proud of it within the opening.
    proud = np.exp(-((dx / 1.72) ** 8) - (dy / 0.75) ** 6)
    return z - proud * np.maximum(0, z - np.maximum(globe, plane) - 0.08)


def _blend_max(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The larger of both, rounded where they cross."""
    share = np.clip(0.5 + 0.5 * (b - a) / softness, 0, 1)
    return a * (1 - share) + b * share + softness * share * (1 - share)


def smooth(values: np.ndarray, window: int, axis: int) -> np.ndarray:
    """Hann-window average along an axis, ends repeated."""
    kernel = np.hanning(window + 2)[1:-1]
    kernel /= kernel.sum()
    pad = [(window // 2, window // 2) if a == axis else (0, 0) for a in range(values.ndim)]
    return np.apply_along_axis(
        lambda v: np.convolve(v, kernel, "valid"), axis, np.pad(values, pad, mode="edge")
    )
