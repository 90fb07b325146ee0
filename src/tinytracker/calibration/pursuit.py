"""Calibrating by a dot that moves: fifteen seconds of smooth pursuit in place of single dots.

The eyes follow a dot of up to some 6 degrees a second smoothly, but late, and the camera is later still. The
lag is the one at which the gaze fits the path best; then the path is cut into pieces, and each piece is a dot
like any other: its frames are moved along with the path to the piece's middle. Whoever did not follow for a
while spoils single pieces, which then hardly count (`fit`).

Pursuit calibrates infra-red trackers as well as nine dots do, in less time, but not above 6 degrees a second:
Blignaut, "Using smooth pursuit calibration for difficult-to-calibrate participants", J. Eye Movement Research
10(4), 2017; Drewes, Pfeuffer and Alt, "Time- and space-efficient eye tracker calibration", ETRA 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytracker.calibration.dots import Dot, DotRules, refusal
from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError
from tinytracker.geometry import visual_angle_deg

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

PURSUIT_S = 15.0
PIECE_NS, FRAMES_A_PIECE = 1_000_000_000, 8
"""A piece lasts a second, and longer before a slow camera."""
STARTING_NS = 700_000_000
"""So long the eyes take to catch up with a dot that begins to move."""
MOST_LAG_MS, LAG_STEP_MS = 400, 10
LEAST_FOLLOWING = 0.5
"""A correlation of gaze and path below this: the dot was not followed. Rendered people reach .8 and more, and
gaze that rests or wanders 0.2."""
_REACH = 0.42
_RULES = DotRules(least_frames=4)


def figure_of_eight(share: ArrayLike) -> tuple[Floats, Floats]:
    """Where a page's moving dot is after a share (0 to 1) of its time, in shares of the screen's width and
    height: a figure of eight, from the middle back to the middle.

    In 15 seconds on a laptop at 60 cm it moves by at most 8 degrees a second, 5 on average.

    >>> x, y = figure_of_eight([0.0, 0.25, 0.5])
    >>> x.round(2).tolist(), y.round(2).tolist()
    ([0.5, 0.92, 0.5], [0.5, 0.5, 0.5])
    """
    turn = 2 * np.pi * np.asarray(share, np.float64)
    return 0.5 + _REACH * np.sin(turn), 0.5 + _REACH * np.sin(2 * turn)


@dataclass(frozen=True, slots=True)
class Path:
    """Where a moving dot was. t_ns: int64 (n,), rising, on the clock of the samples. x_cm, y_cm: (n,), its
    middle in prediction space; straight in between.

    Raises UsageError for fewer than two places, times that do not rise and places that are no numbers.
    """

    t_ns: Times
    x_cm: Floats
    y_cm: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_ns", np.asarray(self.t_ns, np.int64).reshape(-1))
        for name in ("x_cm", "y_cm"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64).reshape(-1))
        if len(self.t_ns) < 2 or not len(self.t_ns) == len(self.x_cm) == len(self.y_cm):
            raise UsageError("a path needs two places or more, each with its time")
        if np.any(np.diff(self.t_ns) <= 0):
            raise UsageError("a path's places must come in order of time, each at another")
        if not (np.isfinite(self.x_cm).all() and np.isfinite(self.y_cm).all()):
            raise UsageError("a path's places must be numbers, in cm")

    def at(self, t_ns: ArrayLike) -> tuple[Floats, Floats]:
        """Where the dot was at these times, cm; NaN before and after."""
        times = np.asarray(t_ns, np.float64)
        inside = (times >= self.t_ns[0]) & (times <= self.t_ns[-1])
        x_cm, y_cm = (np.interp(times, self.t_ns, place) for place in (self.x_cm, self.y_cm))
        return np.where(inside, x_cm, np.nan), np.where(inside, y_cm, np.nan)


@dataclass(frozen=True, slots=True)
class Pursued:
    """What a pursuit says. dots: for `Calibration.fit`. lag_ms: of the gaze behind the path, eyes and camera
    together. following: correlation of gaze and path at that lag. refused: why pieces were left out."""

    dots: list[Dot]
    lag_ms: int
    following: float
    refused: list[str]


def pursue(path: Path, samples: Sequence[GazeSample]) -> Pursued:
    """The pieces of a path that was followed; samples: the pipeline's, whose raw gaze is used.

    Raises UsageError if the dot was not followed, or the gaze was seen too rarely to tell.
    """
    seen = Dot.of_samples(0.0, 0.0, samples)
    return pursue_angles(path, seen.t_ns, seen.x_deg, seen.y_deg, seen.distance_cm)


def pursue_angles(path: Path, t_ns: Times, x_deg: Floats, y_deg: Floats, distance_cm: Floats) -> Pursued:
    """The same of arrays (n,), as in `Dot`."""
    valid = np.isfinite(x_deg) & np.isfinite(y_deg) & np.isfinite(distance_cm)
    valid &= (t_ns >= path.t_ns[0] + STARTING_NS) & (t_ns <= path.t_ns[-1])
    if valid.sum() < 4 * _RULES.least_frames:
        raise UsageError(
            f"the eyes were seen in {int(valid.sum())} frames of the moving dot only; follow it again, with "
            f"the face before the camera"
        )
    gaze = np.stack([x_deg, y_deg], axis=1)
    lags_ms = range(0, MOST_LAG_MS + 1, LAG_STEP_MS)
    followed = [_following(path, lag, t_ns[valid], gaze[valid], distance_cm[valid]) for lag in lags_ms]
    lag_ms, following = max(zip(lags_ms, followed, strict=True), key=lambda found: found[1])
    if not following >= LEAST_FOLLOWING:
        raise UsageError(
            f"the eyes did not follow the moving dot (correlation {following:.2f}, {LEAST_FOLLOWING:g} is "
            f"needed); follow it again, or use single dots"
        )
    dots, refused = [], []
    piece_ns = max(PIECE_NS, FRAMES_A_PIECE * int(np.median(np.diff(t_ns))))
    for start_ns in range(int(path.t_ns[0]) + STARTING_NS, int(path.t_ns[-1]) - piece_ns // 2, piece_ns):
        inside = (t_ns >= start_ns) & (t_ns < start_ns + piece_ns)
        if inside.any():
            dot = _piece(path, lag_ms, t_ns[inside], gaze[inside], distance_cm[inside])
            why = refusal(dot, rules=_RULES)
            if why:
                refused.append(why)
            else:
                dots.append(dot)
    if not dots:
        raise UsageError(f"no piece of the moving dot's way is good ({refused[0]}); follow it again")
    return Pursued(dots, lag_ms, following, refused)


def _following(path: Path, lag_ms: int, t_ns: Times, gaze_deg: Floats, distance_cm: Floats) -> float:
    """Correlation of gaze and path, both axes together, each about its mean; -1 where there is none."""
    place = np.stack(visual_angle_deg(*path.at(t_ns - lag_ms * 1_000_000), distance_cm), axis=1)
    known = np.isfinite(place).all(axis=1)
    if known.sum() < 2:
        return -1.0
    place, gaze = (values[known] - values[known].mean(axis=0) for values in (place, gaze_deg))
    size = math.sqrt(float((place**2).sum()) * float((gaze**2).sum()))
    return float((place * gaze).sum()) / size if size > 0 else -1.0


def _piece(path: Path, lag_ms: int, t_ns: Times, gaze_deg: Floats, distance_cm: Floats) -> Dot:
    """A piece of the path as a dot at its middle: what the gaze missed the path by is kept."""
    x_cm, y_cm = path.at(t_ns - lag_ms * 1_000_000)
    middle_x_cm, middle_y_cm = float(np.nanmean(x_cm)), float(np.nanmean(y_cm))
    place = np.stack(visual_angle_deg(x_cm, y_cm, distance_cm), axis=1)
    middle = np.stack(visual_angle_deg(middle_x_cm, middle_y_cm, distance_cm), axis=1)
    moved = gaze_deg + middle - place
    return Dot(middle_x_cm, middle_y_cm, t_ns, moved[:, 0], moved[:, 1], distance_cm)
