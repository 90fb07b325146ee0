"""Driving a Raspberry Pi AI Camera through picamera2: frames for the host, and the network's results that
came with them.

picamera2 belongs to the Raspberry Pi's system and is imported only when a camera is opened. What is used of
it stands in the three protocols below; tests/targets/imx500/test_contract.py holds them against its source.
The order is picamera2's own: the IMX500 object uploads the network before the Picamera2 object opens the
camera.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from tinytracker.domain import Box, Frame
from tinytracker.errors import DeviceError, InputError
from tinytracker.targets.imx500.chip import metadata as meta
from tinytracker.targets.imx500.chip.sensor import HEIGHT_PX, WHOLE_SENSOR, WIDTH_PX, Roi, SensorMode, View
from tinytracker.targets.imx500.running.patience import be_patient, set_by_user
from tinytracker.targets.imx500.running.steering import FrameNumbers

logger = logging.getLogger(__name__)

STREAM = "main"
RGB_IN_MEMORY = "BGR888"  # picamera2 names formats by their words: this one gives arrays of R, G, B
INSTALL = (
    "on a Raspberry Pi run: sudo apt install imx500-all python3-picamera2, and make the virtual environment "
    "with --system-site-packages"
)


class Chip(Protocol):
    """What is used of picamera2.devices.IMX500."""

    @property
    def camera_num(self) -> int: ...

    @property
    def config(self) -> dict[str, Any]: ...

    def get_outputs(self, metadata: dict[str, Any], add_batch: bool = False) -> list[np.ndarray] | None: ...

    def get_kpi_info(self, metadata: dict[str, Any]) -> tuple[float, float] | None: ...

    def get_input_size(self) -> tuple[int, int]: ...

    def set_inference_roi_abs(self, roi: tuple[int, int, int, int]) -> None: ...

    def show_network_fw_progress_bar(self) -> None: ...


class Request(Protocol):
    """What is used of picamera2.request.CompletedRequest."""

    def get_metadata(self) -> dict[str, Any]: ...

    def make_array(self, name: str) -> np.ndarray: ...

    def release(self) -> None: ...


class Camera(Protocol):
    """What is used of picamera2.Picamera2."""

    def create_preview_configuration(
        self, main: dict[str, Any], raw: dict[str, Any], controls: dict[str, Any], buffer_count: int
    ) -> dict[str, Any]: ...

    def start(self, config: Any = None, show_preview: Any = False) -> None: ...

    def capture_request(self, wait: Any = None) -> Any: ...

    def cancel_all_and_flush(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class Hardware(Protocol):
    """Where chip and camera come from: picamera2, or a fake."""

    def open_chip(self, network: Path, tensor_injection: bool) -> Chip: ...

    def open_camera(self, number: int) -> Camera: ...


class Picamera2Hardware:
    """The real one. Raises DeviceError in one line for all that is known to go wrong."""

    def open_chip(self, network: Path, tensor_injection: bool) -> Chip:
        named = set_by_user()
        try:
            from picamera2 import Platform, get_platform
            from picamera2.devices import IMX500
        except ImportError as error:
            raise DeviceError(f"picamera2 cannot be imported ({error}); {INSTALL}") from error
        if tensor_injection or named is not None:
            be_patient(named, is_pi_5=get_platform() == Platform.PISP)
        try:
            return IMX500(str(network), tensor_injection=tensor_injection)
        except (RuntimeError, OSError, StopIteration) as error:
            raise DeviceError(
                f"the AI Camera does not take {network}: {error}; see whether `rpicam-hello --list-cameras` "
                "shows an imx500, no other program uses it, and `tinytracker deploy imx500` is content"
            ) from error
        except Exception as error:  # jsonschema's, whose name cannot be imported here
            raise DeviceError(
                f"{network} is refused by picamera2: {str(error).splitlines()[0]}; its network_intrinsics "
                "were made for another version: package it again with `tinytracker deploy imx500`"
            ) from error

    def open_camera(self, number: int) -> Camera:
        from picamera2 import Picamera2

        try:
            return Picamera2(number)
        except (RuntimeError, IndexError) as error:
            raise DeviceError(f"the camera does not open: {error}; is another program using it?") from error


@dataclass(frozen=True, slots=True)
class ChipResult:
    """What the network gave. outputs: its tensors, float32, real values. frame_count: the sensor's, 0 to
    255."""

    outputs: tuple[np.ndarray, ...]
    frame_count: int


@dataclass(frozen=True, slots=True)
class News:
    """What came with one frame besides its picture.

    frame: its number as the sensor counts, from 0, with the frames that the host missed. result: None if the
    frame carried none. kpi_ms: (network, rest of the processor), as the sensor measured them. frame_ms: time
    from frame to frame. fetch_ms: from the finished frame to its picture and result in our hands. view: what
    the picture shows of the sensor. start: how often the camera was opened anew before; each time the sensor
    counts from 0 again, and nothing is in flight.
    """

    frame: int
    t_ns: int
    frame_ms: float
    view: View
    result: ChipResult | None
    kpi_ms: tuple[float, float] | None
    fetch_ms: float = 0.0
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFrame(Frame):
    """A frame of the host's pictures, and what came with it."""

    news: News


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """mode: how the sensor reads out. stream_px: width and height of the host's picture. frames_per_second:
    asked for; the camera gives what the mode allows. timeout_s: a camera that gives no frame for so long is
    opened anew, at most `retries` times without a frame in between."""

    mode: SensorMode
    stream_px: tuple[int, int] = (640, 480)
    frames_per_second: float = 30.0
    timeout_s: float = 5.0
    retries: int = 2
    buffers: int = 8


class ChipCamera:
    """A source (see `tracking.sources`) of the host's pictures, each a ChipFrame with what else came with it.

    network: the packaged network, .rpk. A frame without a result is an ordinary frame; silence raises
    DeviceError once all retries are used up. Iterating needs the `with` block. on_open: called once the
    camera runs, before the first frame is asked for. restarts: how often it was opened anew.
    """

    is_live = True
    frame_count: int | None = None

    def __init__(
        self,
        network: Path,
        settings: CameraSettings,
        hardware: Hardware | None = None,
        tensor_injection: bool = False,
    ) -> None:
        if not network.is_file():
            raise InputError(
                f"{network} does not exist; expected the network.rpk that `tinytracker deploy imx500 DIR` "
                "makes"
            )
        self.name = f"imx500:{network}"
        self.notes: list[str] = []
        self.settings = settings
        self.frames_per_second: float | None = settings.frames_per_second
        self.restarts = 0
        self.on_open: Callable[[], None] = lambda: None
        self._network = network
        self._hardware = hardware or Picamera2Hardware()
        self._tensor_injection = tensor_injection
        self._chip: Chip | None = None
        self._camera: Camera | None = None
        self._roi = WHOLE_SENSOR
        self._refused = False

    def __enter__(self) -> Self:
        self._open()
        try:
            self.on_open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def chip(self) -> Chip:
        if self._chip is None:
            raise RuntimeError("a ChipCamera is used inside its `with` block")
        return self._chip

    @property
    def tensor_size(self) -> tuple[int, int]:
        """Width and height of the network's input tensor."""
        width, height = self.chip.get_input_size()
        return int(width), int(height)

    def set_roi(self, roi: Roi) -> Roi:
        """Commands the region for the next frames; returns the one that the driver has, which is the old one
        if it refused."""
        if roi != self._roi:
            self.chip.set_inference_roi_abs(roi.as_tuple)
            held = _held_roi(self.chip.config.get("roi"))
            if held is not None and held != roi and not self._refused:
                self._refused = True
                logger.warning(
                    "the camera's driver holds the region %s, not %s as asked", held.as_tuple, roi.as_tuple
                )
            self._roi = held or roi
        return self._roi

    def __iter__(self) -> Iterator[ChipFrame]:
        index = 0
        while True:
            yield self.read(index)
            index += 1

    def read(self, index: int = 0) -> ChipFrame:
        """The next frame; raises DeviceError if none comes."""
        image, metadata, fetch_ms = self._next()
        news = self._news_of(metadata, fetch_ms)
        return ChipFrame(image, index, news.t_ns, self.name, news=news)

    def _next(self) -> tuple[np.ndarray, dict[str, Any], float]:
        """The next picture, its metadata, and how long fetching both took."""
        for attempt in range(self.settings.retries + 1):
            assert self._camera is not None
            try:
                request = self._camera.capture_request(wait=self.settings.timeout_s)
            except TimeoutError:
                self._camera.cancel_all_and_flush()
                if attempt < self.settings.retries:
                    logger.warning(
                        "%s: no frame for %g s; opening it anew", self.name, self.settings.timeout_s
                    )
                    self._restart()
                continue
            began_ns = time.perf_counter_ns()
            try:
                image, metadata = request.make_array(STREAM), request.get_metadata()
            finally:
                request.release()
            return image, metadata, (time.perf_counter_ns() - began_ns) / 1e6
        waited_s = self.settings.timeout_s * (self.settings.retries + 1)
        raise DeviceError(
            f"{self.name} gave no frame for {waited_s:g} s, opened {self.settings.retries} times anew; check "
            "the cable and the power supply, `dmesg | grep imx500`, and try a lower --fps"
        )

    def _news_of(self, metadata: dict[str, Any], fetch_ms: float) -> News:
        frame_ms = metadata.get("FrameDuration", 1e6 / self.settings.frames_per_second) / 1e3
        t_ns = int(metadata["SensorTimestamp"])
        outputs = self.chip.get_outputs(metadata)
        count = meta.frame_count(metadata)
        result = None if outputs is None or count is None else ChipResult(tuple(outputs), count)
        kpi_ms = self.chip.get_kpi_info(metadata)
        crop = metadata.get("ScalerCrop", WHOLE_SENSOR.as_tuple)
        view = View(self.settings.stream_px, Box(*(float(length) for length in crop)))
        return News(
            frame=self._numbers.number(t_ns, frame_ms),
            t_ns=t_ns,
            frame_ms=frame_ms,
            view=view,
            result=result,
            kpi_ms=kpi_ms,
            fetch_ms=fetch_ms,
            start=self.restarts,
        )

    def _open(self) -> None:
        """Opens chip, then camera, then starts; whatever fails, nothing stays open."""
        settings = self.settings
        self._numbers = FrameNumbers()
        self._roi = WHOLE_SENSOR
        self._chip = self._hardware.open_chip(self._network, self._tensor_injection)
        try:
            self._camera = self._hardware.open_camera(self._chip.camera_num)
            config = self._camera.create_preview_configuration(
                main={"size": settings.stream_px, "format": RGB_IN_MEMORY},
                raw={"size": (settings.mode.width_px, settings.mode.height_px)},
                controls={"FrameRate": settings.frames_per_second},
                buffer_count=settings.buffers,
            )
            self._chip.show_network_fw_progress_bar()
            self._camera.start(config, show_preview=False)
        except RuntimeError as error:
            self._close()
            raise DeviceError(
                f"{self.name} does not start: {error}; is another program using the camera?"
            ) from error
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        camera, self._camera, self._chip = self._camera, None, None
        if camera is not None:
            with suppress(
                RuntimeError
            ):  # a camera that has failed may not stop in order; closing it is what counts
                camera.stop()
            camera.close()

    def _restart(self) -> None:
        """Opens everything anew with the region it had."""
        roi = self._roi
        self._close()
        self._open()
        self.restarts += 1
        self.set_roi(roi)


def only_output(outputs: Sequence[np.ndarray], numbers: int, source: str) -> np.ndarray:
    """The one output of a network of ours, float32 (numbers,); raises DeviceError if the chip runs another
    network."""
    if len(outputs) != 1 or outputs[0].size != numbers:
        shapes = ", ".join("x".join(map(str, output.shape)) for output in outputs) or "nothing"
        raise DeviceError(
            f"{source} gives {shapes}, expected one tensor of {numbers} numbers: the chip runs another "
            "network than the card beside it says; package it again with `tinytracker deploy imx500`"
        )
    return np.asarray(outputs[0], np.float32).reshape(-1)


def _held_roi(held: Any) -> Roi | None:
    """picamera2 keeps the region as libcamera's Rectangle."""
    if held is None:
        return None
    values: Mapping[str, int] | tuple[int, ...] = (
        held.to_tuple() if hasattr(held, "to_tuple") else tuple(held)
    )
    x, y, width, height = (int(value) for value in values)
    return Roi(x, y, width or WIDTH_PX, height or HEIGHT_PX)
