"""Every layout of recordings: finding what lies in a folder, and writing sets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import RecordingError, UsageError
from tinytracker.events.files import eveye, ini30, own, threeet
from tinytracker.events.files.layout import Layout

LAYOUTS: dict[str, Layout] = {module.LAYOUT.name: module.LAYOUT for module in (own, ini30, threeet, eveye)}
MOST_LEVELS = 6
FRAMES = "frames"  # pictures alone: GazeCapture has millions of them, in folders of this name


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that lies somewhere. name: what it would be called. person: "" if that cannot be read."""

    folder: Path
    layout: str
    name: str
    person: str


def find_recordings(root: Path) -> list[Found]:
    """The event recordings of every known layout under a folder, or the one it is, in the order of names.

    Raises RecordingError if two have one name, or `root` is no folder; gives none where there are none.
    """
    if not root.is_dir():
        raise RecordingError(f"{root} is no folder; expected one with recordings")
    found: dict[str, Found] = {}
    for place, folders, _files in os.walk(root, followlinks=True):  # MOST_LEVELS ends circles
        folder = Path(place)
        folders[:] = sorted(name for name in folders if not (name.startswith(".") or name == FRAMES))
        layout = layout_of(folder)
        if layout is not None:
            one = _identified(folder, layout)
            other = found.setdefault(one.name, one)
            if other is not one:
                raise RecordingError(f"{other.folder} and {folder} are both called {one.name}; rename one")
        if layout is not None or len(folder.relative_to(root).parts) >= MOST_LEVELS:
            folders.clear()
    return [found[name] for name in sorted(found)]


def layout_of(folder: Path) -> Layout | None:
    """The layout of the recording that a folder is; None if it is none."""
    return next((layout for layout in LAYOUTS.values() if layout.recognises(folder)), None)


def find_layout(name: str) -> Layout:
    """A layout by its name; raises UsageError for another."""
    if name not in LAYOUTS:
        raise UsageError(f"no layout {name!r}; expected one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def _identified(folder: Path, layout: Layout) -> Found:
    """A broken recording keeps its folder's name: what is wrong with it is said when it is read."""
    try:
        who = layout.identify(folder)
    except RecordingError:
        return Found(folder, layout.name, folder.name, "")
    return Found(folder, layout.name, who.name, who.person)
