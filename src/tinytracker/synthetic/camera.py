"""The camera: a pinhole that maps the camera frame (cm) to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at the origin that looks along -Z, X to the image's right, Y up.

    f_px: focal length. cx_px, cy_px: where the optical axis meets the picture, pixels (the first pixel's
    centre is 0.5).
    """

    f_px: float
    cx_px: float
    cy_px: float
    width_px: int
    height_px: int

    def project(self, points_cm: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) [x to the right, y down] of points (..., 3) cm in the camera frame; they must
        lie at Z < 0."""
        points = np.asarray(points_cm, float)
        depth = -points[..., 2]
        return np.stack(
            [
                self.cx_px + self.f_px * points[..., 0] / depth,
                self.cy_px - self.f_px * points[..., 1] / depth,
            ],
            -1,
        )

    def ray(self, pixels: np.ndarray) -> np.ndarray:
        """Unit directions (..., 3) in the camera frame of pixels (..., 2); the inverse of `project` up to
        the distance."""
        pixels = np.asarray(pixels, float)
        across, up = (pixels[..., 0] - self.cx_px) / self.f_px, (self.cy_px - pixels[..., 1]) / self.f_px
        direction = np.stack([across, up, -np.ones_like(across)], -1)
        return direction / np.linalg.norm(direction, axis=-1, keepdims=True)
