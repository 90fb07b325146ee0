"""Opening the camera: `imx500:network.rpk` -> camera and pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.devices import read_screen
from tinytracker.errors import UsageError
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.results import Table
from tinytracker.targets.imx500.chip.sensor import WHOLE_SENSOR, Roi, SensorMode, mode_named, parse_roi
from tinytracker.targets.imx500.deploy import card_of, fixed_region
from tinytracker.targets.imx500.running.camera import CameraSettings, ChipCamera, Hardware
from tinytracker.targets.imx500.running.live import AI_CAMERA_FOV_DEG, ChipGaze, ChipModel, ChipTimes
from tinytracker.targets.imx500.running.steering import measure_loop_lag
from tinytracker.targets.target import Caller
from tinytracker.tracking.assemble import open_locator
from tinytracker.tracking.options import TrackOptions
from tinytracker.tracking.pipeline import GazePipeline

PREFIX = "imx500:"
MIDDLE = Roi(1014, 760, 2028, 1520)


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """How the sensor is run. roi: a region that stays, "x,y,width,height" in full-sensor pixels; None steers
    it by the face. measure_lag: first measure how late results follow a region."""

    sensor_mode: str = "binned"
    fps: float | None = None
    roi: str | None = None
    measure_lag: bool = True


def network_in(place: str) -> Path:
    """The packaged network that "imx500:network.rpk" names; raises UsageError if it names none."""
    if not place.startswith(PREFIX) or place == PREFIX:
        raise UsageError(f"{place} needs a packaged network, as in imx500:exported/network.rpk")
    return Path(place.removeprefix(PREFIX))


@dataclass(frozen=True, slots=True)
class OpenChip:
    """What tracks with the network in the sensor. camera: the source of the frames, not entered yet. gaze:
    what makes gaze of what comes with them, inside `pipeline`."""

    camera: ChipCamera
    gaze: ChipGaze
    pipeline: GazePipeline

    def tell(self, caller: Caller) -> None:
        """Says what the sensor itself took, how old its results were, and whether the camera had to be opened
        anew."""
        caller.say(times_table(self.gaze.times, self.gaze.mode))
        lags = ", ".join(f"{count} of {lag}" for lag, count in sorted(self.gaze.times.lags.items()))
        if lags:
            caller.say(f"lag in frames: {lags}")
        if self.camera.restarts:
            caller.say(f"the camera fell silent and was opened anew {self.camera.restarts} times")


def open_chip(
    place: str, chip: ChipOptions, options: TrackOptions | None = None, hardware: Hardware | None = None
) -> OpenChip:
    """Camera and pipeline for `imx500:network.rpk`; nothing is opened yet. Raises what a wrong file or option
    deserves."""
    options = options or TrackOptions()
    network = network_in(place)
    mode = mode_named(chip.sensor_mode)
    fps = chip.fps or min(30.0, 1e3 / mode.pi_frame_ms)
    camera = ChipCamera(network, CameraSettings(mode, frames_per_second=fps), hardware)
    model = ChipModel(card_of(network))
    roi = None if chip.roi is None else parse_roi(chip.roi)
    if roi is None and model.sees_fixed_region:
        roi = fixed_region(network) or WHOLE_SENSOR
    gaze = ChipGaze(model, camera, mode, roi=roi)
    pipeline = GazePipeline(
        gaze,
        FaceTracker(open_finder(options.face_model), open_locator() if options.eye_locator else None),
        options.stages(),
        screen=None if options.screen is None else read_screen(options.screen),
        fov_deg=options.fov_deg or AI_CAMERA_FOV_DEG,
    )
    return OpenChip(camera, gaze, pipeline)


def times_table(times: ChipTimes, mode: SensorMode) -> Table:
    """Median and 95th percentile of what the sensor said of itself, frame by frame."""
    measured: list[tuple[str, list[float], str]] = [
        ("read-out", [mode.pi_readout_ms], "estimated: lines x the driver's line time"),
        ("network (dnn)", [dnn for dnn, _ in times.kpi_ms], "measured by the sensor"),
        ("rest of its processor (dsp)", [dsp for _, dsp in times.kpi_ms], "measured by the sensor"),
        ("from frame to frame", times.frame_ms, "measured"),
    ]
    if times.lags:
        frame_ms = float(np.median(times.frame_ms))
        ages_ms = [lag * frame_ms for lag in times.lags.elements()]
        measured.append(("age of the result", ages_ms, "measured, by frameCount"))
    rows = [
        (name, str(len(values)), f"{np.median(values):.2f}", f"{np.percentile(values, 95):.2f}", how)
        for name, values, how in measured
        if values
    ]
    return Table(
        "Time per frame", ("in the sensor", "frames", "median ms", "p95 ms", "how"), rows, numbers=(1, 2, 3)
    )


def measure_lag(camera: ChipCamera, gaze: ChipGaze) -> int | None:
    """Measures the loop's lag on the entered camera before anything is tracked, and tells it to `gaze`; in
    frames, None if it could not be measured."""

    def step(roi: Roi | None) -> Sequence[np.ndarray] | None:
        if roi is not None:
            camera.set_roi(roi)
        result = camera.read().news.result
        return None if result is None else result.outputs

    gaze.loop_lag_frames = measure_loop_lag(step, WHOLE_SENSOR, MIDDLE)
    camera.set_roi(WHOLE_SENSOR)
    return gaze.loop_lag_frames
