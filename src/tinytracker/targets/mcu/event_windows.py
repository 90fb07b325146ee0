"""What a board sees of an event camera, as C: the templates in boards/events and the settings they read."""

from __future__ import annotations

from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.volumes import Volume
from tinytracker.events.windows import Window
from tinytracker.targets.mcu.boards import sources

LARGEST_WRAP_US = (1 << 31) - 1


def window_files(crop: SensorCrop, window: Window, absent: int = 0, present: int = 1) -> dict[str, str]:
    """event_window.c, .h and their settings: name -> text.

    absent, present: what the network's int8 input stores for 0 and for 1. Raises UsageError for windows by
    majority, which boards do not make, and for a reach that 32 bits of microseconds do not hold.

    >>> sorted(window_files(SensorCrop(0, 0, 2), Window(cells=300)))
    ['event_window.c', 'event_window.h', 'event_window_settings.h']
    """
    if window.polarity != "newest":
        raise UsageError("a board's window takes the newest polarity, not the majority's; train it so")
    if window.longest_us > LARGEST_WRAP_US:
        raise UsageError(f"a window that reaches back {window.longest_us} us; boards hold {LARGEST_WRAP_US}")
    cells = window.most_cells(crop)
    settings = {
        **_crop(crop),
        "CELLS": cells,
        "PLACES": 1 << (cells - 1).bit_length(),
        "LONGEST_US": f"{window.longest_us}u" if window.longest_us else "0",
        "AMONG": window.among,
        "ABSENT": absent,
        "PRESENT": present,
    }
    return _files("event_window", settings)


def volume_files(crop: SensorCrop, volume: Volume) -> dict[str, str]:
    """event_volume.c, .h and their settings: name -> text."""
    return _files("event_volume", {**_crop(crop), "BINS": volume.bins, "BIN_US": f"{volume.bin_us}u"})


def _crop(crop: SensorCrop) -> dict[str, int | str]:
    return {"SIZE": crop.size, "SCALE": crop.scale, "LEFT_PX": crop.left_px, "TOP_PX": crop.top_px}


def _files(name: str, settings: dict[str, int | str]) -> dict[str, str]:
    guard = f"{name.upper()}_SETTINGS_H"
    lines = [
        "/* Written by tinytracker: which part of the sensor the network looks at, and for how long. */",
        *(f"#ifndef {guard}", f"#define {guard}", ""),
        *(f"#define {name.upper()}_{key} {value}" for key, value in settings.items()),
        *("", "#endif", ""),
    ]
    templates = {file: text for file, text in sources("events").items() if file.startswith(name)}
    return {**templates, f"{name}_settings.h": "\n".join(lines)}
