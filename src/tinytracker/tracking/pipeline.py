"""The runtime story, top to bottom: a frame becomes a gaze sample, a source becomes files.

Frame -> face (found or followed) -> eyes -> gaze network -> cm -> degrees -> stages -> GazeSample -> sinks
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tinytracker.calibration.stage import CalibrationStage
from tinytracker.devices import Device
from tinytracker.domain import Face, Frame, GazePoint, GazeSample
from tinytracker.errors import UsageError
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.tracker import FaceTracker, Tracked, corners_of
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm, visual_angle_deg
from tinytracker.progress import Progress, no_progress
from tinytracker.tracking.gaze import GazeEstimator, GazeSource, HostGaze, NoGaze
from tinytracker.tracking.sinks import Sink
from tinytracker.tracking.sources import Source
from tinytracker.tracking.stages import GazeStage
from tinytracker.tracking.timing import Stopwatch

INTEROCULAR_CM = 6.3  # mean of adults; theirs ranges from 5.4 to 7.2, and so does the distance made of it
DEFAULT_FOV_DEG = 60.0  # across the longer side of the frame: phones' front cameras and webcams have 55 to 75


class GazePipeline:
    """Everything between a frame and its gaze sample, with the time of each stage in `watch`.

    model: who says the gaze; a network that predicts it from a face is one too (`gaze.HostGaze`).
    fov_deg: the camera's field of view across the longer side of the frame; distances, and so degrees, hang
        on it.
    stages: what the gaze goes through, in this order, before it is a sample, such as a filter; none: each
        frame stands for itself. screen: where cm become pixels, in `orientation` (see geometry).

    >>> import numpy as np, tinytracker as tt
    >>> tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
    >>> pipeline = GazePipeline(tt.GazeModel.load("tinytracker-eyes"), tracker)
    >>> pipeline.process(tt.Frame(np.zeros((240, 320, 3), np.uint8), index=0, t_ns=0)).reason
    'no face'
    """

    def __init__(
        self,
        model: GazeSource | GazeEstimator,
        tracker: FaceTracker,
        stages: Sequence[GazeStage] = (),
        screen: Device | None = None,
        orientation: int = 1,
        fov_deg: float = DEFAULT_FOV_DEG,
        *,
        gaze_filter: GazeStage | None = None,
    ) -> None:
        if gaze_filter is not None or hasattr(stages, "apply"):  # as it was until 0.1; goes with 0.3
            raise UsageError(
                "a pipeline takes a list of stages now; give stages=[OneEuroFilter()], not a filter alone"
            )
        if not 10 <= fov_deg <= 150:
            raise UsageError(f"a camera's field of view must be 10 to 150 degrees, not {fov_deg:g}")
        self.source: GazeSource = model if isinstance(model, GazeSource) else HostGaze(model)
        self.tracker = tracker
        self.stages = tuple(stages)
        self.screen = screen
        self.orientation = orientation
        self.fov_deg = fov_deg
        self.watch = Stopwatch()

    def process(self, frame: Frame) -> GazeSample:
        """One frame's gaze; a sample without gaze says why. Frames must come in order of time."""
        if frame.damage:
            self.lose()
            return GazeSample(frame.index, frame.t_ns, None, None, reason=frame.damage)
        tracked = self.tracker.update(frame.image, self.watch.stage)
        found = self.source.gaze(frame, tracked, self.watch.stage)
        if found.breaks:
            self.lose()
        if isinstance(found, NoGaze):
            return self._without_gaze(frame, tracked, found.reason)
        distance_cm = distance_of_face_cm(found.face, frame.width_px, frame.height_px, self.fov_deg)
        return self.sample_of(
            frame, tracked.face or found.face, tracked.faces, found.point, distance_cm, found.lag_ms
        )

    def _without_gaze(self, frame: Frame, tracked: Tracked, reason: str) -> GazeSample:
        face, size_px = tracked.face, (frame.width_px, frame.height_px)
        return GazeSample(
            frame_index=frame.index,
            t_ns=frame.t_ns,
            face=face,
            gaze=None,
            distance_cm=None if face is None else distance_of_face_cm(face, *size_px, self.fov_deg),
            reason=reason,
            faces=tracked.faces,
        )

    def lose(self) -> None:
        """The gaze is not there: what the stages remember of it no longer holds."""
        for stage in self.stages:
            stage.reset()

    def sample_of(
        self,
        frame: Frame,
        face: Face,
        faces: int,
        raw: GazePoint,
        distance_cm: float,
        lag_ms: float | None = None,
    ) -> GazeSample:
        """The sample of a raw gaze: through the stages in degrees, then cm and screen pixels."""
        with self.watch.stage("stages"):
            raw_x_deg, raw_y_deg = (
                float(angle) for angle in visual_angle_deg(raw.x_cm, raw.y_cm, distance_cm)
            )
            x_deg, y_deg = raw_x_deg, raw_y_deg
            for stage in self.stages:
                x_deg, y_deg = stage.apply(x_deg, y_deg, frame.t_ns)
            x_cm, y_cm = (float(value) for value in point_at_angle_cm(x_deg, y_deg, distance_cm))
        return GazeSample(
            frame_index=frame.index,
            t_ns=frame.t_ns,
            face=face,
            gaze=GazePoint(x_cm, y_cm),
            distance_cm=distance_cm,
            screen_px=None
            if self.screen is None
            else camera_cm_to_points(x_cm, y_cm, self.screen, self.orientation),
            x_deg=x_deg,
            y_deg=y_deg,
            calibration_id=self._calibration_id(),
            faces=faces,
            lag_ms=lag_ms,
            raw_x_deg=raw_x_deg,
            raw_y_deg=raw_y_deg,
        )

    def _calibration_id(self) -> str:
        """What is written into each row: which calibration is among the stages now; "" for none."""
        return next(
            (stage.calibration_id for stage in self.stages if isinstance(stage, CalibrationStage)), ""
        )


def focal_length_px(width_px: int, height_px: int, fov_deg: float) -> float:
    """Focal length of a pinhole camera whose longer side of the frame spans `fov_deg`."""
    return max(width_px, height_px) / 2 / math.tan(math.radians(fov_deg) / 2)


def distance_of_face_cm(face: Face, width_px: int, height_px: int, fov_deg: float) -> float:
    """How far the eyes are from the camera, if they are `INTEROCULAR_CM` apart and face it.

    Errs with the person's real interocular distance (one in three is more than 5 % off), with the field of
    view, and by 1 / cos(yaw) for a head turned aside.
    """
    return focal_length_px(width_px, height_px, fov_deg) * INTEROCULAR_CM / interocular_px(corners_of(face))


@dataclass(slots=True)
class RunSummary:
    """What a run saw.

    reasons: how often each kind of reason for no gaze came (what stands before the colon). most_faces: most
    faces in one frame. notes: what the source had to say (`Source.notes`).
    """

    frames: int = 0
    valid: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    most_faces: int = 0
    seconds: float = 0.0
    stopped: bool = False
    notes: list[str] = field(default_factory=list)

    def add(self, sample: GazeSample) -> None:
        self.frames += 1
        self.valid += sample.is_valid
        self.most_faces = max(self.most_faces, sample.faces)
        if not sample.is_valid:
            self.reasons[sample.reason.partition(":")[0]] += 1


def run(
    pipeline: GazePipeline,
    source: Source,
    sinks: Iterable[Sink] = (),
    *,
    max_frames: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = no_progress,
    summary: RunSummary | None = None,
) -> RunSummary:
    """Tracks an entered source into entered sinks until it ends, `max_frames` are done, or `stop()` says so.

    Whatever happens, each sink has got whole samples only. Raises what source and sinks raise; `summary`, if
    one is given, is filled as the run goes and tells what was got until then.
    """
    summary = RunSummary() if summary is None else summary
    watch, frames = pipeline.watch, iter(source)
    sinks = list(sinks)
    began = time.perf_counter()
    try:
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
    finally:
        summary.seconds = time.perf_counter() - began
        summary.notes = list(source.notes)
    return summary
