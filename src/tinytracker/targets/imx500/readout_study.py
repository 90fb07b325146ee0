"""What reading the sensor out binned costs in accuracy: the same moments of rendered people in both modes.

People sit before the sensor's own lens and are rendered at its own pixels (4056 x 3040), as far as a network
looks. Full read-out keeps these; binned read-out averages 2 x 2 of them. Region, scaling, registers and
network are then the simulated sensor's. Both modes see the same picture, noise included, so that their
difference is the binning's alone. What is not in it: that a rolling shutter leans a moving face three times
as much in full read-out, and that the sensor averages before its tone curve, not after it as here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tinytracker.devices import sized_device
from tinytracker.domain import Box, Face, Image
from tinytracker.evaluation.intervals import Estimate, mean_over_frames
from tinytracker.progress import Progress, no_progress
from tinytracker.results import Table
from tinytracker.synthetic.unseen import CLIP_SEED
from tinytracker.targets.imx500.chip import isp
from tinytracker.targets.imx500.chip.accounting import estimate
from tinytracker.targets.imx500.chip.sensor import (
    HEIGHT_PX,
    MODES,
    WIDTH_PX,
    SensorMode,
    roi_around,
    view_of_whole_picture,
)
from tinytracker.targets.imx500.running.live import AI_CAMERA_FOV_DEG, ChipModel
from tinytracker.targets.imx500.running.network import ExportedNetwork

if TYPE_CHECKING:
    from tinytracker.synthetic.session import SyntheticFrame

FRAMES = 12
"""Per person: six dots, two moments each."""
RENDERED_SHARE = 1.7  # of the face box that is rendered: a region may reach beyond the box

Look = Callable[[Image, Face, SensorMode], tuple[float, float]]
"""A whole frame in a mode's pixels and the face in it -> the gaze in cm."""


@dataclass(frozen=True, slots=True)
class ReadoutStudy:
    """Errors in cm of the same n moments in each mode. people: (n,), whose moment it is. macs: the
    network's."""

    name: str
    macs: int
    errors_cm: dict[str, np.ndarray]
    people: np.ndarray

    def error(self, mode: str) -> Estimate:
        """Mean error in a mode, with its interval over people."""
        return mean_over_frames(self.errors_cm[mode], self.people)

    @property
    def binning_costs(self) -> Estimate:
        """Mean of the error in binned less that in full read-out, moment by moment, with its interval."""
        return mean_over_frames(self.errors_cm["binned"] - self.errors_cm["full"], self.people)

    def table(self) -> Table:
        """A line per mode."""
        people = len(np.unique(self.people))
        title = (
            f"{self.name}: read-out modes on rendered people, emulated "
            f"({people} people, {len(self.people)} moments)"
        )
        columns = ("read-out", "end to end ms, estimated", "error cm", "against full, cm")
        rows = []
        for name, mode in MODES.items():
            whole = next(cost for cost in estimate(self.macs, mode) if cost.part == "end to end")
            against = "" if name == "full" else _told(self.binning_costs, "+")
            rows.append((name, f"{whole.low:.2f} to {whole.high:.2f}", _told(self.error(name)), against))
        return Table(title, columns, rows, numbers=(1, 2, 3))


@dataclass(frozen=True, slots=True)
class Seer:
    """A network, or a stand-in for one: its name, its multiply-accumulates, and how it looks."""

    name: str
    macs: int
    look: Look


def study_readout(
    seers: Sequence[Seer],
    people: Sequence[int],
    frames: int = FRAMES,
    progress: Progress = no_progress,
    stop: Callable[[], bool] = lambda: False,
) -> list[ReadoutStudy]:
    """Renders `frames` moments each of `people` (numbers of `synthetic.unseen`) and lets every seer say the
    gaze in both modes. Raises KeyboardInterrupt, between two moments, once `stop()` says so."""
    errors_cm: list[dict[str, list[float]]] = [{mode: [] for mode in MODES} for _ in seers]
    whose: list[int] = []
    for place, person in enumerate(people):
        for number, moment in enumerate(_moments(person, frames)):
            if stop():
                raise KeyboardInterrupt
            for name, mode in MODES.items():
                frame, face = read_out(moment.image, moment.face, mode)
                for seer, errors in zip(seers, errors_cm, strict=True):
                    x_cm, y_cm = seer.look(frame, face, mode)
                    errors[name].append(math.hypot(x_cm - moment.x_cm, y_cm - moment.y_cm))
            whose.append(person)
            progress(place * frames + number + 1, len(people) * frames)
    return [
        ReadoutStudy(
            seer.name, seer.macs, {mode: np.array(values) for mode, values in errors.items()}, np.array(whose)
        )
        for seer, errors in zip(seers, errors_cm, strict=True)
    ]


def read_out(image: Image, face: Face, mode: SensorMode) -> tuple[Image, Face]:
    """A picture of all the sensor's pixels, and a face in it, as a mode reads them out: binning averages."""
    if mode.binning == 1:
        return image, face
    size = mode.width_px, mode.height_px
    share = 1 / mode.binning
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)), _scaled(face, share)


def looking_through(network: ExportedNetwork) -> Look:
    """The exported network behind the simulated sensor: region, scaling, registers, quantised network."""
    model = ChipModel(network.card)

    def look(frame: Image, face: Face, mode: SensorMode) -> tuple[float, float]:
        frame_px = frame.shape[1], frame.shape[0]
        view = view_of_whole_picture(*frame_px)
        roi = roi_around(view.to_sensor(model.target(face)), network.tensor_size, mode)
        seen = isp.look(frame, view, roi, *network.tensor_size)
        outputs = network.run(isp.tensor_of(seen, network.registers))
        gaze = model.take(outputs[0], view.to_picture(roi.box), frame_px)
        return gaze.x_cm, gaze.y_cm

    return look


@dataclass(frozen=True, slots=True)
class _Moment:
    """image: all the sensor's pixels, black where nothing was rendered. x_cm, y_cm: the dot."""

    image: Image
    face: Face
    x_cm: float
    y_cm: float


def _moments(person: int, frames: int) -> Iterator[_Moment]:
    """Of somebody at a laptop, the sensor above its screen; moments without a face are left out."""
    from tinytracker.synthetic.camera import Camera
    from tinytracker.synthetic.person import Person
    from tinytracker.synthetic.session import Session
    from tinytracker.synthetic.setup import Setup

    focal_px = WIDTH_PX / 2 / math.tan(math.radians(AI_CAMERA_FOV_DEG) / 2)
    lens = Camera(focal_px, WIDTH_PX / 2, HEIGHT_PX / 2, WIDTH_PX, HEIGHT_PX)

    class BehindTheSensor(Setup):
        def camera(self, orientation: int) -> Camera:
            return lens

    who = np.random.default_rng([CLIP_SEED, person, 0])
    rng = np.random.default_rng([CLIP_SEED, person, 4])
    setup = BehindTheSensor.at(sized_device("laptop", 34.0, 21.0), rng)
    session = Session(Person.from_seed(int(who.integers(1 << 62))), rng, setup)
    for _ in range(frames):
        shown = session.frame()
        if shown.boxes is None:
            continue
        face = Face(shown.boxes.face, shown.boxes.left_eye, shown.boxes.right_eye)
        yield _Moment(_rendered(shown, face.box), face, shown.target.x_cm, shown.target.y_cm)


def _rendered(shown: SyntheticFrame, face: Box) -> Image:
    """All the sensor's pixels, of which a square round the face is rendered."""
    x, y = face.centre_px
    size = int(RENDERED_SHARE * face.width_px) // 2 * 2
    left, top = (int(middle - size / 2) // 2 * 2 for middle in (x, y))
    square = shown.crop(Box(left, top, size, size), size, supersampling=1)
    image = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    rows, columns = (
        slice(max(0, start), min(limit, start + size))
        for start, limit in ((top, HEIGHT_PX), (left, WIDTH_PX))
    )
    image[rows, columns] = square[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return image


def _scaled(face: Face, share: float) -> Face:
    left, right = (eye and _times(eye, share) for eye in (face.left_eye, face.right_eye))
    return Face(_times(face.box, share), left, right)


def _times(box: Box, share: float) -> Box:
    return Box(box.x_px * share, box.y_px * share, box.width_px * share, box.height_px * share)


def _told(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
