"""What a person sits at: a screen, how far away, seen by which lens, and where on it or around it they look.

Phones and tablets are GazeCapture's; laptops and monitors widen the range of distances and of gaze angles,
because a network that never saw a face far away stays at its training mean there. A third of the people look
at targets uniform in angle instead of at points on their screen, so that no network can read the screen's
size as a prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.devices import DEVICES, Device, DeviceKind, sized_device
from tinytracker.geometry import (
    camera_cm_to_points,
    cm_to_points,
    point_at_angle_cm,
    points_to_camera_cm,
    screen_size_cm,
)
from tinytracker.synthetic.camera import Camera

KIND_SHARES: dict[DeviceKind, float] = {"phone": 0.48, "tablet": 0.18, "laptop": 0.22, "monitor": 0.12}
WIDE_SHARE = 1 / 3
"""Share of the people, whatever their device, whose targets are uniform in angle."""
WIDE_X_DEG = (-22.0, 22.0)
WIDE_Y_DEG = (-26.0, 12.0)
FARTHEST_TARGET_CM = 38.0
"""No target lies farther than this from the camera, along either axis: our networks' output scale is 40
cm."""

LONG_SIDE_PX, SHORT_SIDE_PX = 640, 480

# GazeCapture's devices as often as they are in it, roughly; three nearly equal ones share their part.
_PHONES = {
    "iPhone 6": 0.20, "iPhone 6s": 0.16, "iPhone 6 Plus": 0.10, "iPhone 6s Plus": 0.09, "iPhone 5s": 0.14,
    "iPhone 5": 0.10,
    "iPhone 5c": 0.08, "iPhone 4s": 0.13,
}  # fmt: skip
_TABLETS = {
    "iPad 2": 0.16,
    "iPad 3": 0.10,
    "iPad 4": 0.12,
    "iPad Air": 0.19,
    "iPad Air 2": 0.16,
    "iPad Mini": 0.17,
    "iPad Pro": 0.10,
}
# Mean, deviation, least and largest distance of the eyes from the camera.
_DISTANCE_CM: dict[DeviceKind, tuple[float, float, float, float]] = {
    "phone": (34, 6, 20, 55),
    "tablet": (42, 7, 25, 65),
    "laptop": (57, 9, 36, 85),
    "monitor": (68, 10, 45, 105),
}
# Focal length in pixels of a 640 x 480 picture; Apple's front cameras are alike, webcams differ more.
_FOCAL_PX: dict[DeviceKind, tuple[float, float, float, float]] = {
    "phone": (590, 25, 520, 660),
    "tablet": (590, 25, 520, 660),
    "laptop": (580, 60, 440, 720),
    "monitor": (560, 70, 420, 720),
}
_SCREEN_MARGIN_CM = 0.35  # a dot is drawn whole


@dataclass(frozen=True)
class Setup:
    """One person's device and habits of sitting before it.

    distance_cm: usual distance of the eyes from the screen's plane. f_px: focal length. wide_targets: whether
    the targets are uniform in angle instead of on the screen.
    """

    device: Device
    distance_cm: float
    f_px: float
    wide_targets: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Setup:
        """A random setup of the mix above."""
        kinds = list(KIND_SHARES)
        kind: DeviceKind = kinds[rng.choice(len(kinds), p=np.array(list(KIND_SHARES.values())))]
        device = _draw_device(rng, kind)
        return cls(
            device,
            _clipped(rng, *_DISTANCE_CM[kind]),
            _clipped(rng, *_FOCAL_PX[kind]),
            bool(rng.random() < WIDE_SHARE),
        )

    @classmethod
    def at(cls, device: Device, rng: np.random.Generator, wide_targets: bool = False) -> Setup:
        """Somebody at a given device; distance and lens are drawn."""
        return cls(
            device,
            _clipped(rng, *_DISTANCE_CM[device.kind]),
            _clipped(rng, *_FOCAL_PX[device.kind]),
            wide_targets,
        )

    def orientation(self, rng: np.random.Generator) -> int:
        """How the device is held: iOS phones do not turn their picture upside down, tablets do."""
        if not self.device.turns:
            return 1
        shares = [0.50, 0.0, 0.27, 0.23] if self.device.kind == "phone" else [0.40, 0.10, 0.26, 0.24]
        return int(rng.choice([1, 2, 3, 4], p=shares))

    def camera(self, orientation: int) -> Camera:
        """The camera of a frame: upright pictures from phones and tablets held upright, wide ones from all
        others."""
        upright = self.device.turns and orientation < 3
        width, height = (SHORT_SIDE_PX, LONG_SIDE_PX) if upright else (LONG_SIDE_PX, SHORT_SIDE_PX)
        return Camera(self.f_px, width / 2, height / 2, width, height)

    def target_points(
        self, rng: np.random.Generator, orientation: int, distance_cm: float
    ) -> tuple[float, float]:
        """Where the next dot appears, in screen points; wide targets may lie outside the screen."""
        if self.wide_targets:
            x_cm, y_cm = point_at_angle_cm(rng.uniform(*WIDE_X_DEG), rng.uniform(*WIDE_Y_DEG), distance_cm)
            x, y = camera_cm_to_points(_limited(x_cm), _limited(y_cm), self.device, orientation)
            return float(x), float(y)
        width_cm, height_cm = screen_size_cm(self.device, orientation)
        margin = _SCREEN_MARGIN_CM
        x, y = cm_to_points(
            rng.uniform(margin, width_cm - margin),
            rng.uniform(margin, height_cm - margin),
            self.device,
            orientation,
        )
        return float(x), float(y)

    def target_cm(self, points: tuple[float, float], orientation: int) -> tuple[float, float]:
        """The label of a dot: prediction space (x, y) cm, computed from the points as every reader
        computes it."""
        x_cm, y_cm = points_to_camera_cm(*points, self.device, orientation)
        return float(x_cm), float(y_cm)


def _draw_device(rng: np.random.Generator, kind: DeviceKind) -> Device:
    if kind in ("phone", "tablet"):
        shares = _PHONES if kind == "phone" else _TABLETS
        return DEVICES[list(shares)[rng.choice(len(shares), p=np.array(list(shares.values())))]]
    if kind == "laptop":
        width_cm = rng.uniform(25, 38)
        return sized_device("laptop", width_cm, width_cm * rng.uniform(0.56, 0.66))
    width_cm = rng.uniform(44, 70)
    return sized_device("monitor", width_cm, min(36.0, width_cm * rng.uniform(0.43, 0.62)))


def _clipped(rng: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    return float(np.clip(rng.normal(mean, deviation), low, high))


def _limited(length_cm: float) -> float:
    return math.copysign(min(abs(length_cm), FARTHEST_TARGET_CM), length_cm)
