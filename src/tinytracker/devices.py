"""The screens people look at: Apple's phones and tablets of GazeCapture, laptops, monitors, and one's own screen.

Lengths of Apple's devices are facts of Apple's drawings, as GazeCapture uses them. A laptop or monitor carries its size in
its name ("Laptop 31.0x17.4", "Monitor 60.0x34.0": width x height in cm), its camera above the middle of the screen.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tinytracker.errors import InputError, UsageError

DeviceKind = Literal["phone", "tablet", "laptop", "monitor"]


@dataclass(frozen=True, slots=True)
class Device:
    """A screen and its camera.

    screen_width_cm, screen_height_cm: active area in portrait (phones, tablets) or as it stands (laptops, monitors).
    camera_to_screen_x_cm: from the screen's left edge to the camera, positive to the right, in portrait.
    camera_to_screen_y_cm: from the camera down to the screen's top edge, in portrait.
    width_points, height_points: the unit of GazeCapture's XPts and YPts (pixels for laptops and monitors).
    """

    name: str
    kind: DeviceKind
    screen_width_cm: float
    screen_height_cm: float
    camera_to_screen_x_cm: float
    camera_to_screen_y_cm: float
    width_points: int
    height_points: int

    @property
    def turns(self) -> bool:
        """Whether people turn it: phones and tablets have four orientations, the others one."""
        return self.kind in ("phone", "tablet")


def _apple(name: str, *lengths_mm_and_points: float) -> Device:
    x_mm, y_mm, width_mm, height_mm, width_points, height_points = lengths_mm_and_points
    kind: DeviceKind = "tablet" if name.startswith("iPad") else "phone"
    return Device(name, kind, width_mm / 10, height_mm / 10, x_mm / 10, y_mm / 10, int(width_points), int(height_points))


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        _apple("iPhone 6s Plus", 23.54, 8.66, 68.36, 121.54, 414, 736),
        _apple("iPhone 6s", 18.61, 8.04, 58.49, 104.05, 375, 667),
        _apple("iPhone 6 Plus", 23.54, 8.65, 68.36, 121.54, 414, 736),
        _apple("iPhone 6", 18.61, 8.03, 58.5, 104.05, 375, 667),
        _apple("iPhone 5s", 25.85, 10.65, 51.7, 90.39, 320, 568),
        _apple("iPhone 5c", 25.85, 10.64, 51.7, 90.39, 320, 568),
        _apple("iPhone 5", 25.85, 10.65, 51.7, 90.39, 320, 568),
        _apple("iPhone 4s", 14.96, 9.78, 49.92, 74.88, 320, 480),
        _apple("iPad Mini", 60.7, 8.7, 121.3, 161.2, 768, 1024),
        _apple("iPad Air 2", 76.86, 7.37, 153.71, 203.11, 768, 1024),
        _apple("iPad Air", 74.4, 9.9, 149.0, 198.1, 768, 1024),
        _apple("iPad 4", 74.5, 10.5, 149.0, 198.1, 768, 1024),
        _apple("iPad 3", 74.5, 10.5, 149.0, 198.1, 768, 1024),
        _apple("iPad 2", 74.5, 10.5, 149.0, 198.1, 768, 1024),
        _apple("iPad Pro", 98.31, 10.69, 196.61, 262.15, 1024, 1366),
    )
}

_SIZED_NAME = re.compile(r"(Laptop|Monitor) (\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)")
# Webcams sit in the bezel, about a centimetre above the picture.
_WEBCAM_ABOVE_SCREEN_CM = 1.0
_POINTS_PER_CM = 40


def sized_device(kind: Literal["laptop", "monitor"], width_cm: float, height_cm: float) -> Device:
    """A laptop or monitor of a size, to the millimetre, with its webcam above the middle."""
    width_cm, height_cm = round(width_cm, 1), round(height_cm, 1)
    points = round(width_cm * _POINTS_PER_CM), round(height_cm * _POINTS_PER_CM)
    name = f"{kind.capitalize()} {width_cm}x{height_cm}"
    return Device(name, kind, width_cm, height_cm, width_cm / 2, _WEBCAM_ABOVE_SCREEN_CM, *points)


def device_named(name: str) -> Device:
    """The device of a name as it stands in info.json, whatever its case.

    Raises UsageError if the name is neither in the table nor of the form "Laptop WxH" or "Monitor WxH".
    """
    for known, device in DEVICES.items():
        if known.lower() == name.lower():
            return device
    if match := _SIZED_NAME.fullmatch(name):
        kind: Literal["laptop", "monitor"] = "laptop" if match[1] == "Laptop" else "monitor"
        return sized_device(kind, float(match[2]), float(match[3]))
    raise UsageError(f"unknown device {name!r}; expected one of {', '.join(DEVICES)}, or 'Laptop WxH' or 'Monitor WxH' in cm")


def read_screen(path: Path) -> Device:
    """A person's own screen from JSON with the fields of `Device`; kind defaults to "laptop", the camera above the middle.

    Raises InputError naming the file and the field.
    """
    try:
        fields = json.loads(path.read_text())
        width_cm, height_cm = float(fields["screen_width_cm"]), float(fields["screen_height_cm"])
        return Device(
            name=str(fields.get("name", path.stem)),
            kind=fields.get("kind", "laptop"),
            screen_width_cm=width_cm,
            screen_height_cm=height_cm,
            camera_to_screen_x_cm=float(fields.get("camera_to_screen_x_cm", width_cm / 2)),
            camera_to_screen_y_cm=float(fields.get("camera_to_screen_y_cm", _WEBCAM_ABOVE_SCREEN_CM)),
            width_points=int(fields["width_points"]),
            height_points=int(fields["height_points"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        wanted = "screen_width_cm, screen_height_cm, width_points and height_points"
        raise InputError(f"{path} is not a screen: {error!r}; expected JSON with {wanted}") from error


def screen_json(device: Device) -> str:
    """The JSON that `read_screen` reads."""
    return json.dumps(asdict(device), indent=2) + "\n"
