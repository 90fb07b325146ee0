"""The screens people look at: Apple's phones and tablets of GazeCapture, laptops, monitors, and one's own
screen.

Lengths of Apple's devices are facts of Apple's drawings, as GazeCapture uses them. A laptop or monitor
carries its size in its name ("Laptop 31.0x17.4", "Monitor 60.0x34.0": width x height in cm), its camera above
the middle of the screen.

Pixel densities are Apple's, too, except that GazeCapture's table gives the iPad 3 132 per inch; its screen
has 264. "iPad Mini" stands for the Mini 2 and later (326; the first had 163), which have the same size.
Doubtful, but kept because the dataset's labels are made with it: the iPad Air 2's 153.71 mm, 4 % more than
its 1536 pixels at 264 per inch make.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tinytracker.errors import InputError, UsageError
from tinytracker.files import read_json, refuse_missing

DeviceKind = Literal["phone", "tablet", "laptop", "monitor"]


@dataclass(frozen=True, slots=True)
class Device:
    """A screen and its camera.

    screen_width_cm, screen_height_cm: active area in portrait (phones, tablets) or as it stands (laptops,
    monitors).
    camera_to_screen_x_cm: from the screen's left edge to the camera, positive to the right, in portrait.
    camera_to_screen_y_cm: from the camera down to the screen's top edge, in portrait.
    width_points, height_points: the unit of GazeCapture's XPts and YPts (pixels for laptops and monitors).
    zoomed_points: the same with iOS's Display Zoom on, where the device has it. pixels_per_inch: physical
    density, where known; on phones and tablets a point is several pixels.
    """

    name: str
    kind: DeviceKind
    screen_width_cm: float
    screen_height_cm: float
    camera_to_screen_x_cm: float
    camera_to_screen_y_cm: float
    width_points: int
    height_points: int
    zoomed_points: tuple[int, int] | None = None
    pixels_per_inch: float | None = None

    @property
    def turns(self) -> bool:
        """Whether people turn it: phones and tablets have four orientations, the others one."""
        return self.kind in ("phone", "tablet")


def _apple(
    name: str,
    camera_mm: tuple[float, float],
    screen_mm: tuple[float, float],
    points: tuple[int, int],
    pixels_per_inch: float,
    zoomed_points: tuple[int, int] | None = None,
) -> Device:
    (x_mm, y_mm), (width_mm, height_mm) = camera_mm, screen_mm
    kind: DeviceKind = "tablet" if name.startswith("iPad") else "phone"
    lengths_cm = width_mm / 10, height_mm / 10, x_mm / 10, y_mm / 10
    return Device(name, kind, *lengths_cm, *points, zoomed_points, pixels_per_inch)


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        _apple("iPhone 6s Plus", (23.54, 8.66), (68.36, 121.54), (414, 736), 401, (375, 667)),
        _apple("iPhone 6s", (18.61, 8.04), (58.49, 104.05), (375, 667), 326, (320, 568)),
        _apple("iPhone 6 Plus", (23.54, 8.65), (68.36, 121.54), (414, 736), 401, (375, 667)),
        _apple("iPhone 6", (18.61, 8.03), (58.5, 104.05), (375, 667), 326, (320, 568)),
        _apple("iPhone 5s", (25.85, 10.65), (51.7, 90.39), (320, 568), 326),
        _apple("iPhone 5c", (25.85, 10.64), (51.7, 90.39), (320, 568), 326),
        _apple("iPhone 5", (25.85, 10.65), (51.7, 90.39), (320, 568), 326),
        _apple("iPhone 4s", (14.96, 9.78), (49.92, 74.88), (320, 480), 326),
        _apple("iPad Mini", (60.7, 8.7), (121.3, 161.2), (768, 1024), 326),
        _apple("iPad Air 2", (76.86, 7.37), (153.71, 203.11), (768, 1024), 264),
        _apple("iPad Air", (74.4, 9.9), (149.0, 198.1), (768, 1024), 264),
        _apple("iPad 4", (74.5, 10.5), (149.0, 198.1), (768, 1024), 264),
        _apple("iPad 3", (74.5, 10.5), (149.0, 198.1), (768, 1024), 264),
        _apple("iPad 2", (74.5, 10.5), (149.0, 198.1), (768, 1024), 132),
        _apple("iPad Pro", (98.31, 10.69), (196.61, 262.15), (1024, 1366), 264, (768, 1024)),
    )
}

_SIZED_NAME = re.compile(r"(laptop|monitor) (\d{1,4}(?:\.\d+)?)x(\d{1,4}(?:\.\d+)?)", re.IGNORECASE)
_SMALLEST_SCREEN_CM = 1.0
# Webcams sit in the bezel, about a centimetre above the picture.
_WEBCAM_ABOVE_SCREEN_CM = 1.0
_POINTS_PER_CM = 40


def sized_device(kind: Literal["laptop", "monitor"], width_cm: float, height_cm: float) -> Device:
    """A laptop or monitor of a size, to the millimetre, with its webcam above the middle; its name says its
    size.

    Raises UsageError if a side is below a centimetre.
    """
    width_cm, height_cm = round(width_cm, 1), round(height_cm, 1)
    if not (width_cm >= _SMALLEST_SCREEN_CM and height_cm >= _SMALLEST_SCREEN_CM):
        raise UsageError(
            f"a {kind} of {width_cm} x {height_cm} cm is too small; expected width and height of its screen "
            f"in cm"
        )
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
        kind: Literal["laptop", "monitor"] = "laptop" if match[1].lower() == "laptop" else "monitor"
        return sized_device(kind, float(match[2]), float(match[3]))
    raise UsageError(
        f"unknown device {name!r}; expected one of {', '.join(DEVICES)}, or 'Laptop WxH' or 'Monitor WxH' "
        f"in cm"
    )


def read_screen(path: Path) -> Device:
    """A person's own screen from JSON: screen_width_cm, screen_height_cm, width_points, height_points (as
    windows are placed).

    May also hold name, kind (default "laptop"), camera_to_screen_x_cm (from the screen's left edge to the
    camera; default: the middle) and camera_to_screen_y_cm (from the camera down to the screen's top edge;
    default 1; negative if the camera looks through the screen). Raises InputError naming the file and the
    field.
    """
    refuse_missing(path, "a screen's JSON, which `tinytracker screen --out` writes")
    try:
        return screen_of(read_json(path), str(path), path.stem)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not a screen: {error}; expected JSON with {_SCREEN_FIELDS}") from error


_SCREEN_FIELDS = "screen_width_cm, screen_height_cm, width_points and height_points"


def screen_of(fields: Any, source: str, name: str = "screen") -> Device:
    """The screen of JSON's fields as `read_screen` has them; `source` is for messages, `name` if the
    fields have none."""
    try:
        width_cm, height_cm = _positive(fields, "screen_width_cm"), _positive(fields, "screen_height_cm")
        kind = fields.get("kind", "laptop")
        if kind not in get_args(DeviceKind):
            raise ValueError(f"kind is {kind!r}, not one of {', '.join(get_args(DeviceKind))}")
        return Device(
            name=str(fields.get("name", name)),
            kind=kind,
            screen_width_cm=width_cm,
            screen_height_cm=height_cm,
            camera_to_screen_x_cm=_finite(fields, "camera_to_screen_x_cm", width_cm / 2),
            camera_to_screen_y_cm=_finite(fields, "camera_to_screen_y_cm", _WEBCAM_ABOVE_SCREEN_CM),
            width_points=round(_positive(fields, "width_points")),
            height_points=round(_positive(fields, "height_points")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{source} is not a screen: {what}; expected JSON with {_SCREEN_FIELDS}") from error


def _finite(fields: dict[str, Any], name: str, default: float | None = None) -> float:
    value = float(fields[name] if default is None else fields.get(name, default))
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value


def _positive(fields: dict[str, Any], name: str) -> float:
    value = _finite(fields, name)
    if value <= 0:
        raise ValueError(f"{name} is {value}, not positive")
    return value


def screen_json(device: Device) -> str:
    """The JSON that `read_screen` reads."""
    fields = asdict(device)
    del fields["zoomed_points"], fields["pixels_per_inch"]
    return json.dumps(fields, indent=2) + "\n"
