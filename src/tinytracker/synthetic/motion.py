"""What a device's motion sensors would have said: GazeCapture's motion.json, a stream of samples at 60 Hz.

The values are those of Apple's CMDeviceMotion, the keys the dataset's: each sample has `DotNum` and `Time`
(seconds since that dot appeared) and, in the device's own axes (x to its right, y to its top, z out of its
screen), `GravityX` (all three components, in g, in spite of its name), `UserAcceleration` (g), `RotationRate`
(rad/s), and the attitude against a frame whose z points up, as `AttitudeRotationMatrix` (row by row, that
frame to the device), `AttitudeQuaternion` (x, y, z, w), `AttitudeYaw`, `AttitudePitch` and `AttitudeRoll`
(rad).

Nothing that is rendered depends on this: a hand's tremor below a degree would not be seen in a frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

RATE_HZ = 60
TREMOR_DEG = 0.4  # standard deviation of a hand-held device about its usual attitude
TREMOR_S = 0.5  # for how long it stays on one side
ACCELERATION_G = 0.01
AT_REST = 0.02  # share of the tremor that a laptop or monitor on a table has
_DECIMALS = 5


def motion_samples(
    frames: Iterable[tuple[int, float, int]], is_held: bool, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Samples while frames are taken: from each dot's first frame to its last.

    frames: (number of the dot, seconds since it appeared, orientation 1-4) of each. is_held: in the hand, not
    on a table.
    """
    tilt = math.radians(rng.uniform(20, 80) if is_held else rng.uniform(65, 90))
    yaw = rng.uniform(-math.pi, math.pi)
    spans: dict[int, tuple[float, float, int]] = {}
    for dot, time_s, orientation in frames:
        first, last, _ = spans.get(dot, (time_s, time_s, orientation))
        spans[dot] = min(first, time_s), max(last, time_s), orientation
    samples = []
    for dot, (first, last, orientation) in spans.items():
        times_s = first + np.arange(int((last - first) * RATE_HZ) + 1) / RATE_HZ
        samples += _samples_of_dot(
            dot, times_s, _usual_angles(tilt, yaw, orientation), 1.0 if is_held else AT_REST, rng
        )
    return samples


def _usual_angles(tilt: float, yaw: float, orientation: int) -> np.ndarray:
    """(pitch, roll, yaw) in radians of a device tilted back from lying flat so that its picture is
    upright."""
    pitch, roll = {1: (tilt, 0.0), 2: (-tilt, 0.0), 3: (0.0, -tilt), 4: (0.0, tilt)}[orientation]
    return np.array([pitch, roll, yaw])


def _samples_of_dot(
    dot: int, times_s: np.ndarray, usual: np.ndarray, share: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One dot's samples; the tremor is a first-order autoregressive process about the usual angles."""
    keep = math.exp(-1 / (RATE_HZ * TREMOR_S))
    shocks = rng.normal(0, math.radians(TREMOR_DEG) * share, (len(times_s) + 1, 3))
    shocks[1:] *= math.sqrt(1 - keep**2)
    tremor = np.empty_like(shocks)
    tremor[0] = shocks[0]
    for k in range(1, len(tremor)):
        tremor[k] = keep * tremor[k - 1] + shocks[k]
    angles = usual + tremor
    turns = np.stack([to_device(*one) for one in angles])
    steps = (
        turns[:-1] @ turns[1:].transpose(0, 2, 1) * RATE_HZ
    )  # about 1 + [rotation rate] / RATE_HZ, times RATE_HZ
    rates = (
        np.stack(
            [
                steps[:, 2, 1] - steps[:, 1, 2],
                steps[:, 0, 2] - steps[:, 2, 0],
                steps[:, 1, 0] - steps[:, 0, 1],
            ],
            1,
        )
        / 2
    )
    accelerations = rng.normal(0, ACCELERATION_G * share, (len(times_s), 3))
    return [
        {
            "DotNum": dot,
            "Time": round(float(times_s[k]), _DECIMALS),
            "GravityX": _rounded(-turns[k][:, 2]),
            "UserAcceleration": _rounded(accelerations[k]),
            "RotationRate": _rounded(rates[k]),
            "AttitudeRotationMatrix": _rounded(turns[k].ravel()),
            "AttitudeQuaternion": _rounded(quaternion(*angles[k])),
            "AttitudePitch": round(float(angles[k, 0]), _DECIMALS),
            "AttitudeRoll": round(float(angles[k, 1]), _DECIMALS),
            "AttitudeYaw": round(float(angles[k, 2]), _DECIMALS),
        }
        for k in range(len(times_s))
    ]


def to_device(pitch: float, roll: float, yaw: float) -> np.ndarray:
    """(3, 3), from the frame whose z points up to the device, which was turned about its own z, x and y,
    in this order."""
    (sp, sr, sy), (cp, cr, cy) = np.sin([pitch, roll, yaw]), np.cos([pitch, roll, yaw])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    return (about_z @ about_x @ about_y).T


def quaternion(pitch: float, roll: float, yaw: float) -> np.ndarray:
    """The device's turn out of the frame whose z points up, as (x, y, z, w)."""
    (sp, sr, sy), (cp, cr, cy) = (
        np.sin(np.array([pitch, roll, yaw]) / 2),
        np.cos(np.array([pitch, roll, yaw]) / 2),
    )
    return np.array(
        [
            cy * sp * cr - sy * cp * sr,
            cy * cp * sr + sy * sp * cr,
            cy * sp * sr + sy * cp * cr,
            cy * cp * cr - sy * sp * sr,
        ]
    )


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), _DECIMALS) + 0.0 for value in values]
