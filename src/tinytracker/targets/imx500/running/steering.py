"""Keeping the sensor's region of interest on a face that the host finds in its small picture.

    frame n: the host finds the face -> commands a region -> some frames later the sensor cuts it -> some
    frames later the result arrives. All of it together is the loop's lag, in frames.

The sensor does not say which region a result was made from, nor how old it is: its frameCount is 8 bits, from
a start that nobody tells. So the lag is measured: once as a whole, by commanding another region and waiting
until the results change (`measure_loop_lag`), then frame by frame, as what a result comes later than the
freshest so far (`LagMeter`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinytracker.domain import Box, Face
from tinytracker.targets.imx500.chip.metadata import COUNTS
from tinytracker.targets.imx500.chip.sensor import WHOLE_SENSOR, Roi, SensorMode, View, roi_around

REMEMBERED_FRAMES = 256


class FrameNumbers:
    """Numbers the sensor's frames by their time stamps, so that frames the host never saw are counted too."""

    def __init__(self) -> None:
        self._number = -1
        self._last_ns = 0

    def number(self, t_ns: int, frame_ms: float) -> int:
        """The number of the frame taken at `t_ns`, from 0; frame_ms: the time from frame to frame."""
        passed = (
            1 if self._number < 0 or frame_ms <= 0 else max(1, round((t_ns - self._last_ns) / 1e6 / frame_ms))
        )
        self._number += passed
        self._last_ns = t_ns
        return self._number


class LagMeter:
    """How many frames late each result is, from the sensor's 8-bit count of the frame it belongs to.

    least_frames: the lag of the freshest results. Lateness beyond it is exact up to 127 frames.
    """

    def __init__(self, least_frames: int) -> None:
        self.least_frames = least_frames
        self._least_offset: int | None = None

    def update(self, frame: int, count: int) -> int:
        """The lag in frames of a result with frameCount `count` that came with frame number `frame`."""
        offset = (frame - count) % COUNTS
        if self._least_offset is None:
            self._least_offset = offset
        late = (offset - self._least_offset) % COUNTS
        if late >= COUNTS // 2:  # fresher than any before
            self._least_offset, late = offset, 0
        return self.least_frames + late


class RoiLog:
    """Which region was commanded when, by frame number."""

    def __init__(self, first: Roi = WHOLE_SENSOR) -> None:
        self._first = first
        self._commands: deque[tuple[int, Roi]] = deque(maxlen=REMEMBERED_FRAMES)

    @property
    def last(self) -> Roi:
        return self._commands[-1][1] if self._commands else self._first

    def command(self, frame: int, roi: Roi) -> None:
        """Notes that `roi` was commanded when frame number `frame` had arrived."""
        if len(self._commands) == self._commands.maxlen:
            self._first = self._commands[0][1]
        self._commands.append((frame, roi))

    def at(self, frame: int) -> Roi:
        """The region last commanded when frame number `frame` had arrived, or before."""
        return next((roi for when, roi in reversed(self._commands) if when <= frame), self._first)


@dataclass(frozen=True, slots=True)
class SteeringSettings:
    """still: motion or growth, as a share of the region's width, below which the region stays where it is.
    predict: whether the region goes to where the face will be when the region takes effect, if it moves on as
    it did. smoothing: share of the newest motion in the motion assumed. farthest: how far ahead of the face
    the region goes at most, share of its width."""

    still: float = 0.02
    predict: bool = True
    smoothing: float = 0.5
    farthest: float = 0.3


class Steering:
    """Chooses the next frame's region from the face in this one.

    target: the rectangle of the picture that the network wants of a face (its face box, its eye band).
    tensor_size: width and height of the input tensor. lead_frames: how many frames after the command the
    sensor cuts the region.
    """

    def __init__(
        self,
        target: Callable[[Face], Box],
        view: View,
        mode: SensorMode,
        tensor_size: tuple[int, int],
        lead_frames: float = 0.0,
        settings: SteeringSettings | None = None,
    ) -> None:
        self.view = view
        self.mode = mode
        self.tensor_size = tensor_size
        self.lead_frames = lead_frames
        self.settings = settings or SteeringSettings()
        self._target = target
        self.reset()

    def reset(self) -> None:
        """Forgets how the face moved."""
        self._last: tuple[int, np.ndarray] | None = None
        self._speed_px = np.zeros(2)  # per frame, of the middle
        self._roi: Roi | None = None

    def follow(self, frame: int, face: Face | None) -> Roi | None:
        """The region for the next frames; None to leave it where it is: without a face, or one that has
        hardly moved."""
        if face is None:
            self._last, self._speed_px = None, np.zeros(2)
            return None
        box = self.view.to_sensor(self._target(face))
        wanted = roi_around(self._ahead(frame, box), self.tensor_size, self.mode)
        if self._roi is not None and _difference(wanted, self._roi) < self.settings.still:
            return None
        self._roi = wanted
        return wanted

    def _ahead(self, frame: int, box: Box) -> Box:
        """The box where it is likely to be once the region is in effect."""
        middle = np.array(box.centre_px)
        if self._last is not None and frame > self._last[0]:
            share = self.settings.smoothing
            speed = (middle - self._last[1]) / (frame - self._last[0])
            self._speed_px = share * speed + (1 - share) * self._speed_px
        self._last = (frame, middle)
        if not self.settings.predict:
            return box
        most = self.settings.farthest * box.width_px
        x_px, y_px = np.clip(self._speed_px * self.lead_frames, -most, most)
        return Box(box.x_px + float(x_px), box.y_px + float(y_px), box.width_px, box.height_px)


def _difference(roi: Roi, other: Roi) -> float:
    """How far two regions differ in place or size, as a share of the width."""
    (x, y), (other_x, other_y) = roi.box.centre_px, other.box.centre_px
    growth = max(abs(roi.width_px - other.width_px), abs(roi.height_px - other.height_px))
    return max(abs(x - other_x), abs(y - other_y), growth) / other.width_px


def measure_loop_lag(
    step: Callable[[Roi | None], Sequence[np.ndarray] | None],
    here: Roi,
    there: Roi,
    *,
    settle_frames: int = 20,
    still_frames: int = 6,
    least_change: float = 0.01,
) -> int | None:
    """Frames from commanding a region to the first result made from it; None if the results do not change
    with the region.

    step(roi): commands a region (None: leaves it), waits for the next frame, gives the outputs that came with
    it, or None. Goes from `here` to `there` and back; a change is what exceeds both `least_change` and four
    times the range of the results while nothing was commanded. The longer way counts.
    """
    lags = []
    for start, end in ((here, there), (there, here)):
        step(start)
        for _ in range(settle_frames):
            step(None)
        quiet = [values for values in (_flat(step(None)) for _ in range(still_frames)) if values is not None]
        if not quiet:
            return None
        middle = np.mean(quiet, axis=0)
        limit = max(least_change, 4 * float(np.ptp(quiet, axis=0).max(initial=0)))
        seen = (_flat(step(end if frame == 0 else None)) for frame in range(settle_frames))
        lag = next(
            (
                n
                for n, out in enumerate(seen, 1)
                if out is not None and float(np.abs(out - middle).max()) > limit
            ),
            None,
        )
        if lag is None:
            return None
        lags.append(lag)
    return max(lags)


def _flat(outputs: Sequence[np.ndarray] | None) -> np.ndarray | None:
    return (
        None
        if outputs is None
        else np.concatenate([np.asarray(output, float).reshape(-1) for output in outputs])
    )
