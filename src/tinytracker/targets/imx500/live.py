"""The live pipeline with the gaze network in the sensor: the host finds the face and steers, the sensor says the gaze.

Frame -> face on the host -> region for the next frames
      -> result of an older frame -> the face and the region of that time -> cm -> degrees -> filter -> GazeSample

What a frame without a usable result gives: a row without gaze, whose reason is `NO_RESULT` (the metadata held none) or
`STALE` (it held the one of the frame before: the network is slower than the frames come). A late result is a gaze; its row
says by how much (`lag_ms`).
"""

from __future__ import annotations

import logging
import math
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.devices import Device
from tinytracker.domain import Box, FaceBox, Frame, GazePoint, GazeSample
from tinytracker.engines.correction import Correction
from tinytracker.errors import ModelError
from tinytracker.faces.boxes import eye_band
from tinytracker.faces.crops import face_box_numbers
from tinytracker.faces.eyes import eyes_closed
from tinytracker.faces.tracker import FaceTracker, Tracked
from tinytracker.targets.imx500.camera import News, only_output
from tinytracker.targets.imx500.sensor import Roi, SensorMode
from tinytracker.targets.imx500.steering import LagMeter, RoiLog, Steering, SteeringSettings
from tinytracker.tracking.filters import GazeFilter
from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG, EYES_CLOSED, GazePipeline, distance_of_face_cm

logger = logging.getLogger(__name__)

NO_RESULT = "no result from the sensor"
STALE = "stale result"

# From a command to the first frame cut by it, until it is measured. Assumed: while the host gets a frame the sensor takes the
# next one, and the registers hold from the one after.
ROI_LEAD_FRAMES = 2
REMEMBERED_FRAMES = 256
AI_CAMERA_FOV_DEG = 66.3  # across the Raspberry Pi AI Camera's longer side, by its product brief


class LiveCamera(Protocol):
    """What the pipeline needs of a `camera.ChipCamera`."""

    name: str
    news: News | None
    on_restart: Callable[[], None]

    @property
    def tensor_size(self) -> tuple[int, int]: ...

    def set_roi(self, roi: Roi) -> Roi: ...


class ChipModel:
    """From the numbers that the sensor gives to a gaze point.

    card: of the network on the chip, whose only picture has three channels; a box beside it is the host's business. Raises
    ModelError for another one.
    """

    def __init__(self, card: ModelCard) -> None:
        pictures = [spec for spec in card.inputs if not spec.kind.endswith("_box")]
        if card.output != "gaze" or len(pictures) != 1 or pictures[0].shape[-1:] != (3,):
            inputs = ", ".join(f"{spec.name} {'x'.join(map(str, spec.shape))}" for spec in card.inputs)
            raise ModelError(
                f"{card.name} takes {inputs} and gives {card.output}; the sensor feeds one picture of three channels to a "
                "gaze network"
            )
        self.card = card
        self.spec: InputSpec = pictures[0]
        self._correction = Correction(card.correction)
        self._gaze = GazePoint(0.0, 0.0)

    @property
    def sees_fixed_region(self) -> bool:
        """Whether the region's place is baked into the network, so that it must not move."""
        return self.spec.position == "baked"

    def target(self, face: FaceBox) -> Box:
        """What the network wants to see of a face, in pixels of the picture."""
        return eye_band(face, self.spec.height_px / self.spec.width_px) if self.spec.kind == "eye_band" else face.box

    def take(self, numbers: np.ndarray, seen: Box, frame_px: tuple[int, int]) -> GazePoint:
        """The gaze of the network's outputs (2,) on the region `seen`, in pixels of a picture of `frame_px`."""
        box = face_box_numbers(seen, *frame_px)
        outputs = self._correction.apply(np.asarray(numbers, np.float32)[None], box[None])[0]
        x_cm, y_cm = outputs * self.card.output_scale_cm
        self._gaze = GazePoint(float(x_cm), float(y_cm))
        return self._gaze

    def predict(self, image: np.ndarray, face: FaceBox) -> GazePoint:
        """The gaze taken last: picture and face were the sensor's to look at."""
        return self._gaze


class ChipPipeline(GazePipeline):
    """A `tracking.pipeline.GazePipeline` whose gaze comes from the sensor. Feed it the frames of `camera`, in order.

    loop_lag_frames: from commanding a region to the first result made from it, as `measure_loop_lag` found; None assumes it.
    The result's own part of it is told by the sensor's run times, the rest is the region's (`lead_frames`). roi: a region that
    stays; None steers it by the face. `lags`: how often each lag came.
    """

    def __init__(
        self,
        model: ChipModel,
        camera: LiveCamera,
        mode: SensorMode,
        tracker: FaceTracker,
        gaze_filter: GazeFilter | None = None,
        screen: Device | None = None,
        fov_deg: float = DEFAULT_FOV_DEG,
        loop_lag_frames: int | None = None,
        roi: Roi | None = None,
        steering: SteeringSettings | None = None,
    ) -> None:
        super().__init__(model, tracker, gaze_filter, screen, fov_deg=fov_deg)
        self.chip_model = model
        self.camera = camera
        self.mode = mode
        self.fixed_roi = roi
        self.loop_lag_frames = loop_lag_frames
        self.lags: Counter[int] = Counter()
        self.kpi_ms: list[tuple[float, float]] = []
        self.frame_ms: list[float] = []
        self._settings = steering
        self._seen: deque[tuple[int, Tracked]] = deque(maxlen=REMEMBERED_FRAMES)
        self._rois = RoiLog()
        self._meter: LagMeter | None = None
        self._steering: Steering | None = None
        self._last_count: int | None = None
        camera.on_restart = self._forget

    def process(self, frame: Frame) -> GazeSample:
        """One frame's row; see the module for the reasons of rows without gaze."""
        news = self.camera.news
        assert news is not None
        tracked = self.tracker.update(frame.image, self.watch.stage)
        self._seen.append((news.frame, tracked))
        with self.watch.stage("steer"):
            self._steer(news, tracked.face)
        self.frame_ms.append(news.frame_ms)
        if news.kpi_ms is not None:
            self.kpi_ms.append(news.kpi_ms)
        if news.result is None:
            return self._without_gaze(frame, tracked, NO_RESULT)
        if news.result.frame_count == self._last_count:
            return self._without_gaze(frame, tracked, STALE)
        self._last_count = news.result.frame_count
        return self._sample(frame, news, tracked)

    def _sample(self, frame: Frame, news: News, tracked: Tracked) -> GazeSample:
        """The row of a fresh result: judged by the face of the frame that the network saw."""
        assert news.result is not None
        lag = self._lag_meter(news).update(news.frame, news.result.frame_count)
        self.lags[lag] += 1
        then = self._tracked_at(news.frame - lag)
        face = then.face
        if face is None:
            self.filter.reset()
            return self._without_gaze(frame, tracked, then.reason)
        if face.landmarks is not None and eyes_closed(face.landmarks):
            self.filter.reset()
            return self._without_gaze(frame, tracked, EYES_CLOSED)
        with self.watch.stage("gaze"):
            roi = self._rois.at(news.frame - lag - self.lead_frames(news))
            numbers = only_output(news.result.outputs, 2, self.camera.name)
            raw = self.chip_model.take(numbers, news.view.to_picture(roi.box), news.view.picture_px)
        distance_cm = distance_of_face_cm(face, frame.width_px, frame.height_px, self.fov_deg)
        shown = tracked.face or face
        return self.sample_of(frame, shown, tracked.faces, raw, distance_cm, lag_ms=lag * news.frame_ms)

    def _without_gaze(self, frame: Frame, tracked: Tracked, reason: str) -> GazeSample:
        return GazeSample(frame.index, frame.t_ns, tracked.face, None, reason=reason, faces=tracked.faces)

    def _steer(self, news: News, face: FaceBox | None) -> None:
        roi = self.fixed_roi
        if roi is None:
            roi = self._steering_for(news).follow(news.frame, face)
        if roi is not None and roi != self._rois.last:
            self._rois.command(news.frame, self.camera.set_roi(roi))

    def _steering_for(self, news: News) -> Steering:
        """The steering of the picture's view, which the camera tells with the first frame."""
        if self._steering is None or self._steering.view != news.view:
            size = self.camera.tensor_size
            self._steering = Steering(self.chip_model.target, news.view, self.mode, size, settings=self._settings)
        self._steering.lead_frames = self.lead_frames(news)
        return self._steering

    def result_frames(self, news: News) -> int:
        """How many frames after its own a result comes at least: read-out and both of the sensor's run times."""
        latency_ms = self.mode.pi_readout_ms + sum(news.kpi_ms or (0.0, 0.0))
        return max(1, math.ceil(latency_ms / news.frame_ms))

    def lead_frames(self, news: News) -> int:
        """How many frames after its command a region is cut."""
        if self.loop_lag_frames is None:
            return ROI_LEAD_FRAMES
        return max(1, self.loop_lag_frames - self.result_frames(news))

    def _lag_meter(self, news: News) -> LagMeter:
        if self._meter is None:
            self._meter = LagMeter(self.result_frames(news))
        return self._meter

    def _tracked_at(self, frame: int) -> Tracked:
        """What the tracker saw in the frame of that number, or the last before, or the oldest remembered."""
        return next((tracked for when, tracked in reversed(self._seen) if when <= frame), self._seen[0][1])

    def _forget(self) -> None:
        """After a start of the camera: its counters begin anew, and nothing is in flight."""
        self._seen.clear()
        self._rois = RoiLog()
        self._meter = self._steering = self._last_count = None
        self.filter.reset()
