"""Somebody who sits before a screen now, and looks where they are asked to: a clip whose dot is not known
beforehand.

    sitter = Sitter(sized_device("laptop", 34.0, 19.1))
    sitter.look_at(960, 540)
    seen = sitter.at(0.0)      # uint8 RGB picture, and what is true of it
    sitter.look_at(100, 100)
    seen = sitter.at(0.4)      # the eyes have gone there

Eyes go to a new place after a reaction time, in a saccade, and follow a dot that moves on in small steps; the
head sways, the lids blink, as in `clip`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from tinytracker.devices import Device
from tinytracker.domain import GazePoint
from tinytracker.geometry import screen_size_points
from tinytracker.synthetic.clip import BLINK_EVERY_S, BLINK_S, Swaying, field_of_view_deg, lids_shut
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.session import Session
from tinytracker.synthetic.setup import Setup
from tinytracker.synthetic.subject import Expression
from tinytracker.synthetic.unseen import CLIP_PERSON, CLIP_SEED

REACTION_S = 0.2  # from a target's appearance to the saccade's start, the usual latency of adults
SACCADE_S = 0.05  # of some 10 degrees
PURSUIT_LAG_S = 0.1  # of eyes behind a dot that they follow
MOVES_WITHIN_S, MOVES_BY = 0.3, 0.06  # a dot moves that is shown again so soon, by less of the screen's width


@dataclass(frozen=True)
class Sight:
    """One moment. image: uint8 (height_px, width_px, 3) RGB. looked_at: where the eyes point, prediction
    space. distance_cm: eyes to camera. blinks: the lids are at least half shut."""

    image: np.ndarray
    looked_at: GazePoint
    distance_cm: float
    blinks: bool


class Sitter:
    """A person before a screen, rendered when asked. The same arguments, times and targets give the same
    pictures.

    person: as in `clip.Clip`, nobody whom a network was trained on. head_motion: how much the head moves.
    """

    def __init__(
        self, device: Device, person: int = CLIP_PERSON, seed: int = CLIP_SEED, head_motion: float = 1.0
    ) -> None:
        who = np.random.default_rng([seed, person, 0])
        self._rng = np.random.default_rng([seed, person, 5])
        self._session = Session(
            Person.from_seed(int(who.integers(1 << 62))), self._rng, Setup.at(device, self._rng)
        )
        self._swaying = Swaying.draw(self._rng)
        self._sittings = np.random.default_rng(
            [seed, person, 6]
        )  # apart: the next one does not hang on frames so far
        self._head_motion = head_motion
        self._blink_begins_s = float(self._rng.uniform(1, 3))
        width, height = screen_size_points(device, self._session.trial.orientation)
        self._from_points = self._to_points = np.array([width / 2, height / 2])
        self._width_points = width
        self._leaves_s = -1.0
        self._shown: tuple[float, np.ndarray] = (-1.0, self._to_points)  # when and where the dot was last
        self._followed: deque[tuple[float, np.ndarray]] = deque(maxlen=100)
        self._waiting: deque[tuple[np.ndarray, float | None]] = deque(maxlen=100)

    @property
    def fov_deg(self) -> float:
        """The camera's field of view across the longer side of the frame."""
        return field_of_view_deg(self._session)

    def look_at(self, x_points: float, y_points: float, since_s: float | None = None) -> None:
        """Somebody shows a dot there; may be off the screen. since_s: since when, on the clock of `at`; None:
        of the next picture, whatever was shown since the last one."""
        if since_s is None:
            self._waiting.clear()
        self._waiting.append((np.array([x_points, y_points], float), since_s))

    def sit_down_anew(self) -> None:
        """Another posture, distance and light, as on another day."""
        orientation = self._session.trial.orientation
        while self._session.new_trial(self._sittings).orientation != orientation:
            pass

    def at(self, time_s: float) -> Sight:
        """What the camera sees at a time, seconds from an origin of the caller's; times must not run
        backwards."""
        while self._waiting:
            points, since_s = self._waiting.popleft()
            self._set_out_for(points, time_s if since_s is None else min(since_s, time_s))
        x_points, y_points = self._eyes_on(time_s)
        target = self._session.target(float(x_points), float(y_points))
        lids = self._lids(time_s)
        expression = replace(Expression(smile=0.15), blink=lids)
        sway = self._swaying.at(np.array([time_s]))[0].scaled(self._head_motion)
        shown = self._session.frame_at(target, sway, expression, time_s)
        return Sight(
            image=shown.image(),
            looked_at=GazePoint(target.x_cm, target.y_cm),
            distance_cm=float(np.linalg.norm(shown.posed.position_cm)),
            blinks=lids > 0.5,
        )

    def _set_out_for(self, points: np.ndarray, time_s: float) -> None:
        (last_s, last), self._shown = self._shown, (time_s, points)
        if np.array_equal(points, last):
            return
        if time_s - last_s < MOVES_WITHIN_S and np.linalg.norm(points - last) < MOVES_BY * self._width_points:
            self._followed.append((time_s, points))
            return
        self._from_points, self._to_points = self._eyes_on(time_s), points
        self._leaves_s = time_s + REACTION_S
        self._followed.clear()

    def _eyes_on(self, time_s: float) -> np.ndarray:
        late_s = time_s - PURSUIT_LAG_S
        if self._followed and late_s >= self._followed[0][0]:
            times_s, places = zip(*self._followed, strict=True)
            return np.array([np.interp(late_s, times_s, axis) for axis in np.transpose(places)])
        share = float(np.clip((time_s - self._leaves_s) / SACCADE_S, 0, 1))
        eased = share * share * (3 - 2 * share)
        return self._from_points * (1 - eased) + self._to_points * eased

    def _lids(self, time_s: float) -> float:
        if time_s > self._blink_begins_s + BLINK_S:
            self._blink_begins_s = time_s + float(self._rng.uniform(*BLINK_EVERY_S))
        return float(lids_shut(np.array([time_s - self._blink_begins_s]))[0])
