"""Following a pupil through a stream of events: a window that goes along, a network asked every so often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import UsageError
from tinytracker.events.builder import WindowBuilder
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events
from tinytracker.retina.estimates import CLOSED
from tinytracker.retina.model import PupilModel
from tinytracker.retina.sequences import LEAST_CELLS_SHARE, window_of

HIGHEST_HZ = 1e6
TOO_FEW = "too few events yet"
EYE_CLOSED = "the eye is closed"
BEYOND_DOTS = "beyond the calibrated dots"


class GazeMap(Protocol):
    """From where a pupil is, in pixels of the sensor, to where it looks; None where that would be a guess."""

    def gaze(self, x_px: float, y_px: float) -> tuple[float, float] | None: ...


@dataclass(frozen=True, slots=True)
class PupilSample:
    """The pupil at one moment.

    index: of the estimate, from 0. t_us: when it was asked for, on the clock of the events. newest_us: when
    the newest event in its window came. events: how many came since the last estimate. cells: how many cells
    are in the window. x_px, y_px: the pupil's centre on the sensor, from its top left corner; None if there
    is none.
    closed, confidence: chances that the eye is closed and that the centre is right; None if the network does
    not say. reason: why there is no pupil. gaze, gaze_reason: where it looks, if calibrated, or why not.
    late_ms: how much later than its time it was ready, where events are replayed at their own speed.
    """

    index: int
    t_us: int
    newest_us: int
    events: int
    cells: int
    x_px: float | None = None
    y_px: float | None = None
    closed: float | None = None
    confidence: float | None = None
    reason: str = ""
    gaze: tuple[float, float] | None = None
    gaze_reason: str = ""
    late_ms: float | None = None

    @property
    def is_valid(self) -> bool:
        """Whether there is a pupil."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When estimates are made: hz of them a second, or one after every `events` events (if that is not 0)."""

    hz: float = 200.0
    events: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.hz <= HIGHEST_HZ:
            raise UsageError(f"estimates at {self.hz:g} Hz; expected more than 0 and at most {HIGHEST_HZ:g}")
        if self.events < 0:
            raise UsageError(f"estimates every {self.events} events; expected 1 or more, or 0 for --hz")

    def moments(self, events: Events) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """When each estimate is made (int64 (n,), microseconds), and how many events came until then."""
        if self.events:
            places = np.arange(self.events, len(events) + 1, self.events, dtype=np.int64)
            return events.t_us[places - 1], places
        if not len(events):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        count = int(events.duration_us * self.hz / 1e6)
        moments = events.t_us[0] + np.rint(np.arange(1, count + 1) * (1e6 / self.hz)).astype(np.int64)
        return moments, np.searchsorted(events.t_us, moments, side="right").astype(np.int64)


def crop_fits(model: PupilModel, crop: SensorCrop) -> None:
    """Raises UsageError if a network sees another number of cells than a crop has."""
    window = model.window
    if (window.width_px, window.height_px) != (crop.size, crop.size):
        raise UsageError(f"{model.source} sees {window.width_px} x {window.height_px} cells, not {crop.size}")


def follow(
    events: Events,
    model: PupilModel,
    crop: SensorCrop,
    rhythm: Rhythm = Rhythm(),
    gaze_map: GazeMap | None = None,
    pace: Callable[[int], float] | None = None,
) -> Iterator[PupilSample]:
    """The pupil along a stream of events, from a fresh start.

    pace: called with the microseconds from the first event to each estimate before it is made, and again when
    it is ready (`RealTime`); what it returns is how late that is, in ms. Raises UsageError for a network of
    another size than the crop.
    """
    crop_fits(model, crop)
    model.forget()
    builder = WindowBuilder(crop, window_of(model.window))
    fewest = LEAST_CELLS_SHARE * builder.window.most_cells(crop)
    done = 0
    moments, places = rhythm.moments(events)
    for index, (t_us, place) in enumerate(zip(moments.tolist(), places.tolist(), strict=True)):
        after_us = t_us - int(events.t_us[0])
        if pace is not None:
            pace(after_us)
        builder.push(events.rows(done, place))
        about = (index, t_us, builder.newest_us, place - done, builder.cells)
        done = place
        sample = PupilSample(*about, reason=TOO_FEW)
        if builder.cells >= fewest:
            sample = _estimated(about, model, builder, gaze_map)
        yield sample if pace is None else replace(sample, late_ms=pace(after_us))


def _estimated(
    about: tuple[int, int, int, int, int], model: PupilModel, builder: WindowBuilder, gaze_map: GazeMap | None
) -> PupilSample:
    found = model.estimate(builder.planes())
    closed, confidence = (_said(float(values[0])) for values in (found.closed, found.confidence))
    if closed is not None and closed >= CLOSED:
        return PupilSample(*about, closed=closed, confidence=confidence, reason=EYE_CLOSED)
    size = builder.crop.size
    x_px, y_px = builder.crop.to_sensor(float(found.centre[0, 0]) * size, float(found.centre[0, 1]) * size)
    gaze = None if gaze_map is None else gaze_map.gaze(x_px, y_px)
    return PupilSample(
        *about,
        x_px=x_px,
        y_px=y_px,
        closed=closed,
        confidence=confidence,
        gaze=gaze,
        gaze_reason=BEYOND_DOTS if gaze is None and gaze_map is not None else "",
    )


def _said(number: float) -> float | None:
    return None if np.isnan(number) else number


class RealTime:
    """Waits until as much time has passed as between events; says how late it is already."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ):
        self._clock, self._sleep = clock, sleep
        self._begun_s: float | None = None

    def __call__(self, after_us: int) -> float:
        """Waits until `after_us` after the first call's events; milliseconds by which that is past."""
        now_s = self._clock()
        if self._begun_s is None:
            self._begun_s = now_s - after_us / 1e6
        late_s = now_s - self._begun_s - after_us / 1e6
        if late_s < 0:
            self._sleep(-late_s)
            return 0.0
        return late_s * 1e3
