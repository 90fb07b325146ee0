"""Where a person's head is and how it is turned when they look somewhere.

Head and eyes share the work: the head takes 10 to 70 % of the way to the target, by habit, and the eyes the
rest; where the eyes would have to turn too far up or down, the head gives way. Faces seen from a hand-held
device look up at it a little: the head's pitch is 8 +- 11 degrees above the camera's axis, measured on
GazeCapture-like photographs.

Angles: yaw positive to the image's right, pitch positive up, roll positive counter-clockwise in the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.geometry import screen_size_cm, screen_to_camera_cm
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.setup import Setup

EYES_UP_DEG, EYES_DOWN_DEG, EYES_ASIDE_DEG = 16.0, 28.0, 30.0
"""How far the eyes turn in the head before the head takes over `_GIVE_WAY` of the rest."""
_GIVE_WAY = 0.9
_FACE_WIDTH_CM = 15.0


def rotation(yaw_rad: float, pitch_rad: float, roll_rad: float) -> np.ndarray:
    """Head frame -> camera frame (3, 3): roll about the face's own axis, then pitch, then yaw.

    At zero the face looks along +Z, straight into the camera. The face's direction has yaw and pitch as
    `geometry.direction_to_angles_deg` gives them.
    """
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    cp, sp = math.cos(-pitch_rad), math.sin(-pitch_rad)
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def angles_rad(turn: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a rotation (3, 3); the inverse of `rotation` for |pitch| < 90 degrees."""
    return (
        math.atan2(turn[0, 2], turn[2, 2]),
        math.asin(float(np.clip(turn[1, 2], -1, 1))),
        math.atan2(turn[1, 0], turn[1, 1]),
    )


@dataclass(frozen=True)
class Habit:
    """How one person holds the head: share of the gaze it follows, and [yaw, pitch, roll] at rest
    (radians)."""

    follow: float
    rest_rad: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Habit:
        return cls(float(rng.uniform(0.1, 0.7)), np.radians(rng.normal([0, 8, 0], [7, 11, 5])))


@dataclass(frozen=True)
class Sitting:
    """Where the head is for a while: [yaw, pitch, roll] on top of the habit, distance, and place in the
    picture.

    centre: (2,) [across, down] of the eyes' midpoint in the picture, in units of its usual spread.
    towards_screen: 0 the person keeps before the camera .. 1 before the middle of the screen.
    """

    turn_rad: np.ndarray
    distance_cm: float
    centre: np.ndarray
    towards_screen: float

    @classmethod
    def draw(cls, rng: np.random.Generator, distance_cm: float) -> Sitting:
        return cls(
            turn_rad=np.radians(rng.normal(0, [5, 5, 3])),
            distance_cm=distance_cm * math.exp(rng.normal(0, 0.08)),
            centre=rng.normal(0, 1, 2),
            towards_screen=float(rng.uniform(0, 0.8)),
        )


@dataclass(frozen=True)
class HeadPose:
    """position_cm: (3,) midpoint of the eyes, camera frame. rotation: (3, 3), head to camera frame."""

    position_cm: np.ndarray
    rotation: np.ndarray


@dataclass(frozen=True)
class Sway:
    """How a frame differs from the sitting: [yaw, pitch, roll], [across, down] in the picture's spread,
    log of distance."""

    turn_rad: np.ndarray
    centre: np.ndarray
    log_distance: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Sway:
        return cls(
            np.radians(rng.normal(0, [2.5, 2.5, 1.5])), rng.normal(0, 0.35, 2), float(rng.normal(0, 0.03))
        )

    @classmethod
    def none(cls) -> Sway:
        return cls(np.zeros(3), np.zeros(2), 0.0)

    def scaled(self, factor: float) -> Sway:
        return Sway(self.turn_rad * factor, self.centre * factor, self.log_distance * factor)


def head_pose(
    setup: Setup,
    orientation: int,
    camera: Camera,
    habit: Habit,
    sitting: Sitting,
    sway: Sway,
    target_cm: tuple[float, float],
) -> HeadPose:
    """The head of somebody who looks at `target_cm` (prediction space)."""
    position = _position(setup, orientation, camera, sitting, sway)
    towards = np.array([-target_cm[0], target_cm[1], 0.0]) - position
    gaze_yaw, gaze_pitch = (
        math.atan2(towards[0], towards[2]),
        math.atan2(towards[1], math.hypot(towards[0], towards[2])),
    )
    yaw, pitch, roll = habit.rest_rad + sitting.turn_rad + sway.turn_rad
    yaw = _given_way(gaze_yaw * habit.follow + yaw, gaze_yaw, EYES_ASIDE_DEG, EYES_ASIDE_DEG)
    pitch = _given_way(gaze_pitch * habit.follow + pitch, gaze_pitch, EYES_DOWN_DEG, EYES_UP_DEG)
    return HeadPose(position, rotation(yaw, pitch, roll))


def _given_way(head_rad: float, gaze_rad: float, below_deg: float, above_deg: float) -> float:
    """The head's angle after it has taken over what the eyes cannot turn."""
    eyes_rad = gaze_rad - head_rad
    beyond = min(0.0, eyes_rad + math.radians(below_deg)) + max(0.0, eyes_rad - math.radians(above_deg))
    return head_rad + _GIVE_WAY * beyond


def _position(setup: Setup, orientation: int, camera: Camera, sitting: Sitting, sway: Sway) -> np.ndarray:
    """The eyes' midpoint, kept where the whole face is in the picture."""
    distance_cm = sitting.distance_cm * math.exp(sway.log_distance)
    width_cm, height_cm = screen_size_cm(setup.device, orientation)
    middle_x_cm, _ = screen_to_camera_cm(width_cm / 2, height_cm / 2, setup.device, orientation)
    shift_px = -sitting.towards_screen * middle_x_cm * camera.f_px / distance_cm
    across, down = 0.8 * sitting.centre + sway.centre
    x_px = camera.cx_px + shift_px + across * 0.10 * camera.width_px
    y_px = camera.cy_px - 0.05 * camera.height_px + down * 0.09 * camera.height_px
    face_px = _FACE_WIDTH_CM * camera.f_px / distance_cm
    x_px = _kept(x_px, 0.45 * face_px, camera.width_px - 0.45 * face_px)
    y_px = _kept(y_px, 0.35 * face_px, camera.height_px - 0.65 * face_px)
    return (
        np.array([(x_px - camera.cx_px) / camera.f_px, (camera.cy_px - y_px) / camera.f_px, -1.0])
        * distance_cm
    )


def _kept(value: float, low: float, high: float) -> float:
    return (low + high) / 2 if low > high else min(max(value, low), high)
