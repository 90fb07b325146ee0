"""Fixations, saccades between them, and blinks: online, a frame at a time, or of a whole stretch.

Fixations by dispersion (I-DT; Salvucci and Goldberg, "Identifying fixations and saccades in eye-tracking
protocols", ETRA 2000), in degrees: frames that lie within a window of `dispersion_deg` (extent along x plus
along y), for at least `least_ms`. Saccades are what lies between two fixations: their amplitude is real at
any rate; their speed cannot be measured below some hundred frames a second and is not given. Blinks are short
drops of the lids' openness.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tinytracker.calibration.samples import GazeArrays, as_arrays
from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError

DEFAULT_DISPERSION_DEG = 2.5
LEAST_MS = 100.0
MOST_GAP_MS = 75.0
"""A longer silence ends a fixation: two frames lost at 30 a second are bridged, a blink is not."""


@dataclass(frozen=True, slots=True)
class Fixation:
    """start_ns, end_ns: times of its first and last frame. x_deg, y_deg: mean direction. frames: with gaze.
    dispersion_deg: extent along x plus along y."""

    start_ns: int
    end_ns: int
    x_deg: float
    y_deg: float
    frames: int
    dispersion_deg: float

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Saccade:
    """From one fixation's last frame to the next one's first; amplitude_deg between their means."""

    start_ns: int
    end_ns: int
    amplitude_deg: float


@dataclass(frozen=True, slots=True)
class Blink:
    """Lids shut from start_ns to end_ns, the times of the first and last such frame."""

    start_ns: int
    end_ns: int

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


def dispersion_threshold_deg(std_deg: float, least_deg: float = 1.0) -> float:
    """A dispersion that holds a fixation measured with this precision (`DataQuality.std_deg`), never below
    `least_deg`.

    Of a second's 30 frames of normal noise the extents along both axes add up to less than ten deviations of
    an axis in 95 of 100 seconds (computed), and the two-dimensional deviation is sqrt(2) of an axis's.
    """
    return max(least_deg, 10 / math.sqrt(2) * std_deg)


def fixations(
    samples: GazeArrays | Iterable[GazeSample],
    dispersion_deg: float = DEFAULT_DISPERSION_DEG,
    least_ms: float = LEAST_MS,
    most_gap_ms: float = MOST_GAP_MS,
) -> list[Fixation]:
    """All fixations of a stretch, in order; what `FixationFinder` finds frame by frame.

    dispersion_deg: `dispersion_threshold_deg` of a measured precision suits a person. Raises UsageError for
    thresholds that are not positive.

    >>> looked = GazeArrays(np.arange(12) * 33_000_000, [0.0] * 6 + [9.0] * 6, [0.0] * 12)
    >>> first, second = fixations(looked)
    >>> second.x_deg, second.duration_ms
    (9.0, 165.0)
    """
    arrays = as_arrays(samples)
    finder = FixationFinder(dispersion_deg, least_ms, most_gap_ms)
    ended = [
        finder.add(*frame) for frame in zip(arrays.t_ns.tolist(), arrays.x_deg, arrays.y_deg, strict=True)
    ]
    return [fixation for fixation in [*ended, finder.finish()] if fixation is not None]


class FixationFinder:
    """Fixations online: give it every frame, get a fixation when it has ended.

    The longest window of latest frames that fits is kept; once it lasts `least_ms` it is a fixation and grows
    until a frame no longer fits. That finds the same fixations as moving a window over the whole stretch.
    """

    def __init__(
        self,
        dispersion_deg: float = DEFAULT_DISPERSION_DEG,
        least_ms: float = LEAST_MS,
        most_gap_ms: float = MOST_GAP_MS,
    ) -> None:
        if not (dispersion_deg > 0 and least_ms > 0 and most_gap_ms > 0):
            raise UsageError("a fixation's dispersion, least duration and longest gap must be positive")
        self._dispersion_deg = dispersion_deg
        self._least_ns, self._gap_ns = least_ms * 1e6, most_gap_ms * 1e6
        self._window: deque[tuple[int, float, float]] = deque()
        self._is_fixation = False

    def add(self, t_ns: int, x_deg: float | None, y_deg: float | None) -> Fixation | None:
        """Takes a frame (None or NaN: no gaze); gives the fixation that it ended, if it ended one."""
        ended = None
        if self._window and t_ns - self._window[-1][0] > self._gap_ns:
            ended = self.finish()
        if x_deg is None or y_deg is None or not (math.isfinite(x_deg) and math.isfinite(y_deg)):
            return ended
        self._window.append((t_ns, float(x_deg), float(y_deg)))
        if self._is_fixation and _extent(self._window) > self._dispersion_deg:
            newest = self._window.pop()
            ended = self.finish()
            self._window.append(newest)
        while _extent(self._window) > self._dispersion_deg:
            self._window.popleft()
        self._is_fixation = self._window[-1][0] - self._window[0][0] >= self._least_ns
        return ended

    @property
    def current(self) -> Fixation | None:
        """The fixation going on now, if it has lasted long enough to be one."""
        return _fixation_of(self._window) if self._is_fixation else None

    def finish(self) -> Fixation | None:
        """Ends the stretch: the fixation that was going on, if one was; the finder is as new."""
        ended = self.current
        self._window.clear()
        self._is_fixation = False
        return ended


def saccades(found: Iterable[Fixation], most_gap_ms: float = 200.0) -> list[Saccade]:
    """Between successive fixations that lie no further apart in time than this (else something else may have
    happened)."""
    return [
        Saccade(
            before.end_ns, after.start_ns, math.hypot(after.x_deg - before.x_deg, after.y_deg - before.y_deg)
        )
        for before, after in pairwise(found)
        if after.start_ns - before.end_ns <= most_gap_ms * 1e6
    ]


def blinks(
    samples: GazeArrays | Iterable[GazeSample], least_ms: float = 30.0, most_ms: float = 700.0
) -> list[Blink]:
    """All blinks of a stretch; what `BlinkFinder` finds. Empty where openness was not measured."""
    arrays = as_arrays(samples)
    if arrays.openness is None:
        return []
    finder = BlinkFinder(least_ms, most_ms)
    ended = [finder.add(*frame) for frame in zip(arrays.t_ns.tolist(), arrays.openness, strict=True)]
    return [blink for blink in ended if blink is not None]


class BlinkFinder:
    """Blinks online, from the mean openness of both lids.

    Shut is below half of the usual openness, open again above 0.65 of it, so that a lid that trembles in
    between blinks once. Usual is the median of the last 10 seconds in which the eyes were open. Shut for
    longer than `most_ms` is a closed eye, shorter than `least_ms` a stray frame.
    """

    SHUT, OPEN_AGAIN = 0.5, 0.65
    _USUAL_NS = 10_000_000_000
    _USUAL_AT_FIRST = 0.25  # openness of open eyes lies between 0.15 and 0.35

    def __init__(self, least_ms: float = 30.0, most_ms: float = 700.0) -> None:
        self._least_ns, self._most_ns = least_ms * 1e6, most_ms * 1e6
        self._open: deque[tuple[int, float]] = deque()
        self._shut: list[int] = []

    def add(self, t_ns: int, openness: float | None) -> Blink | None:
        """Takes a frame (None or NaN: not measured); gives the blink that it ended."""
        if openness is None or not math.isfinite(openness):
            return None
        limit = self.OPEN_AGAIN if self._shut else self.SHUT
        if openness < limit * self._usual():
            self._shut.append(t_ns)
            return None
        self._remember(t_ns, openness)
        shut, self._shut = self._shut, []
        if not shut:
            return None
        # A blink seen in one frame only lasted up to that frame's neighbours; its length is then taken
        # between them.
        lasted_ns = t_ns - shut[0]
        return Blink(shut[0], shut[-1]) if self._least_ns <= lasted_ns <= self._most_ns else None

    def _usual(self) -> float:
        return (
            float(np.median([value for _, value in self._open]))
            if len(self._open) >= 5
            else self._USUAL_AT_FIRST
        )

    def _remember(self, t_ns: int, openness: float) -> None:
        self._open.append((t_ns, openness))
        while t_ns - self._open[0][0] > self._USUAL_NS:
            self._open.popleft()


def _extent(window: Sequence[tuple[int, float, float]]) -> float:
    xs, ys = [x for _, x, _ in window], [y for _, _, y in window]
    return max(xs) - min(xs) + max(ys) - min(ys)


def _fixation_of(window: Sequence[tuple[int, float, float]]) -> Fixation:
    count = len(window)
    return Fixation(
        start_ns=window[0][0],
        end_ns=window[-1][0],
        x_deg=sum(x for _, x, _ in window) / count,
        y_deg=sum(y for _, _, y in window) / count,
        frames=count,
        dispersion_deg=_extent(window),
    )
