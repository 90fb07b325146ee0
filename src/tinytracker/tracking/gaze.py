"""Who says where a face looks: a network on this computer, or one elsewhere whose answers come with the
frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tinytracker.domain import Face, Frame, GazePoint, Image
from tinytracker.faces.tracker import StageTimer, Tracked

EYES_CLOSED = "eyes closed"


@dataclass(frozen=True, slots=True)
class RawGaze:
    """What a network said, before any stage.

    face: the one that it saw: this frame's, or that of an older frame, by which the gaze is judged. lag_ms:
    how much older than the frame; None: of the frame itself. breaks: what came before this frame no longer
    holds.
    """

    point: GazePoint
    face: Face
    lag_ms: float | None = None
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class NoGaze:
    """Why there is no gaze. breaks: what came before no longer holds; else the next gaze goes on from the
    last one."""

    reason: str
    breaks: bool = True


@runtime_checkable
class GazeSource(Protocol):
    """Gives the gaze of frames, one after the other, in order of time."""

    def gaze(self, frame: Frame, tracked: Tracked, stage: StageTimer) -> RawGaze | NoGaze:
        """The gaze for a frame, or why there is none. tracked: what the host found in it. stage: times parts
        of the work."""
        ...


class GazeEstimator(Protocol):
    """What makes a gaze point of a face; `engines.model.GazeModel` is one."""

    def predict(self, image: Image, face: Face) -> GazePoint: ...


class HostGaze:
    """A network on this computer (or a board that it waits for) as a GazeSource: open eyes of a face, seen at
    once."""

    def __init__(self, model: GazeEstimator) -> None:
        self.model = model

    def gaze(self, frame: Frame, tracked: Tracked, stage: StageTimer) -> RawGaze | NoGaze:
        face = tracked.face
        if face is None:
            return NoGaze(tracked.reason)
        if tracked.eyes_shut:
            return NoGaze(EYES_CLOSED)
        with stage("gaze"):
            return RawGaze(self.model.predict(frame.image, face), face)
