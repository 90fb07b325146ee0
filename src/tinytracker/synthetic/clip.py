"""A clip of somebody who follows a dot: smooth in time, unlike recordings, and with the dot known in every
frame.

The dot rests, glides to a new place on the screen, rests again; the eyes keep to it, the head goes some of
the way, sways slowly and the lids blink. Everything else (who, where, light, camera) is drawn as for a
recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinytracker.devices import Device, sized_device
from tinytracker.domain import Frame, GazePoint
from tinytracker.errors import UsageError
from tinytracker.geometry import points_to_camera_cm, screen_size_points
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import Sway
from tinytracker.synthetic.session import Session
from tinytracker.synthetic.setup import Setup
from tinytracker.synthetic.subject import Expression
from tinytracker.synthetic.unseen import CLIP_PERSON, CLIP_SEED

REST_S, GLIDE_S = 1.1, 0.55
BLINK_EVERY_S, BLINK_S = (2.5, 5.5), 0.25
_MARGIN = 0.08  # of the screen, where no dot goes


@dataclass(frozen=True)
class ClipFrame:
    """frame: picture, number and time. dot: where the person looks. distance_cm: eyes to camera. blinks: lids
    at least half shut. rests: the dot has rested for a while, and the eyes on it."""

    frame: Frame
    dot: GazePoint
    distance_cm: float
    blinks: bool
    rests: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """From start_s to end_s the dot rested at x_px, y_px of the screen."""

    start_s: float
    end_s: float
    x_px: float
    y_px: float


class Clip:
    """The same arguments give the same clip. seed: who and where. device: what they look at; a laptop of 34 x
    21 cm if not given. head_motion: how much the head moves, against somebody who sits at ease. Raises
    UsageError for a length or rate that makes no clip."""

    def __init__(
        self,
        seconds: float = 15.0,
        frames_per_second: float = 15.0,
        seed: int = CLIP_SEED,
        person: int = CLIP_PERSON,
        device: Device | None = None,
        head_motion: float = 1.0,
    ) -> None:
        if seconds <= 0 or frames_per_second <= 0 or round(seconds * frames_per_second) < 1:
            raise UsageError(
                f"a clip needs at least one frame, not {seconds:g} s at {frames_per_second:g} frames/s"
            )
        self.seconds = seconds
        self.frames_per_second = frames_per_second
        self.device = device or sized_device("laptop", 34.0, 21.0)
        who = np.random.default_rng([seed, person, 0])
        rng = np.random.default_rng([seed, person, 3])
        self._session = Session(Person.from_seed(int(who.integers(1 << 62))), rng, Setup.at(self.device, rng))
        self._times_s = np.arange(len(self)) / frames_per_second
        self._dots, self._rests = _dot_path(rng, self._times_s, self.device, self._session.trial.orientation)
        self._sways = [sway.scaled(head_motion) for sway in Swaying.draw(rng).at(self._times_s)]
        self._lids = _lid_path(rng, self._times_s)
        self._face = Expression(smile=0.15)

    def __len__(self) -> int:
        return round(self.seconds * self.frames_per_second)

    @property
    def fov_deg(self) -> float:
        """The camera's field of view across the longer side of the frame."""
        return field_of_view_deg(self._session)

    @property
    def screen_cm(self) -> tuple[float, float, float, float]:
        """The screen in prediction space: left, right, bottom, top in cm."""
        width, height = screen_size_points(self.device, self._session.trial.orientation)
        corners = points_to_camera_cm(
            np.array([0, width]), np.array([height, 0]), self.device, self._session.trial.orientation
        )
        (left, right), (bottom, top) = np.asarray(corners[0]), np.asarray(corners[1])
        return float(left), float(right), float(bottom), float(top)

    @property
    def rests(self) -> list[Rest]:
        """Where the dot rested, and when; a rest that the clip's end cuts off is left out."""
        starts_s = np.arange(0, self.seconds - REST_S, REST_S + GLIDE_S)
        indices = np.searchsorted(self._times_s, starts_s)
        places = (self._dots[index] for index in indices)
        return [
            Rest(float(start_s), float(start_s + REST_S), float(x_px), float(y_px))
            for start_s, (x_px, y_px) in zip(starts_s, places, strict=True)
        ]

    def __iter__(self) -> Iterator[ClipFrame]:
        """Renders the frames one by one, 640 x 480 or 480 x 640; once only, as the session's noise goes
        on."""
        for index, time_s in enumerate(self._times_s):
            target = self._session.target(*self._dots[index])
            expression = replace(self._face, blink=float(self._lids[index]))
            shown = self._session.frame_at(target, self._sways[index], expression, float(time_s))
            yield ClipFrame(
                frame=Frame(shown.image(), index, round(time_s * 1e9), "clip"),
                dot=GazePoint(target.x_cm, target.y_cm),
                distance_cm=float(np.linalg.norm(shown.posed.position_cm)),
                blinks=bool(self._lids[index] > 0.5),
                rests=bool(self._rests[index]),
            )


def field_of_view_deg(session: Session) -> float:
    """The field of view of a session's camera across the longer side of the frame."""
    camera = session.trial.camera
    return float(2 * np.degrees(np.arctan2(max(camera.width_px, camera.height_px) / 2, camera.f_px)))


def _dot_path(
    rng: np.random.Generator, times_s: np.ndarray, device: Device, orientation: int
) -> tuple[np.ndarray, np.ndarray]:
    """The dot in screen points (n, 2), and whether it rests (n,): rest, glide (smoothstep), rest, ...

    Places come from a shuffled 3 x 3 grid, each off by a little, so that a short clip goes all over the
    screen.
    """
    size = np.array(screen_size_points(device, orientation), float)
    legs = int(np.ceil(times_s[-1] / (REST_S + GLIDE_S))) + 2
    places: list[np.ndarray] = []
    while len(places) < legs:
        grid = [(column, row) for column in range(3) for row in range(3)]
        places += [(np.array(grid[cell]) + rng.uniform(0.15, 0.85, 2)) / 3 for cell in rng.permutation(9)]
    points = (_MARGIN + (1 - 2 * _MARGIN) * np.array(places)) * size
    leg, within_s = np.divmod(times_s, REST_S + GLIDE_S)
    leg = leg.astype(int)
    share = np.clip((within_s - REST_S) / GLIDE_S, 0, 1)
    eased = (share * share * (3 - 2 * share))[:, None]
    return points[leg] * (1 - eased) + points[leg + 1] * eased, (within_s < REST_S) & (within_s > 0.15)


@dataclass(frozen=True)
class Swaying:
    """Slow swaying: each coordinate a sum of three sines of 2 to 12 seconds, as wide as people move between
    dots.

    periods_s, phases: (3, 6), per sine and coordinate.
    """

    periods_s: np.ndarray
    phases: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Swaying:
        return cls(rng.uniform(2, 12, (3, 6)), rng.uniform(0, 2 * np.pi, (3, 6)))

    def at(self, times_s: np.ndarray) -> list[Sway]:
        """How somebody sits at these times (n,)."""
        waves = np.sin(2 * np.pi * times_s[:, None, None] / self.periods_s + self.phases).sum(
            axis=1
        ) * np.sqrt(2 / 3)
        widths = np.array([*np.radians([2.5, 2.5, 1.5]), 0.25, 0.25, 0.03])
        return [Sway(wave[:3], wave[3:5], float(wave[5])) for wave in waves * widths]


def sway_path(rng: np.random.Generator, times_s: np.ndarray) -> list[Sway]:
    """How somebody sways at these times (n,)."""
    return Swaying.draw(rng).at(times_s)


def lids_shut(since_s: np.ndarray) -> np.ndarray:
    """How far the lids are shut (n,), 0 to 1, so long after a blink began: they close fast and open
    slowly."""
    phase = since_s / BLINK_S
    blink = np.where(phase < 0.35, phase / 0.35, (1 - phase) / 0.65)
    return np.clip(1.5 * blink, 0, 1) * ((phase > 0) & (phase < 1))


def _lid_path(rng: np.random.Generator, times_s: np.ndarray) -> np.ndarray:
    """How far the lids are shut (n,), 0 to 1, blink after blink."""
    shut = np.zeros(len(times_s))
    begins_s = float(rng.uniform(1, 3))
    while begins_s < times_s[-1]:
        shut = np.maximum(shut, lids_shut(times_s - begins_s))
        begins_s += float(rng.uniform(*BLINK_EVERY_S))
    return shut
