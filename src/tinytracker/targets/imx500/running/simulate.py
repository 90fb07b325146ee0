"""A sensor that does not exist: pictures in, frames and metadata out, through the same calls as picamera2's.

Each picture stands for what the sensor sees. The simulated chip cuts the region that holds at that frame,
scales it, applies the processor's registers, runs the quantised network, and hands the result out as many
frames later as read-out, transfer and inference take. While the network is busy, frames go by without it, and
the last result comes again, as on the chip.

What it does not know: the lens, noise and colour of the real sensor, how its scaler interpolates, the chip's
own rounding inside the network (the quantised ONNX stands for it), and the loop's real lag (set here,
measured there).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.domain import Frame
from tinytracker.errors import UsageError
from tinytracker.targets.imx500.chip import isp
from tinytracker.targets.imx500.chip import metadata as meta
from tinytracker.targets.imx500.chip.accounting import TRANSFER_MS, inference_ms
from tinytracker.targets.imx500.chip.isp import Registers
from tinytracker.targets.imx500.chip.sensor import WHOLE_SENSOR, Roi, SensorMode, view_of_whole_picture
from tinytracker.targets.imx500.running.camera import CameraSettings, ChipCamera, ChipFrame
from tinytracker.targets.imx500.running.steering import RoiLog

Network = Callable[[np.ndarray], Sequence[np.ndarray]]  # input tensor (3, height, width) -> outputs


class EndOfPictures(Exception):
    """There is no further picture."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When things happen in the simulated sensor.

    frame_ms: from frame to frame. readout_ms, transfer_ms, inference_ms: until the result is there, counted
    from the frame's start. roi_frames: from a command to the first frame cut by it, at least 1. extra_frames:
    further lag of the results.
    """

    frame_ms: float
    readout_ms: float
    transfer_ms: float
    inference_ms: float
    roi_frames: int = 2
    extra_frames: int = 0

    def __post_init__(self) -> None:
        if self.frame_ms <= 0 or self.roi_frames < 1 or self.extra_frames < 0:
            raise UsageError(
                f"a simulated sensor needs time between frames, a region that takes at least a frame and no "
                f"negative lag, not "
                f"{self.frame_ms:g} ms, {self.roi_frames} and {self.extra_frames} frames"
            )

    @property
    def result_frames(self) -> int:
        """How many frames after its own a result comes, at least one."""
        latency_ms = self.readout_ms + self.transfer_ms + self.inference_ms
        return max(1, math.ceil(latency_ms / self.frame_ms - 1e-9)) + self.extra_frames

    @property
    def loop_frames(self) -> int:
        """From commanding a region to the first result made from it."""
        return self.roi_frames + self.result_frames


@dataclass
class SimulatedSensor:
    """What chip and camera share: the pictures, the frame count, the regions commanded, the results under
    way."""

    pictures: Iterator[Frame]
    network: Network
    registers: Registers
    tensor_size: tuple[int, int]
    timing: Timing
    name: str = "simulated"
    rois: RoiLog = field(default_factory=RoiLog)
    frame: int = -1
    first_count: int = 7  # nobody tells where the sensor begins to count
    seen: list[tuple[int, Roi]] = field(
        default_factory=list
    )  # each frame that the network saw, and its region

    def __post_init__(self) -> None:
        self._busy_until_ms = 0.0
        self._pending: deque[tuple[int, dict[str, Any]]] = deque()
        self._latest: dict[str, Any] = {}

    def expose(self) -> tuple[Frame, dict[str, Any]]:
        """The next frame and its metadata; raises EndOfPictures."""
        picture = next(self.pictures, None)
        if picture is None:
            raise EndOfPictures
        self.frame += 1
        view = view_of_whole_picture(picture.width_px, picture.height_px)
        roi = self.rois.at(self.frame - self.timing.roi_frames)
        if self.frame * self.timing.frame_ms >= self._busy_until_ms - 1e-9:
            self._infer(picture, roi)
        while self._pending and self._pending[0][0] <= self.frame:
            self._latest = self._pending.popleft()[1]
        crop = tuple(
            round(length)
            for length in (view.crop.x_px, view.crop.y_px, view.crop.width_px, view.crop.height_px)
        )
        common = {
            "SensorTimestamp": picture.t_ns,
            "FrameDuration": round(self.timing.frame_ms * 1e3),
            "ScalerCrop": crop,
        }
        return picture, {**common, **self._latest}

    def command(self, roi: Roi) -> None:
        """The driver's control: holds from `timing.roi_frames` frames later."""
        self.rois.command(self.frame, roi)

    def _infer(self, picture: Frame, roi: Roi) -> None:
        timing = self.timing
        view = view_of_whole_picture(picture.width_px, picture.height_px)
        tensor = isp.tensor_of(isp.look(picture.image, view, roi, *self.tensor_size), self.registers)
        self.seen.append((self.frame, roi))
        kpi_ms = (timing.inference_ms, timing.transfer_ms)
        result = meta.with_result(self.network(tensor), self.name, self.first_count + self.frame, kpi_ms)
        self._pending.append((self.frame + timing.result_frames, result))
        self._busy_until_ms = self.frame * timing.frame_ms + timing.inference_ms


class SimulatedChip:
    """picamera2's IMX500, as far as it is used."""

    camera_num = 0

    def __init__(self, sensor: SimulatedSensor) -> None:
        self.sensor = sensor
        self.config: dict[str, Any] = {"input_tensor_size": sensor.tensor_size, "roi": WHOLE_SENSOR.as_tuple}

    def get_outputs(self, metadata: dict[str, Any], add_batch: bool = False) -> list[np.ndarray] | None:
        numbers = metadata.get("CnnOutputTensor")
        if not numbers:
            return None
        flat, outputs = np.asarray(numbers, np.float32), []
        for shape in meta.read_info(metadata["CnnOutputTensorInfo"]).shapes:
            size = math.prod(shape)
            outputs.append(flat[:size].reshape(shape, order="F"))
            flat = flat[size:]
        return [output[None] for output in outputs] if add_batch else outputs

    def get_kpi_info(self, metadata: dict[str, Any]) -> tuple[float, float] | None:
        kpi = metadata.get("CnnKpiInfo")
        return None if kpi is None else (kpi[0] / 1000, kpi[1] / 1000)

    def get_input_size(self) -> tuple[int, int]:
        return self.sensor.tensor_size

    def set_inference_roi_abs(self, roi: tuple[int, int, int, int]) -> None:
        left, top = max(roi[0], 0), max(roi[1], 0)
        right, bottom = (
            min(roi[0] + roi[2], WHOLE_SENSOR.width_px),
            min(roi[1] + roi[3], WHOLE_SENSOR.height_px),
        )
        held = Roi(left, top, max(right - left, 0), max(bottom - top, 0))
        self.config["roi"] = held.as_tuple
        self.sensor.command(held)

    def show_network_fw_progress_bar(self) -> None:
        pass


class SimulatedRequest:
    """picamera2's CompletedRequest, as far as it is used."""

    def __init__(self, picture: Frame, metadata: dict[str, Any]) -> None:
        self.picture = picture
        self._metadata = metadata
        self.released = False

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def make_array(self, name: str) -> np.ndarray:
        return self.picture.image

    def release(self) -> None:
        self.released = True


class SimulatedCamera:
    """picamera2's Picamera2, as far as it is used."""

    def __init__(self, sensor: SimulatedSensor) -> None:
        self.sensor = sensor

    def create_preview_configuration(
        self, main: dict[str, Any], raw: dict[str, Any], controls: dict[str, Any], buffer_count: int
    ) -> dict[str, Any]:
        return {"main": main, "raw": raw, "controls": controls, "buffer_count": buffer_count}

    def start(self, config: Any = None, show_preview: Any = False) -> None:
        pass

    def capture_request(self, wait: Any = None) -> SimulatedRequest:
        return SimulatedRequest(*self.sensor.expose())

    def cancel_all_and_flush(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class SimulatedHardware:
    """Opens the simulated chip and camera."""

    sensor: SimulatedSensor

    def open_chip(self, network: Path, tensor_injection: bool) -> SimulatedChip:
        return SimulatedChip(self.sensor)

    def open_camera(self, number: int) -> SimulatedCamera:
        return SimulatedCamera(self.sensor)


def timing_of(
    mode: SensorMode, frame_ms: float, macs: int, *, at_full_speed: bool, roi_frames: int, extra_frames: int
) -> Timing:
    """The timing of a network of `macs` multiply-accumulates (at the slower rate published) in a mode.

    at_full_speed: the sensor's own read-out; else the Raspberry Pi driver's.
    """
    readout_ms = mode.fastest_readout_ms if at_full_speed else mode.pi_readout_ms
    return Timing(frame_ms, readout_ms, TRANSFER_MS, inference_ms(macs)[1], roi_frames, extra_frames)


class SimulatedSource(ChipCamera):
    """A `ChipCamera` before a simulated sensor: it ends with the pictures."""

    is_live = False

    def __init__(
        self, network: Path, settings: CameraSettings, sensor: SimulatedSensor, frame_count: int | None = None
    ) -> None:
        super().__init__(network, settings, SimulatedHardware(sensor))
        self.sensor = sensor
        self.frame_count = frame_count

    def __iter__(self) -> Iterator[ChipFrame]:
        try:
            yield from super().__iter__()
        except EndOfPictures:
            return
