"""The runtime story, top to bottom: a frame becomes a gaze sample, a source becomes files.

Frame -> face (found or followed) -> eyes -> gaze network -> cm -> degrees -> filter -> GazeSample -> sinks
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tinytracker.devices import Device
from tinytracker.domain import FaceBox, Frame, GazePoint, GazeSample
from tinytracker.errors import UsageError
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.eyes import eyes_closed
from tinytracker.faces.tracker import FaceTracker, corners_of
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm, visual_angle_deg
from tinytracker.tracking.filters import GazeFilter, NoFilter
from tinytracker.tracking.sinks import Sink
from tinytracker.tracking.sources import Source
from tinytracker.tracking.timing import Stopwatch

INTEROCULAR_CM = 6.3  # mean of adults; theirs ranges from 5.4 to 7.2, and so does the distance made of it
DEFAULT_FOV_DEG = 60.0  # across the longer side of the frame: phones' front cameras and webcams have 55 to 75
EYES_CLOSED = "eyes closed"


class GazeEstimator(Protocol):
    """What makes a gaze point of a face; `engines.model.GazeModel` is one."""

    def predict(self, image: np.ndarray, face: FaceBox) -> GazePoint: ...


class GazePipeline:
    """Everything between a frame and its gaze sample, with the time of each stage in `watch`.

    fov_deg: the camera's field of view across the longer side of the frame; distances, and so degrees, hang on it.
    screen: where cm become pixels, in `orientation` (see geometry). With `NoFilter` each frame stands for itself.
    """

    def __init__(
        self,
        model: GazeEstimator,
        tracker: FaceTracker,
        gaze_filter: GazeFilter | None = None,
        screen: Device | None = None,
        orientation: int = 1,
        fov_deg: float = DEFAULT_FOV_DEG,
    ) -> None:
        if not 10 <= fov_deg <= 150:
            raise UsageError(f"a camera's field of view must be 10 to 150 degrees, not {fov_deg:g}")
        self.model = model
        self.tracker = tracker
        self.filter = gaze_filter or NoFilter()
        self.screen = screen
        self.orientation = orientation
        self.fov_deg = fov_deg
        self.watch = Stopwatch()

    def process(self, frame: Frame) -> GazeSample:
        """One frame's gaze; a sample without gaze says why. Frames must come in order of time."""
        tracked = self.tracker.update(frame.image, self.watch.stage)
        face = tracked.face
        if face is None:
            self.filter.reset()
            return GazeSample(frame.index, frame.t_ns, None, None, reason=tracked.reason, faces=tracked.faces)
        distance_cm = distance_of_face_cm(face, frame.width_px, frame.height_px, self.fov_deg)
        if face.landmarks is not None and eyes_closed(face.landmarks):
            self.filter.reset()
            return GazeSample(frame.index, frame.t_ns, face, None, distance_cm, reason=EYES_CLOSED, faces=tracked.faces)
        with self.watch.stage("gaze"):
            raw = self.model.predict(frame.image, face)
        return self.sample_of(frame, face, tracked.faces, raw, distance_cm)

    def sample_of(
        self, frame: Frame, face: FaceBox, faces: int, raw: GazePoint, distance_cm: float, lag_ms: float | None = None
    ) -> GazeSample:
        """The sample of a raw gaze: filtered in degrees, then cm and screen pixels."""
        with self.watch.stage("filter"):
            x_deg, y_deg = visual_angle_deg(raw.x_cm, raw.y_cm, distance_cm)
            x_deg, y_deg = self.filter.apply(float(x_deg), float(y_deg), frame.t_ns)
            x_cm, y_cm = (float(value) for value in point_at_angle_cm(x_deg, y_deg, distance_cm))
        return GazeSample(
            frame_index=frame.index,
            t_ns=frame.t_ns,
            face=face,
            gaze=GazePoint(x_cm, y_cm),
            distance_cm=distance_cm,
            screen_px=None if self.screen is None else camera_cm_to_points(x_cm, y_cm, self.screen, self.orientation),
            x_deg=x_deg,
            y_deg=y_deg,
            faces=faces,
            lag_ms=lag_ms,
        )


def focal_length_px(width_px: int, height_px: int, fov_deg: float) -> float:
    """Focal length of a pinhole camera whose longer side of the frame spans `fov_deg`."""
    return max(width_px, height_px) / 2 / math.tan(math.radians(fov_deg) / 2)


def distance_of_face_cm(face: FaceBox, width_px: int, height_px: int, fov_deg: float) -> float:
    """How far the eyes are from the camera, if they are `INTEROCULAR_CM` apart and face it.

    Errs with the person's real interocular distance (one in three is more than 5 % off), with the field of view, and by
    1 / cos(yaw) for a head turned aside.
    """
    return focal_length_px(width_px, height_px, fov_deg) * INTEROCULAR_CM / interocular_px(corners_of(face))


@dataclass(slots=True)
class RunSummary:
    """What a run saw. reasons: how often each reason for no gaze came. most_faces: most faces in one frame."""

    frames: int = 0
    valid: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    most_faces: int = 0
    seconds: float = 0.0
    stopped: bool = False

    def add(self, sample: GazeSample) -> None:
        self.frames += 1
        self.valid += sample.is_valid
        self.most_faces = max(self.most_faces, sample.faces)
        if not sample.is_valid:
            self.reasons[sample.reason] += 1


def run(
    pipeline: GazePipeline,
    source: Source,
    sinks: Iterable[Sink] = (),
    *,
    max_frames: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RunSummary:
    """Tracks an entered source into entered sinks until it ends, `max_frames` are done, or `stop()` says so.

    Whatever happens, each sink has got whole samples only. Raises what the source raises.
    """
    watch, summary, frames = pipeline.watch, RunSummary(), iter(source)
    sinks = list(sinks)
    began = time.perf_counter()
    while summary.frames != max_frames:
        if stop():
            summary.stopped = True
            break
        watch.start_frame()
        with watch.stage("read"):
            frame = next(frames, None)
        if frame is None:
            break
        if source.is_live:
            watch.start_frame()  # waiting for a camera is no work
        sample = pipeline.process(frame)
        with watch.stage("write"):
            for sink in sinks:
                sink.write(frame, sample)
        watch.finish_frame()
        summary.add(sample)
        progress(summary.frames, source.frame_count or summary.frames)
    summary.seconds = time.perf_counter() - began
    return summary
