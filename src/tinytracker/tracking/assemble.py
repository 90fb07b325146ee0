"""Putting the runtime's parts together: what a user names becomes a locator, a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from tinytracker.devices import read_screen
from tinytracker.domain import Face
from tinytracker.engines.model import GazeModel
from tinytracker.errors import ModelError
from tinytracker.faces.eyes import EyeLocator
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG, GazePipeline
from tinytracker.tracking.stages import GazeStage
from tinytracker.zoo import find, list_released

_log = logging.getLogger(__name__)


def open_locator(weights: str | Path | None = None) -> EyeLocator | None:
    """The eye locator in a file or of a released name; by default the released one, None where there is none.

    Raises ModelError if the file is no eye locator.
    """
    if weights is None:
        weights = next((name for name in list_released() if find(name).require_card().output == "eyes"), None)
        if weights is None:
            _log.warning(
                "there is no released eye locator: eyes are placed by proportion, and closed ones go "
                "unnoticed"
            )
            return None
    model = GazeModel.load(weights)
    if model.card.output != "eyes":
        raise ModelError(
            f"{weights} is a gaze network, not an eye locator; expected 14 outputs and a card that says "
            f"'eyes'"
        )
    return EyeLocator(lambda image, face: model.run(image, Face(face)))


def build_pipeline(
    model: GazeModel,
    *,
    face_model: Path | None = None,
    eye_locator: bool = True,
    stages: Sequence[GazeStage] = (),
    screen: Path | None = None,
    fov_deg: float = DEFAULT_FOV_DEG,
) -> GazePipeline:
    """The pipeline round a gaze network.

    face_model: YuNet's .onnx file, to find faces by it instead of Haar cascades. eye_locator: find the eyes
    by the released locator, or by proportion alone. stages: see GazePipeline. screen: a screen's JSON
    (`devices.read_screen`).

    Raises ModelError, InputError or UsageError.
    """
    model.refuse_unless_gaze()
    return GazePipeline(
        model,
        FaceTracker(open_finder(face_model), open_locator() if eye_locator else None),
        stages,
        screen=None if screen is None else read_screen(screen),
        fov_deg=fov_deg,
    )
