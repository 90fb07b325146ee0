"""A dot that was shown, what the network said meanwhile, and what is kept of that: one direction and how sure
it is.

The first half second of a dot belongs to the eyes' way to it, blinks and lost faces to nobody; of the rest
the geometric median is kept, which one glance aside does not move. A dot that was hardly seen, or at which
the gaze did not rest, is refused with its reason and may be shown again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError
from tinytracker.geometry import visual_angle_deg

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

SETTLE_NS = 500_000_000
"""How long after a dot appears its frames are dropped: a saccade is over after 0.3 s, its correction after
0.5 s."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot that was shown, with every frame taken meanwhile.

    x_cm, y_cm: its middle in prediction space (cm from the camera, right and up as the person sees it).
    t_ns: int64 (n,), the frames' times, rising. x_deg, y_deg: float (n,), the network's gaze before
        calibration and filter (`GazeSample.raw_x_deg`), NaN where a frame gave none. distance_cm: float (n,),
        eyes to camera, NaN likewise.
    t_shown_ns: when it appeared, on the frames' clock; None: frames of before its eyes arrived were left out
    already.
    screen_px: its middle on the screen in pixels, from the top left corner; None without a screen.

    >>> dot = Dot.of_angles((5.0, -8.0), [(4.1, -6.2), (4.0, -6.0), (4.2, -6.1)])
    >>> [round(angle, 1) for angle in summarise(dot).residual_deg]  # to be added to what the network said
    [0.9, -1.9]

    Raises UsageError for arrays of unequal lengths, places that are no numbers, and times that run backwards.
    """

    x_cm: float
    y_cm: float
    t_ns: Times
    x_deg: Floats
    y_deg: Floats
    distance_cm: Floats
    t_shown_ns: int | None = None
    screen_px: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_ns", np.asarray(self.t_ns, np.int64).reshape(-1))
        for name in ("x_deg", "y_deg", "distance_cm"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64).reshape(-1))
        lengths = {len(values) for values in (self.t_ns, self.x_deg, self.y_deg, self.distance_cm)}
        if len(lengths) != 1:
            raise UsageError(
                f"a dot's t_ns, x_deg, y_deg and distance_cm must be equally long, not {sorted(lengths)}"
            )
        if not (math.isfinite(self.x_cm) and math.isfinite(self.y_cm)):
            raise UsageError(f"a dot's place must be two numbers in cm, not {self.x_cm}, {self.y_cm}")
        if np.any(np.diff(self.t_ns) < 0):
            raise UsageError("a dot's frames must come in order of time; sort them by t_ns")

    @classmethod
    def of_samples(
        cls,
        x_cm: float,
        y_cm: float,
        samples: Iterable[GazeSample],
        t_shown_ns: int | None = None,
        screen_px: tuple[float, float] | None = None,
    ) -> Self:
        """The dot at (x_cm, y_cm) with a pipeline's samples; those without a gaze count as frames without
        one."""
        taken = list(samples)

        def column(values: Iterable[float | None]) -> Floats:
            return np.array([math.nan if value is None else value for value in values], np.float64)

        return cls(
            x_cm,
            y_cm,
            t_ns=np.array([sample.t_ns for sample in taken], np.int64),
            x_deg=column(sample.raw_x_deg for sample in taken),
            y_deg=column(sample.raw_y_deg for sample in taken),
            distance_cm=column(sample.distance_cm for sample in taken),
            t_shown_ns=t_shown_ns,
            screen_px=screen_px,
        )

    @classmethod
    def of_angles(
        cls, target_deg: tuple[float, float], raw_deg: ArrayLike, distance_cm: float = 60.0
    ) -> Self:
        """A dot of which only directions are known, as of another tracker.

        target_deg: the dot, right and up. raw_deg: (n, 2), what was measured, NaN where nothing was; taken as
        frames at 30 a second after the eyes arrived. distance_cm: at which degrees become cm.
        """
        raw = np.asarray(raw_deg, np.float64).reshape(-1, 2)
        x_cm, y_cm = (math.tan(math.radians(angle)) * distance_cm for angle in target_deg)
        times = np.arange(len(raw), dtype=np.int64) * 33_333_333
        distances = np.where(np.isfinite(raw).all(axis=1), distance_cm, np.nan)
        return cls(x_cm, y_cm, times, raw[:, 0], raw[:, 1], distances)


@dataclass(frozen=True, slots=True)
class DotSummary:
    """What is kept of a dot.

    x_cm, y_cm, screen_px: as in `Dot`. target_deg: the dot's direction at `distance_cm`. raw_deg: the
    network's, the geometric median. Their difference is the median of the frames' own differences: a step
    towards the screen cancels.
    frames: valid frames after the eyes arrived. valid_share: of all frames after that. spread_deg: median
    distance of the frames from the median. distance_cm: median distance. t_ns: time of the last frame.
    """

    x_cm: float
    y_cm: float
    target_deg: tuple[float, float]
    raw_deg: tuple[float, float]
    distance_cm: float
    frames: int
    valid_share: float
    spread_deg: float
    t_ns: int = 0
    screen_px: tuple[float, float] | None = None

    @property
    def residual_deg(self) -> tuple[float, float]:
        """What must be added to the network's direction, right and up."""
        return self.target_deg[0] - self.raw_deg[0], self.target_deg[1] - self.raw_deg[1]


@dataclass(frozen=True, slots=True)
class DotRules:
    """When a dot is refused. least_frames: valid ones. least_share: of valid frames. spread_ratio: its spread
    over the median of the other dots'. spread_floor_deg: below which no spread is too much."""

    least_frames: int = 10
    least_share: float = 0.6
    spread_ratio: float = 3.0
    spread_floor_deg: float = 0.5


def settled(dot: Dot) -> NDArray[np.bool_]:
    """Which frames (n,) were taken after the eyes had time to arrive, valid or not."""
    if dot.t_shown_ns is None:
        return np.ones(len(dot.t_ns), bool)
    return np.asarray(dot.t_ns >= dot.t_shown_ns + SETTLE_NS)


def used_frames(dot: Dot) -> NDArray[np.bool_]:
    """Which frames (n,) count: settled, with a gaze and a distance."""
    known = (
        np.isfinite(dot.x_deg) & np.isfinite(dot.y_deg) & np.isfinite(dot.distance_cm) & (dot.distance_cm > 0)
    )
    return np.asarray(settled(dot) & known)


def summarise(dot: Dot) -> DotSummary:
    """What is kept of a dot; raises UsageError if no frame counts (ask `refusal` for a dot that was hardly
    seen)."""
    used = used_frames(dot)
    if not used.any():
        raise UsageError(
            "no frame of the dot has a gaze; show it again, with the face before the camera and eyes open"
        )
    distances = dot.distance_cm[used]
    distance_cm = float(np.median(distances))
    targets = np.stack(visual_angle_deg(dot.x_cm, dot.y_cm, distances), axis=1)
    residuals = targets - np.stack([dot.x_deg[used], dot.y_deg[used]], axis=1)
    median = geometric_median(residuals)
    target = np.array(visual_angle_deg(dot.x_cm, dot.y_cm, distance_cm), float)
    return DotSummary(
        x_cm=float(dot.x_cm),
        y_cm=float(dot.y_cm),
        target_deg=(float(target[0]), float(target[1])),
        raw_deg=(float(target[0] - median[0]), float(target[1] - median[1])),
        distance_cm=distance_cm,
        frames=int(used.sum()),
        valid_share=float(used.sum() / settled(dot).sum()),
        spread_deg=float(np.median(np.linalg.norm(residuals - median, axis=1))),
        t_ns=int(dot.t_ns[-1]),
        screen_px=dot.screen_px,
    )


def refusal(dot: Dot, others: Sequence[DotSummary] = (), rules: DotRules | None = None) -> str:
    """Why a dot should be shown again, in words for the person; "" if it is good.

    others: the dots accepted so far (or all others, afterwards): what spread is usual for this person.
    """
    rules = rules or DotRules()
    shown, used = int(settled(dot).sum()), int(used_frames(dot).sum())
    if shown == 0:
        return "the camera took no frame while it was shown"
    if not used:
        return "the eyes were not seen"
    if used / shown < rules.least_share:
        return f"the eyes were seen in {100 * used / shown:.0f} % of the frames only"
    if used < rules.least_frames:
        return f"{used} frames only, {rules.least_frames} are needed"
    spread = summarise(dot).spread_deg
    usual = float(np.median([other.spread_deg for other in others])) if others else math.inf
    if spread > max(rules.spread_floor_deg, rules.spread_ratio * usual):
        return f"the gaze did not rest: it spread by {spread:.1f} degrees, {usual:.1f} at the other dots"
    return ""


def geometric_median(points: ArrayLike, rounds: int = 100, tolerance: float = 1e-7) -> Floats:
    """The point with the least sum of distances to `points` (n, d), by Weiszfeld's iteration.

    Vardi and Zhang's step (PNAS 97, 2000) keeps it going where the iteration lands on one of the points.
    """
    points = np.asarray(points, np.float64)
    median = np.median(points, axis=0)
    for _ in range(rounds):
        away = np.linalg.norm(points - median, axis=1)
        elsewhere = away > 1e-12
        if not elsewhere.any():
            break
        weights = 1.0 / away[elsewhere]
        pull = (points[elsewhere] - median).T @ weights
        here = int((~elsewhere).sum())
        strength = float(np.linalg.norm(pull))
        if strength <= here:
            break  # the points lying here hold it
        step = (1 - here / strength) * pull / weights.sum()
        median = median + step
        if float(np.linalg.norm(step)) < tolerance:
            break
    # Towards one of the points the iteration creeps; that point itself is then better.
    places = np.concatenate([points, median[None]])
    totals = np.linalg.norm(places[:, None] - points[None], axis=2).sum(axis=1)
    return np.asarray(places[np.argmin(totals)] if totals[:-1].min() < totals[-1] else median)
