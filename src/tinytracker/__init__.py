"""tinytracker: gaze estimation from recordings of faces to tiny int8 networks, and live tracking.

The names below are the public ones; each is imported when first used, so that `import tinytracker` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES: dict[str, str] = {
    "Box": "tinytracker.domain",
    "FaceBox": "tinytracker.domain",
    "Frame": "tinytracker.domain",
    "GazePoint": "tinytracker.domain",
    "GazeSample": "tinytracker.domain",
    "ModelCard": "tinytracker.cards",
    "TinytrackerError": "tinytracker.errors",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinytracker' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
