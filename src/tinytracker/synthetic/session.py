"""One recording: a person at a device in a room, who looks at dot after dot while a camera takes frames.

    session = Session(Person.from_seed(7), np.random.default_rng(7))
    frame = session.frame()
    frame.image()                          # the whole frame, uint8 RGB
    frame.crop(frame.boxes.face, 112, 2)   # the face alone, at a fraction of the cost

A session is a sequence of trials (same room, orientation and exposure), a trial a sequence of dots, and a dot
is looked at for a few frames. Nothing is rendered until asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinytracker.domain import Box
from tinytracker.images import encode_jpeg
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.detector import Bias, Boxes, detect
from tinytracker.synthetic.develop import Exposure, Sensor, develop, meter
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import Habit, Sitting, Sway, head_pose
from tinytracker.synthetic.posed import PosedHead
from tinytracker.synthetic.rooms import draw_room
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.setup import Setup
from tinytracker.synthetic.shading import background
from tinytracker.synthetic.subject import Expression
from tinytracker.synthetic.truth import truth

FRAMES_PER_DOT = 2
DOTS_PER_TRIAL = 4
FIRST_FRAME_S, DOT_S = 0.5, 2.0
"""Frames are taken from half a second after a dot appears, when the eyes have arrived, until it goes."""

USUAL_BLINKS = 0.02
"""Share of the frames in which somebody who looks at a screen is blinking."""

SMALL_EYES_PX = 45
"""Distance between the eyes below which they are rendered with more samples."""

_TREMOR = 0.15
"""How much one moves while looking at a dot, against from dot to dot."""


@dataclass(frozen=True)
class Target:
    """A dot. x_points, y_points: from the screen's top-left corner (wide targets may lie beyond it). x_cm,
    y_cm: the same point in prediction space."""

    x_points: float
    y_points: float
    x_cm: float
    y_cm: float


@dataclass
class Trial:
    """What stays the same for some dots: room, orientation, how the person sits, the detector's habits."""

    scene: Scene
    orientation: int
    camera: Camera
    sitting: Sitting
    bias: Bias
    seed: int
    exposure: Exposure | None = None  # metered when the first frame is rendered
    room: np.ndarray | None = None  # behind the person in a whole frame, painted when the first is rendered


@dataclass(frozen=True)
class SyntheticFrame:
    """One frame with exact labels, rendered when asked for.

    boxes: as a detector would give them, None where it would find no face. dot_number: from 0. time_s: since
    the dot appeared.
    """

    person: Person
    sensor: Sensor
    trial: Trial
    posed: PosedHead
    target: Target
    boxes: Boxes | None
    dot_number: int
    time_s: float
    seed: int

    @property
    def camera(self) -> Camera:
        return self.trial.camera

    @property
    def orientation(self) -> int:
        return self.trial.orientation

    @property
    def region(self) -> Box:
        """The whole frame as a box."""
        return Box(0, 0, self.camera.width_px, self.camera.height_px)

    @cached_property
    def truth(self) -> dict[str, Any]:
        """Exact targets by name, see `truth.truth`."""
        return truth(self.posed, self.camera, self.person.heads)

    def image(self) -> np.ndarray:
        """The whole frame, uint8 (height_px, width_px, 3) RGB, before JPEG.

        One sample per pixel; the eyes of far faces, whose iris spans a few pixels only, get four.
        """
        light = self._light(self.region, self.camera.width_px, self.camera.height_px, 1, self._room())
        if strip := self._small_eyes():
            left, top, right, bottom = strip
            box = Box(left, top, right - left, bottom - top)
            light[top:bottom, left:right] = self._light(box, right - left, bottom - top, 2)
        return self._develop(light, self.region)

    def jpeg(self) -> bytes:
        """The whole frame as the camera's software would have written it."""
        return encode_jpeg(self.image(), self.sensor.jpeg_quality)

    def crop(self, box: Box, size_px: int, supersampling: int = 2) -> np.ndarray:
        """Only what a square box shows, uint8 (size_px, size_px, 3) RGB: as `image` cropped, at a fraction
        of the cost."""
        return self._develop(self._light(box, size_px, size_px, supersampling), box)

    def _light(
        self,
        region: Box,
        width_px: int,
        height_px: int,
        supersampling: int,
        behind: np.ndarray | None = None,
    ) -> np.ndarray:
        """Linear light of a region, float32 (height_px, width_px, 3)."""
        return self.person.render(
            self.posed, self.trial.scene, self.camera, region, width_px, height_px, supersampling, behind
        )

    def _room(self) -> np.ndarray:
        """What a whole frame shows behind the person: the same throughout a trial."""
        if self.trial.room is None:
            width_px, height_px = self.camera.width_px, self.camera.height_px
            self.trial.room = background(self.trial.scene, self.camera, self.region, width_px, height_px)
        return self.trial.room

    def _develop(self, light: np.ndarray, region: Box) -> np.ndarray:
        frame_px = self.camera.width_px, self.camera.height_px
        return develop(light, region, frame_px, self.sensor, self._exposure(), self.seed)

    def _small_eyes(self) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom in pixels of what holds both eyes, if they are small and in the frame."""
        corners = self.camera.project(self.posed.canthi_cm).reshape(-1, 2)
        apart = float(np.hypot(*(corners[:2].mean(axis=0) - corners[2:].mean(axis=0))))
        margin = np.array([0.10, 0.22]) * apart
        left, top = np.floor(corners.min(axis=0) - margin).astype(int)
        right, bottom = np.ceil(corners.max(axis=0) + margin).astype(int)
        inside = left >= 0 and top >= 0 and right <= self.camera.width_px and bottom <= self.camera.height_px
        return (left, top, right, bottom) if apart < SMALL_EYES_PX and inside else None

    def _exposure(self) -> Exposure:
        """The trial's exposure, metered on a small rendering of this frame if it is the trial's first to
        be rendered."""
        if self.trial.exposure is None:
            frame = self._light(self.region, self.camera.width_px // 8, self.camera.height_px // 8, 1)
            skin = self._light(self._face(), 24, 24, 1)
            self.trial.exposure = meter(frame, float(skin.mean()), np.random.default_rng(self.trial.seed))
        return self.trial.exposure

    def _face(self) -> Box:
        """The middle of the face: the eyes and what lies below them by twice their distance."""
        middles = self.camera.project(self.posed.canthi_cm).mean(axis=1)
        centre, size = middles.mean(axis=0), float(np.hypot(*(middles[0] - middles[1]))) * 1.5
        return Box(centre[0] - size / 2, centre[1] - 0.3 * size, size, size)


class Session:
    """One recording's frames, one after the other. The same person and generator state give the same
    frames. blinks: share of them that are caught somewhere in a blink."""

    def __init__(
        self,
        person: Person,
        rng: np.random.Generator,
        setup: Setup | None = None,
        blinks: float = USUAL_BLINKS,
    ) -> None:
        self.person = person
        self._blinks = blinks
        self._rng = rng
        self.setup = setup if setup is not None else Setup.draw(rng)
        self.habit = Habit.draw(rng)
        self._is_makehuman = person.heads == "makehuman"
        if self._is_makehuman:
            self.sensor = Sensor.phone(rng) if self.setup.device.turns else Sensor.webcam(rng)
        else:
            self.sensor = Sensor.draw(rng, webcam=not self.setup.device.turns)
        self._clothes = self._scene().clothes
        self._dot_number = -1
        self._frame_of_dot = 0
        self.new_trial()
        self._new_dot()

    def new_trial(self, rng: np.random.Generator | None = None) -> Trial:
        """Turns the device, changes the room's light, sits down anew; drawn from the session's own
        generator, or from `rng`."""
        rng = self._rng if rng is None else rng
        orientation = self.setup.orientation(rng)
        self.trial = Trial(
            scene=replace(self._scene(), clothes=self._clothes),
            orientation=orientation,
            camera=self.setup.camera(orientation),
            sitting=Sitting.draw(rng, self.setup.distance_cm),
            bias=Bias.draw(rng),
            seed=int(rng.integers(1 << 31)),
        )
        return self.trial

    def frame(self) -> SyntheticFrame:
        """The next frame: of the same dot, the next dot, or the next trial."""
        if self._frame_of_dot == FRAMES_PER_DOT:
            if (self._dot_number + 1) % DOTS_PER_TRIAL == 0:
                self.new_trial()
            self._new_dot()
        share = (self._frame_of_dot + self._rng.uniform(0.1, 0.9)) / FRAMES_PER_DOT
        time_s = FIRST_FRAME_S + share * (DOT_S - FIRST_FRAME_S)
        self._frame_of_dot += 1
        sway = added(self._sway, Sway.draw(self._rng).scaled(_TREMOR))
        return self.frame_at(self._target, sway, self._expression(), time_s)

    def frame_at(
        self, target: Target, sway: Sway, expression: Expression, time_s: float = 1.0
    ) -> SyntheticFrame:
        """A frame of this trial with everything given: what someone looks at, how they sit, what their
        face does."""
        rng, trial = self._rng, self.trial
        looks_at = target.x_cm, target.y_cm
        head = head_pose(
            self.setup, trial.orientation, trial.camera, self.habit, trial.sitting, sway, looks_at
        )
        posed = self.person.pose(head.position_cm, head.rotation, looks_at, expression, rng)
        frame_px = trial.camera.width_px, trial.camera.height_px
        return SyntheticFrame(
            person=self.person,
            sensor=self.sensor,
            trial=trial,
            posed=posed,
            target=target,
            boxes=detect(trial.camera.project(posed.canthi_cm), trial.bias, frame_px, rng),
            dot_number=max(0, self._dot_number),
            time_s=float(time_s),
            seed=int(rng.integers(1 << 31)),
        )

    def _scene(self) -> Scene:
        return draw_room(self._rng) if self._is_makehuman else Scene.draw(self._rng)

    def _expression(self) -> Expression:
        draw = Expression.draw_lively if self._is_makehuman else Expression.draw
        return draw(self._rng, self._blinks)

    def target(self, x_points: float, y_points: float) -> Target:
        """The dot at a place on the screen, in this trial's orientation."""
        x_cm, y_cm = self.setup.target_cm((x_points, y_points), self.trial.orientation)
        return Target(x_points, y_points, x_cm, y_cm)

    def _new_dot(self) -> None:
        self._dot_number += 1
        self._frame_of_dot = 0
        self._target = self.target(
            *self.setup.target_points(self._rng, self.trial.orientation, self.trial.sitting.distance_cm)
        )
        self._sway = Sway.draw(self._rng)


def added(sway: Sway, other: Sway) -> Sway:
    """Both sways on top of each other."""
    return Sway(
        sway.turn_rad + other.turn_rad, sway.centre + other.centre, sway.log_distance + other.log_distance
    )
