"""Gaze and head angles of pictures that are mirrored or turned."""

from __future__ import annotations

import numpy as np

from tinytracker.geometry import angles_deg_to_direction, direction_to_angles_deg
from tinytracker.training.augment import turned
from tinytracker.training.samples import ANGLES


def mirrored_angles(angles: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Angles (n, 7) in the order of samples.ANGLES: eyes change places, yaw and roll change sign, pitch
    stays."""
    swapped = angles[:, [2, 3, 0, 1, 4, 5, 6]] * np.array([-1, 1, -1, 1, -1, 1, -1], np.float32)
    return np.where(mirrored[:, None], swapped, angles)


def turned_angles(angles: np.ndarray, turns_rad: np.ndarray) -> np.ndarray:
    """Angles (n, 7) in the order and units of samples.ANGLES, of pictures turned counter-clockwise by
    turns_rad (n,)."""
    units = np.array([unit for _, unit in ANGLES], np.float32)
    degrees = angles * units

    def turn(direction: np.ndarray) -> np.ndarray:
        """A direction (n, 3) of the camera frame; its Y is up."""
        across = turned(direction[:, :2] * [1, -1], turns_rad) * [1, -1]
        return np.concatenate([across, direction[:, 2:]], axis=1)

    for start in (0, 2):
        gaze = turn(angles_deg_to_direction(degrees[:, start], degrees[:, start + 1]))
        degrees[:, start], degrees[:, start + 1] = direction_to_angles_deg(gaze)
    # The head's roll is between its own sideways axis and the level one of a head with its yaw and pitch.
    forward, level = _forward_and_level(degrees[:, 4], degrees[:, 5])
    roll = np.radians(degrees[:, 6:])
    sideways = turn(np.cos(roll) * level + np.sin(roll) * np.cross(forward, level))
    degrees[:, 4], degrees[:, 5] = direction_to_angles_deg(turn(forward))
    forward, level = _forward_and_level(degrees[:, 4], degrees[:, 5])
    up = np.cross(forward, level)
    degrees[:, 6] = np.degrees(np.arctan2((sideways * up).sum(1), (sideways * level).sum(1)))
    return degrees / units


def _forward_and_level(yaw_deg: np.ndarray, pitch_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a face looks, and its sideways axis without roll: (n, 3) each, camera frame."""
    yaw = np.radians(yaw_deg)
    return angles_deg_to_direction(yaw_deg, pitch_deg), np.stack(
        [np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=1
    )
