"""One sitting: everything that happens between the frames that come and the pages that look on.

Frames come in the tracking thread (`seen`), wishes from pages in the server's (`obey`); a lock keeps them
apart. What pages are told is in `hub.Hub`'s care.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import CameraUsed, Conditions, NetworkUsed, ScreenUsed
from tinytracker.calibration.events import BlinkFinder, Fixation, FixationFinder
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.stage import CalibrationStage
from tinytracker.devices import Device
from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import TinytrackerError
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm, points_to_camera_cm
from tinytracker.session.events import Event
from tinytracker.session.folder import CameraInfo, ClockOffset
from tinytracker.tracking.pipeline import GazePipeline
from tinytracker.web.calibrating import Calibrating
from tinytracker.web.drift import HeadWatch, head_cm
from tinytracker.web.hub import Hub
from tinytracker.web.lamps import Slow, lamps
from tinytracker.web.lightlog import LightLog
from tinytracker.web.picture import PreviewMaker
from tinytracker.web.recording import Recording
from tinytracker.web.screens import KnownScreen, PageScreen, find_screen
from tinytracker.web.showing import DotShow
from tinytracker.web.streams import Stream

LAMPS_EVERY_NS = 400_000_000
IDLE = 0.25  # share of the time between frames; who waits for the camera less than that is busy
MOST_GAP_MS = 150.0  # within a fixation: a frame or two that a busy machine left out


class Sitting:
    """The state of a sitting. given_screen: --screen, or the demo's. camera: what frames come from."""

    def __init__(
        self,
        pipeline: GazePipeline,
        stage: CalibrationStage,
        network: NetworkUsed,
        prior: Prior,
        hub: Hub,
        recording: Recording,
        camera: CameraInfo,
        find_screen: Callable[[PageScreen], KnownScreen] = find_screen,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.network = network
        self.hub = hub
        self.recording = recording
        self.camera = camera
        self.screen: KnownScreen | None = None
        self.clock: ClockOffset | None = None
        self.streams: dict[str, Stream] = {}
        self.lock = threading.RLock()
        self.calibrating = Calibrating(
            stage,
            prior,
            self.conditions,
            hub.tell,
            rng if rng is not None else np.random.default_rng(),
            lambda: self.size_is_known,
        )
        self.head = HeadWatch()
        self.camera_problem = "the camera is starting"
        self._find_screen = find_screen
        self._frame_px = (0, 0)
        self._times_ns: deque[int] = deque(maxlen=31)
        self._waited: deque[bool] = deque(maxlen=30)  # which frames found this computer hardly idle
        self._done_ns = 0
        self._lamps_ns = 0
        self._preview = PreviewMaker()
        self._light = LightLog()
        self._fixations, self._blinks = FixationFinder(most_gap_ms=MOST_GAP_MS), BlinkFinder()
        self._error_of: tuple[Calibration, float] | None = None

    @property
    def device(self) -> Device:
        """The screen, once a page has said which it is on."""
        assert self.screen is not None
        return self.screen.device

    @property
    def size_is_known(self) -> bool:
        """Whether the screen's size is more than a guess."""
        return self.screen is not None and self.screen.is_known

    def conditions(self) -> Conditions:
        """What a calibration made now holds for."""
        width_px, height_px = self._frame_px
        screen = self.screen
        return Conditions(
            network=self.network,
            screen=None
            if screen is None
            else ScreenUsed.of_device(
                screen.device, screen.page.scale, (screen.page.left_px, screen.page.top_px)
            ),
            camera=CameraUsed(self.camera.source, width_px, height_px, self.pipeline.fov_deg)
            if width_px
            else None,
            mirrored=self.camera.mirrored,
        )

    def use_page(self, page: PageScreen) -> None:
        """A page says which screen it is on."""
        with self.lock:
            if self.screen is None or self.screen.page != page:
                self.use_screen(self._find_screen(page))

    def use_screen(self, screen: KnownScreen) -> None:
        """The screen's size or camera is known anew."""
        with self.lock:
            self.screen = screen
            self.pipeline.screen = screen.device
            self.hub.tell({"type": "screen", **self.screen_message()})

    # --- the tracking thread ---

    def seen(self, frame: Frame, sample: GazeSample) -> None:
        """See `tracking.Audience`."""
        with self.lock:
            if self.camera_problem:
                self.camera_problem = ""
                self.hub.tell({"type": "camera", "problem": ""})
            if self._frame_px != (frame.width_px, frame.height_px):
                self._frame_px = (frame.width_px, frame.height_px)
                self.tell_calibration()  # frames of another size may make it stale
            if self._times_ns:
                idle_ns, interval_ns = frame.t_ns - self._done_ns, frame.t_ns - self._times_ns[-1]
                self._waited.append(idle_ns < IDLE * interval_ns)
            self._times_ns.append(frame.t_ns)
            self.head.saw(head_cm(sample, self._frame_px, self.pipeline.fov_deg), frame.t_ns)
            fixation = self._note_eyes(sample)
            self.hub.tell_gaze(self._gaze_message(sample, fixation))
            if self.screen is not None:
                for stream in self.streams.values():
                    stream.send(sample, self.device)
            self.recording.write(frame, sample)
            ended = self._show_dots(sample)
            if ended is not None and self.calibrating.finish(ended) is not None:
                self.head.remember()
                self.note(Event(sample.t_ns, "recentre"))
                self.tell_calibration()
        self._tell_lamps(frame, sample)
        if self.hub.wants_preview and (jpeg := self._preview.make(frame)) is not None:
            self.hub.show(jpeg)
        self._done_ns = time.monotonic_ns()

    def _show_dots(self, sample: GazeSample) -> DotShow | None:
        """A sample for the dots being shown, and the event of a dot that is done; gives the round if it has
        just ended."""
        show = self.calibrating.show
        looks = 0 if show is None else len(show.looks)
        ended = self.calibrating.saw(sample)
        for look in [] if show is None else show.looks[looks:]:
            x_px, y_px = look.screen_px
            self.note(
                Event(look.t_ns, "dot", look.duration_ms, x_px, y_px, label=show.purpose if show else "")
            )
        return ended

    def camera_gone(self, why: str) -> None:
        """See `tracking.Audience`."""
        with self.lock:
            if not self.camera_problem:
                self.note(Event(time.monotonic_ns(), "gap", label=why))
            self.camera_problem = why
            self._times_ns.clear()
            self.hub.tell({"type": "camera", "problem": why})

    def note(self, event: Event) -> None:
        """Something happened: to the recording, the streams, the programs that listen."""
        self.recording.note(event)
        for stream in self.streams.values():
            stream.mark(event)

    def _note_eyes(self, sample: GazeSample) -> Fixation | None:
        """Fixations and blinks that ended; gives the fixation going on."""
        ended = self._fixations.add(sample.t_ns, sample.x_deg, sample.y_deg)
        if ended is not None:
            x_px, y_px = self._place_px(ended.x_deg, ended.y_deg, sample.distance_cm)
            self.note(
                Event(ended.start_ns, "fixation", ended.duration_ms, x_px, y_px, ended.x_deg, ended.y_deg)
            )
        landmarks = None if sample.face is None else sample.face.landmarks
        blink = self._blinks.add(sample.t_ns, None if landmarks is None else float(landmarks.openness.mean()))
        if blink is not None:
            self.note(Event(blink.start_ns, "blink", blink.duration_ms))
        return self._fixations.current

    def _place_px(
        self, x_deg: float, y_deg: float, distance_cm: float | None
    ) -> tuple[float, float] | tuple[None, None]:
        if self.screen is None or distance_cm is None:
            return None, None
        x_px, y_px = camera_cm_to_points(*point_at_angle_cm(x_deg, y_deg, distance_cm), self.device)
        return float(x_px), float(y_px)

    def _gaze_message(self, sample: GazeSample, fixation: Fixation | None) -> dict[str, Any]:
        """{"type": "gaze", n, t (ms, our clock), x, y (px of the screen), why, face, r (px, the expected
        error), fix}."""
        x_px, y_px = sample.screen_px or (None, None)
        message: dict[str, Any] = {
            "type": "gaze",
            "n": sample.frame_index,
            "t": sample.t_ns / 1e6,
            "x": None if x_px is None else round(x_px, 1),
            "y": None if y_px is None else round(y_px, 1),
            "why": sample.reason,
            "d": sample.distance_cm,
            "r": self._error_radius_px(sample.distance_cm),
        }
        if sample.x_deg is not None and sample.y_deg is not None:
            message["deg"] = [round(sample.x_deg, 2), round(sample.y_deg, 2)]
        if sample.face is not None and self._frame_px[0]:
            box, (width, height) = sample.face.box, self._frame_px
            message["face"] = [
                round(value, 4)
                for value in (
                    box.x_px / width,
                    box.y_px / height,
                    box.width_px / width,
                    box.height_px / height,
                )
            ]
        if fixation is not None:
            fix_x, fix_y = self._place_px(fixation.x_deg, fixation.y_deg, sample.distance_cm)
            message["fix"] = [fix_x, fix_y, round(fixation.duration_ms)]
        return message

    def _error_radius_px(self, distance_cm: float | None) -> float | None:
        """The person's own mean error as a radius on the screen, from the calibration in force; None without
        one."""
        calibration = self.calibrating.stage.calibration
        if calibration is None or self.screen is None or distance_cm is None:
            return None
        if self._error_of is None or self._error_of[0] is not calibration:
            self._error_of = (calibration, calibration.error_to_come.deg)
        error_deg = self._error_of[1]
        px_per_cm = self.device.width_points / self.device.screen_width_cm
        return round(float(np.tan(np.radians(error_deg))) * distance_cm * px_per_cm, 1)

    def _tell_lamps(self, frame: Frame, sample: GazeSample) -> None:
        if frame.t_ns - self._lamps_ns < LAMPS_EVERY_NS:
            return
        self._lamps_ns = frame.t_ns
        states = lamps(
            frame.image,
            sample.face,
            sample.distance_cm,
            self.frames_per_second,
            sample.reason,
            self.slowed_by,
        )
        if not self.recording.is_on:
            self._light.begin()
        elif line := self._light.saw(states, frame.t_ns):
            with self.lock:
                self.note(Event(frame.t_ns, "note", label=line))
        self.hub.tell(
            {
                "type": "lamps",
                "lamps": [{"name": lamp.name, "state": lamp.state, "words": lamp.words} for lamp in states],
                "drift": self.head.words,
                "recorded": self.recording.frames,
            }
        )

    @property
    def frames_per_second(self) -> float:
        """Over the last second; 0 before there are two frames."""
        times = list(self._times_ns)
        return (
            1e9 * (len(times) - 1) / (times[-1] - times[0])
            if len(times) > 1 and times[-1] > times[0]
            else 0.0
        )

    @property
    def slowed_by(self) -> Slow:
        """What a higher frame rate hangs on: most frames waited for this computer, or it for them."""
        if self.camera.frames_by == "renderer":
            return "renderer"
        return "computer" if 2 * sum(self._waited) > len(self._waited) else "camera"

    # --- what pages are told ---

    def screen_message(self) -> dict[str, Any]:
        """The screen as a page needs it."""
        assert self.screen is not None
        device = self.screen.device
        return {
            "width_px": device.width_points,
            "height_px": device.height_points,
            "width_cm": device.screen_width_cm,
            "height_cm": device.screen_height_cm,
            "camera_x_cm": device.camera_to_screen_x_cm,
            "camera_y_cm": device.camera_to_screen_y_cm,
            "size_from": self.screen.size_from,
        }

    def tell_calibration(self) -> None:
        """{"type": "calibration", ...}: what is in force; a recording that goes on keeps it."""
        calibration = self.calibrating.stage.calibration
        if calibration is not None:
            try:
                self.recording.keep_calibration(calibration)
            except TinytrackerError as error:  # a full disk, say; the sitting goes on
                self.hub.tell({"type": "error", "why": str(error)})
        self.hub.tell({"type": "calibration", **self.calibration_message()})

    def calibration_message(self) -> dict[str, Any]:
        """The calibration in force."""
        calibration = self.calibrating.stage.calibration
        used = calibration is not None and calibration.is_useful
        return {
            "on": used,
            "id": calibration.id if calibration is not None else "",
            "dots": len(calibration.dots) if calibration is not None else 0,
            "expected_deg": None if calibration is None else calibration.error_to_come.deg,
            "sentence": "" if calibration is None else self.calibrating.words_in_force(calibration),
            "can_undo": self.calibrating.can_undo,
            "stale": [] if calibration is None else calibration.conditions.differences(self.conditions()),
        }

    def place_cm(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A place on the screen in prediction space."""
        x_cm, y_cm = points_to_camera_cm(x_px, y_px, self.device)
        return float(x_cm), float(y_cm)
