"""The screen the page is on: its pixels as the page counts them, its size in cm from wherever it can be
known."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Literal

from tinytracker.devices import Device, sized_device
from tinytracker.errors import TinytrackerError, UsageError
from tinytracker.tracking.monitors import list_monitors

SizeFrom = Literal["file", "edid", "card", "typed", "rendered", "guess"]
"""file: --screen. edid: the monitor says so. card: held against a bank card. typed: the person measured.
rendered: the demo's laptop. guess: nobody knows; then figures in cm and degrees are not told."""

CARD_WIDTH_CM = 8.560  # ISO/IEC 7810 ID-1
LARGEST_LAPTOP_CM = 42.0
_GUESSED_PX_PER_CM = 96 / 2.54  # a CSS pixel is meant to be 1/96 inch, at arm's length
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageScreen:
    """What the page says. width_px, height_px: CSS pixels of its screen. scale: device pixels per CSS pixel.
    left_px, top_px: the screen's corner on the desktop, negative for one left of or above the first."""

    width_px: int
    height_px: int
    scale: float = 1.0
    left_px: int = 0
    top_px: int = 0


@dataclass(frozen=True, slots=True)
class KnownScreen:
    """device: sizes and camera, its points being the page's CSS pixels. size_from: who says how large it
    is."""

    device: Device
    page: PageScreen
    size_from: SizeFrom

    @property
    def is_known(self) -> bool:
        """Whether cm and degrees mean something."""
        return self.size_from != "guess"

    def with_width(self, width_cm: float, size_from: SizeFrom) -> KnownScreen:
        """The same screen with another width; the height by its pixels, which are square."""
        if not 5 <= width_cm <= 300:
            raise UsageError(f"a screen {width_cm:.1f} cm wide; expected 5 to 300")
        return screen_of_width(self.page, width_cm, size_from)

    def with_camera(self, x_cm: float, y_cm: float) -> KnownScreen:
        """The camera elsewhere: x from the screen's left edge, y from the camera down to its upper edge."""
        device = replace(self.device, camera_to_screen_x_cm=x_cm, camera_to_screen_y_cm=y_cm)
        return replace(self, device=device)


def screen_of_width(page: PageScreen, width_cm: float, size_from: SizeFrom) -> KnownScreen:
    """A laptop or monitor as wide as that, the camera above its middle."""
    height_cm = width_cm * page.height_px / page.width_px
    device = sized_device("laptop" if width_cm <= LARGEST_LAPTOP_CM else "monitor", width_cm, height_cm)
    return KnownScreen(
        replace(device, width_points=page.width_px, height_points=page.height_px), page, size_from
    )


def find_screen(page: PageScreen, given: Device | None = None) -> KnownScreen:
    """The screen of a page: as the person's file (given, by --screen) says, or the monitor, or guessed."""
    if given is not None:
        return KnownScreen(
            replace(given, width_points=page.width_px, height_points=page.height_px), page, "file"
        )
    width_cm = _monitor_width_cm(page)
    if width_cm is not None:
        return screen_of_width(page, width_cm, "edid")
    return screen_of_width(page, page.width_px / _GUESSED_PX_PER_CM, "guess")


def _monitor_width_cm(page: PageScreen) -> float | None:
    """What the monitor of these pixels says of its width (EDID); None if none fits, or they contradict each
    other."""
    try:
        monitors = list_monitors()
    except TinytrackerError:
        return None
    except (
        Exception
    ) as error:  # it talks to X11 and Windows by ctypes: what goes wrong there is no reason to stop
        _log.info("the monitors' sizes are not known: %s", error)
        return None
    width_px, height_px = round(page.width_px * page.scale), round(page.height_px * page.scale)
    fitting = {
        round(monitor.width_cm, 1)
        for monitor in monitors
        if monitor.width_cm
        and abs(monitor.width_px - width_px) <= 2
        and abs(monitor.height_px - height_px) <= 2
    }
    return fitting.pop() if len(fitting) == 1 else None
