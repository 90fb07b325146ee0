"""Running a data set's crops on the chip itself: input tensors are injected past the image processor.

A tensor is handed to the driver, which names the frame (modulo 256) whose result will be its own. Results
before that frame are older ones and are passed over; one after it means that the frame was lost, and the
tensor is injected again. The driver refuses now and then with errno 121 (the sensor did not answer on its
bus): that is tried again too. What is done is written down sample by sample, so that a run of hours may be
stopped and goes on where it was.

It needs `camera_auto_detect=0` and `dtoverlay=imx500,cam0,bypass-cache` (cam1 for the second camera port) in
/boot/firmware/config.txt, and a low frame rate (12); libcamera's own patience is raised (`patience.py`).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.cards import InputSpec
from tinytracker.domain import Box
from tinytracker.engines.feed import CropSource, Feed, read_crops
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import DatasetError, DeviceError, OutputError
from tinytracker.faces.boxes import eye_band_of_stored
from tinytracker.files import parse_json
from tinytracker.inputs import box_kind_of
from tinytracker.progress import Progress, no_progress
from tinytracker.targets.imx500.chip import isp
from tinytracker.targets.imx500.chip.isp import Registers
from tinytracker.targets.imx500.chip.metadata import COUNTS
from tinytracker.targets.imx500.running.camera import ChipCamera, ChipResult

logger = logging.getLogger(__name__)

FRAMES_PER_SECOND = 12.0
# Public they are not; picamera2's own example of injection calls them so.
SET_INPUT_TENSOR = "_IMX500__set_input_tensor"
COMPARE_FRAME = "get_injection_cmp_frm"


class Injector:
    """Injects tensors into the chip of an entered ChipCamera opened with tensor_injection.

    retries: how often one tensor is injected again before DeviceError. frames: how many frames its result is
    awaited.
    """

    def __init__(
        self, camera: ChipCamera, retries: int = 100, frames: int = 64, pause_s: float = 0.05
    ) -> None:
        self.retries = retries
        self.frames = frames
        self.errors = 0  # refused by the driver
        self.missed = 0  # frames lost
        self._source = camera
        self._pause_s = pause_s
        self._last: int | None = None  # number of the last frame whose result was seen, modulo 256

    def run(self, tensor: np.ndarray) -> ChipResult:
        """What the network gives for an input tensor (3, height, width) of the registers' dtype.

        Raises DeviceError if it cannot be had.
        """
        data = isp.padded(tensor).tobytes()
        for _ in range(self.retries + 1):
            wanted = self._inject(data)
            if wanted is None:
                self.errors += 1
                time.sleep(self._pause_s)
                continue
            result = self._await(wanted)
            if result is not None:
                return result
            self.missed += 1
        raise DeviceError(
            f"{self._source.name} gave no result for an injected tensor in {self.retries + 1} attempts; is "
            "`camera_auto_detect=0` with `dtoverlay=imx500,cam0,bypass-cache` (or cam1) in "
            "/boot/firmware/config.txt, and are kernel and picamera2 of 2025-11 or newer?"
        )

    def _inject(self, data: bytes) -> int | None:
        """Hands a tensor over; the number of its frame modulo 256, or None if the sensor or the driver did
        not answer."""
        target = self._source.chip
        if not hasattr(target, SET_INPUT_TENSOR):
            raise DeviceError(
                "this picamera2 cannot inject tensors; run: sudo apt update && sudo apt full-upgrade"
            )
        handle = os.memfd_create("tensor", os.MFD_CLOEXEC)
        try:
            with open(handle, "wb", closefd=False) as file:
                file.write(data)
            getattr(target, SET_INPUT_TENSOR)(handle)
        except RuntimeError as error:
            if getattr(error.__cause__, "errno", getattr(error, "errno", None)) == errno.EREMOTEIO:
                logger.info("the sensor refused a tensor (errno 121); again")
                return None
            raise DeviceError(f"{self._source.name} refuses an input tensor: {error}") from error
        finally:
            os.close(handle)
        number = int(getattr(target, COMPARE_FRAME)()) % COUNTS
        if number == 0 and not self._is_near_zero():
            logger.info("the driver names no frame for a tensor; again")
            return None
        return number

    def _is_near_zero(self) -> bool:
        """Whether frame 0 may come next: picamera2 also says 0 where the driver does not answer, which is
        not told apart else."""
        return self._last is not None and 0 < -self._last % COUNTS <= self.frames

    def _await(self, wanted: int) -> ChipResult | None:
        """The result of frame `wanted` modulo 256; None if a later one came first, or none at all."""
        for _ in range(self.frames):
            result = self._source.read().news.result
            if result is None:
                continue
            self._last = result.frame_count % COUNTS
            ahead = (result.frame_count - wanted + COUNTS // 2) % COUNTS - COUNTS // 2
            if ahead == 0:
                return result
            if ahead > 0:
                return None
        return None


class InjectionLog:
    """Results already had, one JSON object a line, so that a stopped run goes on: the first line says of
    what.

    about: what must agree for a log to be continued (network, data set, split). Raises DatasetError if the
    file is of another run, OutputError if it cannot be written. A last line cut off by a kill is dropped.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path = path
        self.done: dict[int, np.ndarray] = {}
        whole = json.dumps(about, sort_keys=True) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
            kept = [line for line in lines if line.endswith(b"\n")]
            if kept and kept[0].decode() != whole:
                raise DatasetError(
                    f"{path} was begun for {kept[0].decode().strip()}, not {whole.strip()}; give another file"
                )
            for line in kept[1:]:
                row = parse_json(line)
                self.done[int(row["sample"])] = np.array(row["outputs"], np.float32)
            if kept:
                os.truncate(path, sum(map(len, kept)))
            self._file = path.open("ab")
            if not kept:
                self._file.write(whole.encode())
                self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}; choose another place") from error
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is no log of injections ({error}); give another file") from error

    def add(self, sample: int, outputs: np.ndarray) -> None:
        self.done[sample] = np.asarray(outputs, np.float32).reshape(-1)
        self._file.write(
            (json.dumps({"sample": sample, "outputs": self.done[sample].tolist()}) + "\n").encode()
        )
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def input_tensors(
    source: CropSource, indices: np.ndarray, spec: InputSpec, registers: Registers
) -> Iterator[np.ndarray]:
    """The input tensor (3, height, width) of each sample, as the image processor would have made it of the
    stored crop."""
    pixels = TensorSpec(
        spec.name, (1, *spec.shape), "uint8", spec.pixel_scale, round(-spec.pixel_offset / spec.pixel_scale)
    )
    feed = Feed([spec], [pixels])
    for index in indices:
        crops = read_crops(source, np.array([index]), frozenset({spec.kind}))
        yield isp.tensor_of(feed.from_crops(crops)[0][0], registers)


def seen_boxes(
    source: CropSource, indices: np.ndarray, spec: InputSpec
) -> Iterable[tuple[Box, tuple[int, int]]]:
    """Per sample the rectangle that its crop shows, in frame pixels, and the frame's width and height."""
    crops = read_crops(source, indices, frozenset({box_kind_of(spec.kind)}))
    for sample in range(len(indices)):
        frame_px = (int(crops.frame_sizes_px[sample][0]), int(crops.frame_sizes_px[sample][1]))
        if spec.kind == "eye_band":
            stored = Box(*(float(length) for length in crops.stored_bands_px[sample]))
            yield eye_band_of_stored(stored, spec.height_px / spec.width_px), frame_px
        else:
            yield Box(*(float(length) for length in crops.face_boxes_px[sample])), frame_px


def inject_all(
    injector: Injector,
    log: InjectionLog,
    indices: np.ndarray,
    tensors: Callable[[np.ndarray], Iterator[np.ndarray]],
    progress: Progress = no_progress,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Injects every sample of `indices` that the log lacks; False if `stop` ended it before all were done.

    tensors(indices): the input tensors of samples, in order.
    """
    missing = np.array([index for index in indices if int(index) not in log.done], np.int64)
    done = len(indices) - len(missing)
    progress(done, len(indices))
    for index, tensor in zip(missing.tolist(), tensors(missing), strict=True):
        if stop():
            return False
        result = injector.run(tensor)
        log.add(
            index,
            result.outputs[0]
            if len(result.outputs) == 1
            else np.concatenate([o.reshape(-1) for o in result.outputs]),
        )
        done += 1
        progress(done, len(indices))
    return True
