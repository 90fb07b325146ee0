"""Every change of frame of reference and unit. All functions take floats or arrays and broadcast.

Frames of reference
- Prediction space (GazeCapture, "Eye Tracking for Everyone", CVPR 2016, section 4.1): cm, origin at the
  camera, x to the right and y up as the person sees the device, whatever its orientation.
- Screen: from the top-left corner of the active area in the current orientation, x right, y down; in cm, or
  in points (the unit of GazeCapture's XPts, YPts; pixels on laptops and monitors).
- Camera frame (synthetic people, head positions): cm, origin at the camera, X to the image's right, Y up, the
  camera looks along -Z. A front camera's image is not mirrored: X = -x of the prediction space, Y = y.

Orientation (UIInterfaceOrientation): 1 portrait, 2 portrait upside down, 3 landscape with the home button on
the right, 4 landscape with the home button on the left.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytracker.devices import Device
from tinytracker.errors import UsageError

Values = Any  # a float or an array of floats


class Orientation(IntEnum):
    PORTRAIT = 1
    UPSIDE_DOWN = 2
    LANDSCAPE_HOME_RIGHT = 3
    LANDSCAPE_HOME_LEFT = 4

    @property
    def is_landscape(self) -> bool:
        return self >= Orientation.LANDSCAPE_HOME_RIGHT


def orientation_of(value: int) -> Orientation:
    """The orientation of a number; raises UsageError unless it is 1, 2, 3 or 4."""
    try:
        return Orientation(value)
    except ValueError as error:
        raise UsageError(
            f"orientation must be 1 (portrait), 2 (upside down), 3 or 4 (landscape), not {value!r}"
        ) from error


def screen_size_cm(device: Device, orientation: int) -> tuple[float, float]:
    """Width and height in cm of the active area as the person sees it."""
    width, height = device.screen_width_cm, device.screen_height_cm
    return (height, width) if orientation_of(orientation).is_landscape else (width, height)


def screen_size_points(device: Device, orientation: int, *, zoomed: bool = False) -> tuple[int, int]:
    """Width and height in points as the person sees it.

    zoomed: with iOS's Display Zoom. Raises UsageError if the device has none.
    """
    if zoomed and device.zoomed_points is None:
        raise UsageError(f"{device.name} has no Display Zoom")
    width, height = (
        device.zoomed_points
        if zoomed and device.zoomed_points
        else (device.width_points, device.height_points)
    )
    return (height, width) if orientation_of(orientation).is_landscape else (width, height)


def screen_to_camera_cm(
    x_cm: Values, y_cm: Values, device: Device, orientation: int
) -> tuple[Values, Values]:
    """Screen cm -> prediction space cm."""
    across, down = device.camera_to_screen_x_cm, device.camera_to_screen_y_cm
    width, height = device.screen_width_cm, device.screen_height_cm
    match orientation_of(orientation):
        case Orientation.PORTRAIT:
            return x_cm - across, -down - y_cm
        case Orientation.UPSIDE_DOWN:
            return across - width + x_cm, down + height - y_cm
        case Orientation.LANDSCAPE_HOME_RIGHT:
            return down + x_cm, width - across - y_cm
        case Orientation.LANDSCAPE_HOME_LEFT:
            return x_cm - down - height, across - y_cm


def camera_to_screen_cm(
    x_cm: Values, y_cm: Values, device: Device, orientation: int
) -> tuple[Values, Values]:
    """Prediction space cm -> screen cm; the inverse of `screen_to_camera_cm`."""
    across, down = device.camera_to_screen_x_cm, device.camera_to_screen_y_cm
    width, height = device.screen_width_cm, device.screen_height_cm
    match orientation_of(orientation):
        case Orientation.PORTRAIT:
            return x_cm + across, -down - y_cm
        case Orientation.UPSIDE_DOWN:
            return x_cm - across + width, down + height - y_cm
        case Orientation.LANDSCAPE_HOME_RIGHT:
            return x_cm - down, width - across - y_cm
        case Orientation.LANDSCAPE_HOME_LEFT:
            return x_cm + down + height, across - y_cm


PointsSize = tuple[
    int, int
]  # width and height of the active area in points, as the person sees it (screen.json's W, H)


def points_to_cm(
    x_points: Values,
    y_points: Values,
    device: Device,
    orientation: int,
    size_points: PointsSize | None = None,
) -> tuple[Values, Values]:
    """Screen points -> screen cm. size_points: the active area where it is not the device's own (Display
    Zoom)."""
    (width_cm, height_cm), (width, height) = _sizes(device, orientation, size_points)
    return x_points * (width_cm / width), y_points * (height_cm / height)


def cm_to_points(
    x_cm: Values, y_cm: Values, device: Device, orientation: int, size_points: PointsSize | None = None
) -> tuple[Values, Values]:
    """Screen cm -> screen points; the inverse of `points_to_cm`."""
    (width_cm, height_cm), (width, height) = _sizes(device, orientation, size_points)
    return x_cm * (width / width_cm), y_cm * (height / height_cm)


def _sizes(
    device: Device, orientation: int, size_points: PointsSize | None
) -> tuple[tuple[float, float], PointsSize]:
    """The screen's size in cm and in points; raises UsageError unless the points are positive."""
    size = size_points or screen_size_points(device, orientation)
    if min(size) <= 0:
        raise UsageError(f"a screen's size in points must be positive, not {size[0]} x {size[1]}")
    return screen_size_cm(device, orientation), size


def camera_cm_to_points(
    x_cm: Values, y_cm: Values, device: Device, orientation: int = 1, size_points: PointsSize | None = None
) -> tuple[Values, Values]:
    """Prediction space cm -> screen points (pixels on laptops and monitors): from a gaze point to the
    screen."""
    return cm_to_points(
        *camera_to_screen_cm(x_cm, y_cm, device, orientation), device, orientation, size_points
    )


def points_to_camera_cm(
    x_points: Values,
    y_points: Values,
    device: Device,
    orientation: int = 1,
    size_points: PointsSize | None = None,
) -> tuple[Values, Values]:
    """Screen points -> prediction space cm; the inverse of `camera_cm_to_points`."""
    return screen_to_camera_cm(
        *points_to_cm(x_points, y_points, device, orientation, size_points), device, orientation
    )


def prediction_to_camera_frame(x_cm: Values, y_cm: Values) -> np.ndarray:
    """A point of prediction space as (..., 3) cm in the camera frame: the screen lies in the plane Z = 0."""
    x_cm, y_cm = np.broadcast_arrays(np.asarray(x_cm, float), np.asarray(y_cm, float))
    return np.stack([-x_cm, y_cm, np.zeros_like(x_cm)], axis=-1)


def visual_angle_deg(x_cm: Values, y_cm: Values, distance_cm: Values) -> tuple[Values, Values]:
    """Visual angles (right, up) in degrees between the camera and a point of prediction space.

    Seen from an eye straight before the camera at `distance_cm`: atan(x / d), atan(y / d). Raises UsageError
    unless the distance is positive.
    """
    if np.any(np.asarray(distance_cm) <= 0):
        raise UsageError(f"a viewing distance must be positive, in cm, not {distance_cm!r}")
    return np.degrees(np.arctan2(x_cm, distance_cm)), np.degrees(np.arctan2(y_cm, distance_cm))


def point_at_angle_cm(x_deg: Values, y_deg: Values, distance_cm: Values) -> tuple[Values, Values]:
    """The inverse of `visual_angle_deg`: prediction space cm of a direction at a distance; |angles| below
    90 degrees."""
    return np.tan(np.radians(x_deg)) * distance_cm, np.tan(np.radians(y_deg)) * distance_cm


def error_deg(error_cm: Values, distance_cm: Values) -> Values:
    """An error in cm on the screen plane as a visual angle in degrees: atan(e / d), the usual convention
    of the field."""
    return np.degrees(np.arctan2(error_cm, distance_cm))


def gaze_direction(x_cm: Values, y_cm: Values, eye_cm: np.ndarray) -> NDArray[np.float64]:
    """Unit vectors (..., 3) in the camera frame from eyes at `eye_cm` (..., 3) to points of prediction
    space."""
    direction = prediction_to_camera_frame(x_cm, y_cm) - eye_cm
    unit: NDArray[np.float64] = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    return unit


def gaze_on_screen_plane(eye_cm: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where gaze rays meet the screen plane Z = 0, as prediction space (x, y) cm; the inverse of
    `gaze_direction`.

    eye_cm, direction: (..., 3) in the camera frame; eyes at Z < 0, directions with Z > 0. Rays that never
    meet the plane give NaN.
    """
    eye_cm, direction = np.asarray(eye_cm, float), np.asarray(direction, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(direction[..., 2] > 0, -eye_cm[..., 2] / direction[..., 2], np.nan)
    hit = eye_cm + steps[..., None] * direction
    return -hit[..., 0], hit[..., 1]


def direction_to_angles_deg(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Yaw (positive to the image's right) and pitch (positive up) in degrees of directions (..., 3) in the
    camera frame."""
    horizontal = np.hypot(direction[..., 0], direction[..., 2])
    return np.degrees(np.arctan2(direction[..., 0], direction[..., 2])), np.degrees(
        np.arctan2(direction[..., 1], horizontal)
    )


def angles_deg_to_direction(yaw_deg: Values, pitch_deg: Values) -> np.ndarray:
    """The inverse of `direction_to_angles_deg`: unit vectors (..., 3) in the camera frame."""
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    return np.stack(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch) * np.ones_like(yaw), np.cos(yaw) * np.cos(pitch)], axis=-1
    )
