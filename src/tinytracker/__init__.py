"""tinytracker: gaze estimation from recordings of faces to tiny int8 networks, and live tracking.

The names below are the public ones; each is imported when first used, so that `import tinytracker` costs
nothing.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    # what the domain speaks of
    "Frame": "domain",
    "Box": "domain",
    "Face": "domain",
    "GazePoint": "domain",
    "GazeSample": "domain",
    "ModelCard": "cards",
    "TinytrackerError": "errors",
    # a frame becomes a gaze point
    "GazeModel": "engines.model",
    "list_released": "zoo",
    "open_finder": "faces.finder",
    "open_locator": "tracking.assemble",
    "FaceTracker": "faces.tracker",
    "GazePipeline": "tracking.pipeline",
    "open_source": "tracking.sources",
    # a person's own numbers
    "Calibration": "calibration.calibration",
    "CalibrationStage": "calibration.stage",
    "Dot": "calibration.dots",
    "DotCollector": "calibration.collect",
    "GazeArrays": "calibration.samples",
    "data_quality": "calibration.quality",
    "fixations": "calibration.events",
    # a recording becomes a tiny network
    "Dataset": "data.dataset",
    "create_model": "models",
    "load_recipe": "training.recipe",
}

__all__ = ["__version__", *sorted(_HOMES)]

_RENAMED = {"FaceBox": "Face"}  # until 0.3


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        warnings.warn(f"tinytracker.{name} is {_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'tinytracker' has no attribute {name!r}")
    return getattr(import_module(f"tinytracker.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
