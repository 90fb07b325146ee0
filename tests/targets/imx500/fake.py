"""A FakeImx500 with faults on order: the simulated sensor, or recorded metadata, behind picamera2's
interface."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.domain import Frame
from tinytracker.targets.imx500.chip.isp import registers_for
from tinytracker.targets.imx500.chip.sensor import Roi
from tinytracker.targets.imx500.running.simulate import (
    Network,
    SimulatedCamera,
    SimulatedChip,
    SimulatedRequest,
    SimulatedSensor,
    Timing,
)

TENSOR = (64, 64)
REGISTERS = registers_for(1 / 128, -1.0, 1 / 128)
TIMING = Timing(frame_ms=33.3, readout_ms=19.2, transfer_ms=1.4, inference_ms=1.0)
RESULT_KEYS = ("CnnOutputTensor", "CnnOutputTensorInfo", "CnnKpiInfo")


def brightness(tensor: np.ndarray) -> list[np.ndarray]:
    """A network whose output shows what region it saw: mean of the left and of the upper half, about -0.5
    to 0.5."""
    halves = tensor[:, :, : tensor.shape[2] // 2], tensor[:, : tensor.shape[1] // 2]
    return [np.array([half.astype(float).mean() / 256 for half in halves], np.float32)]


def card(kind: str = "face", size: tuple[int, int] = (64, 64), **fields: Any) -> ModelCard:
    """size: height and width."""
    return ModelCard("fake", "fake", (InputSpec(kind, kind, *size),), output_scale_cm=10.0, **fields)  # type: ignore[arg-type]


def pictures(images: Sequence[np.ndarray], frame_ms: float = TIMING.frame_ms) -> Iterator[Frame]:
    for index, image in enumerate(images):
        yield Frame(image, index, round((1000 + index * frame_ms) * 1e6))


@dataclass
class Faults:
    """What goes wrong. missing: frames without a result. timeouts: numbers of the captures (from 0) that give
    no frame. later_from: from this frame on, results come `later_by` frames later than before. outputs: what
    every result holds instead. refuses_roi: the driver keeps the region it had. injection_errors: injections
    that fail with errno 121. missed_injections: injections whose frame never shows up."""

    missing: frozenset[int] = frozenset()
    timeouts: frozenset[int] = frozenset()
    later_from: int | None = None
    later_by: int = 0
    outputs: tuple[np.ndarray, ...] | None = None
    refuses_roi: bool = False
    injection_errors: frozenset[int] = frozenset()
    missed_injections: frozenset[int] = frozenset()


class FaultySensor(SimulatedSensor):
    def __init__(
        self,
        images: Sequence[np.ndarray],
        faults: Faults,
        network: Network = brightness,
        timing: Timing = TIMING,
    ) -> None:
        wrong = faults.outputs
        super().__init__(
            pictures(images, timing.frame_ms),
            network if wrong is None else lambda _: list(wrong),
            REGISTERS,
            TENSOR,
            timing,
        )
        self.faults = faults
        self.captures = -1
        self.own_network = self.network  # an injected tensor's answer takes its place

    def expose(self) -> tuple[Frame, dict[str, Any]]:
        self.captures += 1
        if self.captures in self.faults.timeouts:
            raise TimeoutError
        if self.faults.later_from == self.frame + 1:
            self.timing = Timing(
                self.timing.frame_ms,
                self.timing.readout_ms,
                self.timing.transfer_ms,
                self.timing.inference_ms,
                self.timing.roi_frames,
                self.faults.later_by,
            )
        picture, metadata = super().expose()
        if self.frame in self.faults.missing:
            metadata = {key: value for key, value in metadata.items() if key not in RESULT_KEYS}
        return picture, metadata


class FakeImx500(SimulatedChip):
    """Adds input-tensor injection, which needs no pictures: the network runs on what was injected."""

    def __init__(self, sensor: FaultySensor) -> None:
        super().__init__(sensor)
        self.faults = sensor.faults
        self.injections = -1
        self.injected: list[bytes] = []
        self._network = sensor.own_network
        self._answer: tuple[int, bytes] | None = None

    def set_inference_roi_abs(self, roi: tuple[int, int, int, int]) -> None:
        if not self.faults.refuses_roi:
            super().set_inference_roi_abs(roi)

    def _IMX500__set_input_tensor(self, input_tensor_fd: int) -> None:
        import os

        self.injections += 1
        if self.injections in self.faults.injection_errors:
            cause = OSError(errno.EREMOTEIO, "Remote I/O error")
            raise RuntimeError(f"IMX500: Unable to set input tensor fd: {cause}") from cause
        size = os.fstat(input_tensor_fd).st_size
        data = os.pread(input_tensor_fd, size, 0)
        self.injected.append(data)
        sensor = self.sensor
        width, height = sensor.tensor_size
        tensor = np.frombuffer(data, np.int8).reshape(3, height + height % 2, -1)[:, :height, :width]
        outputs = self._network(tensor)
        sensor.network = lambda _: (
            outputs
        )  # the chip's own pictures are not looked at while a tensor is injected
        self._answer = (sensor.first_count + sensor.frame + 1) % 256, data
        if self.injections in self.faults.missed_injections:
            self._answer = (sensor.first_count + sensor.frame - 2) % 256, data

    def get_injection_cmp_frm(self) -> int:
        assert self._answer is not None
        return self._answer[0]


@dataclass
class FakeHardware:
    """Opens the fake chip and camera; `opened` says what was opened and closed, in order."""

    sensor: FaultySensor
    opened: list[str] = field(default_factory=list)

    def open_chip(self, network: Path, tensor_injection: bool) -> FakeImx500:
        self.opened.append("chip, injecting" if tensor_injection else "chip")
        self.chip = FakeImx500(self.sensor)
        return self.chip

    def open_camera(self, number: int) -> FakePicamera2:
        assert self.opened[-1].startswith("chip"), "the IMX500 object must be there before the camera"
        self.opened.append("camera")
        return FakePicamera2(self.sensor, self.opened)


class FakePicamera2(SimulatedCamera):
    def __init__(self, sensor: FaultySensor, opened: list[str]) -> None:
        super().__init__(sensor)
        self._opened = opened
        self.requests: list[SimulatedRequest] = []

    def capture_request(self, wait: Any = None) -> SimulatedRequest:
        assert wait is not None, "a capture without a limit waits for ever"
        assert all(request.released for request in self.requests), (
            "a request was not given back: the camera runs dry"
        )
        request = super().capture_request(wait)
        self.requests.append(request)
        return request

    def cancel_all_and_flush(self) -> None:
        self._opened.append("flush")

    def close(self) -> None:
        self._opened.append("closed")


class ReplaySensor:
    """Hands out recorded metadata instead of simulating: for `SimulatedChip` and `SimulatedCamera`."""

    def __init__(
        self, metadata: Sequence[dict[str, Any]], image: np.ndarray, tensor_size: tuple[int, int] = TENSOR
    ) -> None:
        self.tensor_size = tensor_size
        self._frames = iter(metadata)
        self._image = image
        self.commanded: list[Roi] = []

    def expose(self) -> tuple[Frame, dict[str, Any]]:
        metadata = next(self._frames)
        return Frame(self._image, 0, metadata["SensorTimestamp"]), metadata

    def command(self, roi: Roi) -> None:
        self.commanded.append(roi)


@dataclass
class ReplayHardware:
    sensor: ReplaySensor

    def open_chip(self, network: Path, tensor_injection: bool) -> SimulatedChip:
        return SimulatedChip(self.sensor)  # type: ignore[arg-type]

    def open_camera(self, number: int) -> SimulatedCamera:
        return SimulatedCamera(self.sensor)  # type: ignore[arg-type]
