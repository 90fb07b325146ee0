"""The monitors of this computer, by screeninfo: pixels, place on the desktop, and millimetres as they say
themselves."""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.devices import Device
from tinytracker.errors import DeviceError, MissingExtraError, UsageError


@dataclass(frozen=True, slots=True)
class Monitor:
    """x_px, y_px: of its upper left corner on the desktop, negative left of or above the primary one.
    width_cm, height_cm: of the picture as the monitor says; None if it does not."""

    name: str
    x_px: int
    y_px: int
    width_px: int
    height_px: int
    width_cm: float | None
    height_cm: float | None
    is_primary: bool = False

    def __str__(self) -> str:
        size = "size unknown" if self.width_cm is None else f"{self.width_cm:g} x {self.height_cm:g} cm"
        place = f"at {self.x_px}, {self.y_px}{', primary' if self.is_primary else ''}"
        return f"{self.name}, {self.width_px} x {self.height_px} px, {size}, {place}"


def list_monitors() -> list[Monitor]:
    """The monitors; raises MissingExtraError without screeninfo, DeviceError where there is no display."""
    try:
        import screeninfo
    except ModuleNotFoundError as error:
        raise MissingExtraError("screeninfo", "web") from error
    try:
        found = screeninfo.get_monitors()
    except screeninfo.ScreenInfoError as error:
        raise DeviceError(
            "no monitor is to be seen from here (no display, or a remote one); say what it is by --width-cm, "
            "--width-px and --height-px, or measure it by --measure"
        ) from error
    return [
        Monitor(
            name=one.name or f"monitor {number}",
            x_px=one.x,
            y_px=one.y,
            width_px=one.width,
            height_px=one.height,
            width_cm=one.width_mm / 10 if one.width_mm else None,
            height_cm=one.height_mm / 10 if one.height_mm else None,
            is_primary=bool(one.is_primary),
        )
        for number, one in enumerate(found)
    ]


def screen_of_monitor(
    monitor: Monitor,
    width_cm: float | None = None,
    height_cm: float | None = None,
    camera_above_cm: float = 1.0,
    camera_right_cm: float | None = None,
) -> Device:
    """The screen for `--screen`. width_cm, height_cm: measured, instead of what the monitor says; of one
    alone the other follows from the pixels. Raises UsageError if no size is known."""
    if width_cm is None and height_cm is None:
        width_cm, height_cm = monitor.width_cm, monitor.height_cm
    if width_cm is None and height_cm is None:
        raise UsageError(
            f"{monitor.name} does not say how large it is; measure its picture and give --width-cm"
        )
    if width_cm is None:
        assert height_cm is not None
        width_cm = height_cm * monitor.width_px / monitor.height_px
    if height_cm is None:
        height_cm = width_cm * monitor.height_px / monitor.width_px
    if not (1 <= width_cm <= 1000 and 1 <= height_cm <= 1000):
        raise UsageError(
            f"a screen of {width_cm:g} x {height_cm:g} cm is none; expected its picture's size in cm"
        )
    return Device(
        name=monitor.name,
        kind="monitor" if width_cm > 40 else "laptop",
        screen_width_cm=round(width_cm, 2),
        screen_height_cm=round(height_cm, 2),
        camera_to_screen_x_cm=round(width_cm / 2 if camera_right_cm is None else camera_right_cm, 2),
        camera_to_screen_y_cm=camera_above_cm,
        width_points=monitor.width_px,
        height_points=monitor.height_px,
    )
