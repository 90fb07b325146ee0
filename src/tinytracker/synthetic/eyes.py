"""Aiming a pair of eyes at a point.

A person looks with the visual axis (through the fovea), but what a camera sees is the optical axis (through
the pupil and the cornea's centre); the two differ by kappa (about 4 deg: the visual axis lies nasally of the
optical one; Guestrin & Eizenman, "General theory of remote gaze estimation", 2006, sec. II). Labels are the
visual axes. Both are directions in any right-handed frame with X to the image's right, Y up, Z out of the
face; row 0 is the left eye (person's own), which is on the +X side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.subject import EYE_RADIUS_CM

SIDE = np.array([1.0, -1.0])
"""Sign of the temporal direction along X for [left, right]."""


@dataclass(frozen=True)
class Aim:
    """Both eyes' directions, head frame, unit vectors.

    visual_axes: (2, 3), exactly through the target. optical_axes: (2, 3), with kappa and fixation jitter.
    """

    visual_axes: np.ndarray
    optical_axes: np.ndarray


def yaw_pitch(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angles (radians) of directions (..., 3): yaw positive towards +X, pitch positive towards +Y."""
    return np.arctan2(direction[..., 0], direction[..., 2]), np.arctan2(
        direction[..., 1], np.hypot(direction[..., 0], direction[..., 2])
    )


def direction(yaw_rad: np.ndarray, pitch_rad: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) from angles; the inverse of `yaw_pitch`."""
    yaw_rad, pitch_rad = np.asarray(yaw_rad), np.asarray(pitch_rad)
    return np.stack(
        [np.sin(yaw_rad) * np.cos(pitch_rad), np.sin(pitch_rad), np.cos(yaw_rad) * np.cos(pitch_rad)], -1
    )


def aim(
    centres_cm: np.ndarray, target_cm: np.ndarray, kappa_rad: np.ndarray, fixation_rad: np.ndarray
) -> Aim:
    """Aim both eyes at a point.

    centres_cm: (2, 3) centres of rotation, head frame. target_cm: (3,), head frame. kappa_rad: (2, 2)
    [eye][nasal, up].
    fixation_rad: (2,) [yaw, pitch], common to both eyes: where the eyes really point against where the label
    says.
    """
    towards = target_cm - centres_cm
    visual = towards / np.linalg.norm(towards, axis=1, keepdims=True)
    yaw, pitch = yaw_pitch(visual)
    optical = direction(
        yaw + fixation_rad[0] + SIDE * kappa_rad[:, 0], pitch + fixation_rad[1] - kappa_rad[:, 1]
    )
    return Aim(visual, optical)


def torsion_free(axis: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) that turns +Z into `axis` (3,) by the shortest way.

    This is Listing's law with the head's Z as primary direction: an eye turns without rolling about its own
    axis.
    """
    x, y, z = axis
    if z < -0.999:
        raise ValueError(f"an eye cannot look backwards; got direction {axis}")
    k = 1 / (1 + z)
    return np.array([[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, z]])


def iris_distance_cm(iris_radius_cm: float) -> float:
    """From the centre of rotation to the plane of the iris as it appears through the cornea (refracted
    forward by 0.2 mm)."""
    return float(np.sqrt(EYE_RADIUS_CM**2 - iris_radius_cm**2) + 0.02)
