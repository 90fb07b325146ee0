"""The live pipeline with the gaze network in the sensor: the host finds the face and steers, the sensor says
the gaze.

Frame -> face on the host -> region for the next frames
      -> result of an older frame -> the face and the region of that time -> cm -> stages -> GazeSample

What a frame without a usable result gives: a row without gaze, whose reason is `NO_RESULT` (the metadata held
none) or `STALE` (it held the one of the frame before: the network is slower than the frames come). A late
result is a gaze; its row says by how much (`lag_ms`).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.domain import Box, Face, Frame, GazePoint
from tinytracker.engines.correction import Correction
from tinytracker.errors import ModelError
from tinytracker.faces.boxes import eye_band
from tinytracker.faces.crops import face_box_numbers
from tinytracker.faces.tracker import StageTimer, Tracked
from tinytracker.inputs import KINDS
from tinytracker.targets.imx500.chip.sensor import Roi, SensorMode
from tinytracker.targets.imx500.running.camera import ChipFrame, ChipResult, News, only_output
from tinytracker.targets.imx500.running.steering import (
    REMEMBERED_FRAMES,
    LagMeter,
    RoiLog,
    Steering,
    SteeringSettings,
)
from tinytracker.tracking.gaze import EYES_CLOSED, NoGaze, RawGaze

NO_RESULT = "no result from the sensor"
STALE = "stale result"

# From a command to the first frame cut by it, until it is measured. Assumed: while the host gets a frame the
# sensor takes the next one, and the registers hold from the one after.
ROI_LEAD_FRAMES = 2
AI_CAMERA_FOV_DEG = 66.3  # across the Raspberry Pi AI Camera's longer side, by its product brief


class LiveCamera(Protocol):
    """What steering needs of a `camera.ChipCamera`."""

    name: str

    @property
    def tensor_size(self) -> tuple[int, int]: ...

    def set_roi(self, roi: Roi) -> Roi: ...


class ChipModel:
    """From the numbers that the sensor gives to a gaze point.

    card: of the network on the chip, whose only picture has three channels; a box beside it is the host's
    business. Raises ModelError for another one.
    """

    def __init__(self, card: ModelCard) -> None:
        pictures = [spec for spec in card.inputs if KINDS[spec.kind].is_picture]
        if card.output != "gaze" or len(pictures) != 1 or pictures[0].shape[-1:] != (3,):
            inputs = ", ".join(f"{spec.name} {'x'.join(map(str, spec.shape))}" for spec in card.inputs)
            raise ModelError(
                f"{card.name} takes {inputs} and gives {card.output}; the sensor feeds one picture of three "
                "channels to a gaze network"
            )
        self.card = card
        self.spec: InputSpec = pictures[0]
        self._correction = Correction(card.correction)

    @property
    def sees_fixed_region(self) -> bool:
        """Whether the region's place is baked into the network, so that it must not move."""
        return self.spec.position == "baked"

    def target(self, face: Face) -> Box:
        """What the network wants to see of a face, in pixels of the picture."""
        return (
            eye_band(face, self.spec.height_px / self.spec.width_px)
            if self.spec.kind == "eye_band"
            else face.box
        )

    def take(self, numbers: np.ndarray, seen: Box, frame_px: tuple[int, int]) -> GazePoint:
        """The gaze of the network's outputs (2,) on the region `seen`, in pixels of a picture of
        `frame_px`."""
        box = face_box_numbers(seen, *frame_px)
        outputs = self._correction.apply(np.asarray(numbers, np.float32)[None], box[None])[0]
        x_cm, y_cm = outputs * self.card.output_scale_cm
        return GazePoint(float(x_cm), float(y_cm))


@dataclass(slots=True)
class ChipTimes:
    """What the sensor said of itself. lags: how often each lag of a result came, in frames. kpi_ms: (network,
    rest of its processor) per frame that told. frame_ms: from frame to frame."""

    lags: Counter[int] = field(default_factory=Counter)
    kpi_ms: list[tuple[float, float]] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Flight:
    """What holds between two starts of the camera. seen: the last frames' numbers, and what the host found in
    each."""

    start: int
    seen: deque[tuple[int, Tracked]] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FRAMES))
    rois: RoiLog = field(default_factory=RoiLog)
    meter: LagMeter | None = None
    steering: Steering | None = None
    last_count: int | None = None

    def tracked_at(self, frame: int) -> Tracked:
        """What the tracker saw in the frame of that number, or the last before, or the oldest remembered."""
        return next((tracked for when, tracked in reversed(self.seen) if when <= frame), self.seen[0][1])


class ChipGaze:
    """The gaze of the network in the sensor: a `tracking.gaze.GazeSource` for the frames of `camera`, in
    their order.

    It steers the region of interest too. loop_lag_frames: from commanding a region to the first result made
    from it, as `measure_loop_lag` found; None assumes it. The result's own part of it is told by the sensor's
    run times, the rest is the region's (`lead_frames`). roi: a region that stays; None steers it by the face.
    `times`: what was seen of the sensor.
    """

    def __init__(
        self,
        model: ChipModel,
        camera: LiveCamera,
        mode: SensorMode,
        *,
        loop_lag_frames: int | None = None,
        roi: Roi | None = None,
        steering: SteeringSettings | None = None,
    ) -> None:
        self.model = model
        self.camera = camera
        self.mode = mode
        self.fixed_roi = roi
        self.loop_lag_frames = loop_lag_frames
        self.times = ChipTimes()
        self._settings = steering
        self._flight: _Flight | None = None

    def gaze(self, frame: Frame, tracked: Tracked, stage: StageTimer) -> RawGaze | NoGaze:
        """See the module for the reasons of frames without gaze; raises TypeError for the frame of another
        source."""
        if not isinstance(frame, ChipFrame):
            raise TypeError(f"{frame.name or 'this frame'} comes from no ChipCamera; expected a ChipFrame")
        news, last = frame.news, self._flight
        flight = last if last is not None and last.start == news.start else _Flight(news.start)
        self._flight = flight
        found = self._gaze(news, tracked, flight, stage)
        return found if flight is last else replace(found, breaks=True)

    def _gaze(self, news: News, tracked: Tracked, flight: _Flight, stage: StageTimer) -> RawGaze | NoGaze:
        flight.seen.append((news.frame, tracked))
        with stage("steer"):
            self._steer(news, tracked.face, flight)
        self.times.frame_ms.append(news.frame_ms)
        if news.kpi_ms is not None:
            self.times.kpi_ms.append(news.kpi_ms)
        if news.result is None:
            return NoGaze(NO_RESULT, breaks=False)
        if news.result.frame_count == flight.last_count:
            return NoGaze(STALE, breaks=False)
        flight.last_count = news.result.frame_count
        return self._of_result(news, news.result, flight, stage)

    def _of_result(
        self, news: News, result: ChipResult, flight: _Flight, stage: StageTimer
    ) -> RawGaze | NoGaze:
        """A fresh result's gaze: judged by the face of the frame that the network saw."""
        if flight.meter is None:
            flight.meter = LagMeter(self.result_frames(news))
        lag = flight.meter.update(news.frame, result.frame_count)
        self.times.lags[lag] += 1
        then = flight.tracked_at(news.frame - lag)
        if then.face is None:
            return NoGaze(then.reason)
        if then.eyes_shut:
            return NoGaze(EYES_CLOSED)
        with stage("gaze"):
            roi = flight.rois.at(news.frame - lag - self.lead_frames(news))
            numbers = only_output(result.outputs, 2, self.camera.name)
            point = self.model.take(numbers, news.view.to_picture(roi.box), news.view.picture_px)
        return RawGaze(point, then.face, lag_ms=lag * news.frame_ms)

    def _steer(self, news: News, face: Face | None, flight: _Flight) -> None:
        roi = self.fixed_roi
        if roi is None:
            roi = self._steering(news, flight).follow(news.frame, face)
        if roi is not None and roi != flight.rois.last:
            flight.rois.command(news.frame, self.camera.set_roi(roi))

    def _steering(self, news: News, flight: _Flight) -> Steering:
        """The steering of the picture's view, which the camera tells with the first frame."""
        if flight.steering is None or flight.steering.view != news.view:
            size = self.camera.tensor_size
            flight.steering = Steering(self.model.target, news.view, self.mode, size, settings=self._settings)
        flight.steering.lead_frames = self.lead_frames(news)
        return flight.steering

    def result_frames(self, news: News) -> int:
        """How many frames after its own a result comes at least: read-out and both of the sensor's run
        times."""
        latency_ms = self.mode.pi_readout_ms + sum(news.kpi_ms or (0.0, 0.0))
        return max(1, math.ceil(latency_ms / news.frame_ms))

    def lead_frames(self, news: News) -> int:
        """How many frames after its command a region is cut."""
        if self.loop_lag_frames is None:
            return ROI_LEAD_FRAMES
        return max(1, self.loop_lag_frames - self.result_frames(news))
