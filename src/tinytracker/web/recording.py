"""Recording in a sitting: started and stopped by the page, ended by a full disk, never a reason for the
sitting to end."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinytracker import __version__
from tinytracker.calibration.calibration import Calibration
from tinytracker.devices import screen_json
from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import OutputError, UsageError
from tinytracker.files import make_folder
from tinytracker.session.events import Event
from tinytracker.session.folder import (
    CALIBRATION_FILE,
    CALIBRATIONS_FOLDER,
    STIMULI_FOLDER,
    CameraInfo,
    ClockOffset,
    SessionInfo,
)
from tinytracker.session.recorder import RowFormat, SessionRecorder, new_folder
from tinytracker.session.screen import SCREEN_FILE, ScreenCapture
from tinytracker.web.screens import KnownScreen
from tinytracker.web.stimuli import Stimulus


class Recording:
    """At most one session being written.

    parent: where sessions go. tell: how pages are told. A stimulus on the screen is copied into the session
    that goes on; the screen's own video, where a page sends one, is kept there as another.
    """

    def __init__(
        self,
        parent: Path,
        model: str,
        model_sha256: str,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self.parent = parent
        self._model, self._model_sha256 = model, model_sha256
        self._tell = tell
        self._recorder: SessionRecorder | None = None
        self._screen: ScreenCapture | None = None
        self.shown: Stimulus | None = None

    @property
    def is_on(self) -> bool:
        return self._recorder is not None

    @property
    def frames(self) -> int:
        """How many rows there are; 0 while nothing is recorded."""
        recorder = self._recorder
        return 0 if recorder is None else recorder.frames

    def start(
        self,
        name: str,
        *,
        camera: CameraInfo,
        screen: KnownScreen,
        calibration: Calibration | None,
        clock: ClockOffset | None,
        keep_video: bool,
        rows: RowFormat,
    ) -> None:
        """Begins a session in a folder of that name (or of the time). Raises OutputError or UsageError."""
        if self._recorder is not None:
            raise UsageError("a recording goes on already; stop it first")
        info = SessionInfo(
            name=name.strip(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            program=f"tinytracker {__version__}",
            model=self._model,
            model_sha256=self._model_sha256,
            camera=camera,
            started_ns=time.monotonic_ns(),
            started_unix_ns=time.time_ns(),
            screen=json.loads(screen_json(screen.device))
            | {"size_from": screen.size_from, "scale": screen.page.scale},
            calibration_id="" if calibration is None else calibration.id,
            stimulus="" if self.shown is None else self.shown.name,
            clock_offsets=() if clock is None else (clock,),
        )
        recorder = SessionRecorder(new_folder(self.parent, name), info, keep_video=keep_video, rows=rows)
        recorder.__enter__()
        if calibration is not None:
            calibration.save(recorder.folder / CALIBRATION_FILE)
        self._recorder = recorder
        self.tell()
        if self.shown is not None:
            self.show(self.shown)

    def write(self, frame: Frame, sample: GazeSample) -> None:
        """Takes a frame, if a recording goes on; a disk that is full ends the recording, in words."""
        recorder = self._recorder
        if recorder is None:
            return
        try:
            recorder.write(frame, sample)
        except OutputError as error:
            self._recorder = None
            self._tell({"type": "recording_lost", "why": str(error)})
            self.tell()

    def note(self, event: Event) -> None:
        """Takes an event, likewise."""
        recorder = self._recorder
        if recorder is None:
            return
        try:
            recorder.note(event)
        except OutputError as error:
            self._recorder = None
            self._tell({"type": "recording_lost", "why": str(error)})
            self.tell()

    def show(self, stimulus: Stimulus | None) -> None:
        """From now on this fills the screen; None: nothing does. Kept in the session that goes on."""
        self.shown = stimulus
        recorder = self._recorder
        if recorder is None or self._screen is not None:  # the screen's own video shows it, too
            return
        now_ns = time.monotonic_ns()
        try:
            if stimulus is not None:
                kept = recorder.folder / STIMULI_FOLDER / stimulus.name
                make_folder(kept.parent)
                if not kept.exists():
                    shutil.copyfile(stimulus.path, kept)
        except OSError as error:
            raise OutputError(
                f"{stimulus.name if stimulus else ''} was not kept: {error.strerror}"
            ) from error
        finally:
            self.note(Event(now_ns, "stimulus", label="" if stimulus is None else stimulus.name))

    def begin_screen(self) -> None:
        """From now on a page sends the screen's video. Raises UsageError without a recording."""
        if self._recorder is None:
            raise UsageError("the screen is kept with a recording; start one first")
        self._screen = ScreenCapture(self._recorder.folder)
        self.note(Event(time.monotonic_ns(), "stimulus", label=SCREEN_FILE))

    def take_screen(self, piece: bytes) -> None:
        """A piece of it. Raises UsageError if none is awaited, OutputError if it cannot be kept."""
        if self._screen is None:
            raise UsageError("no video of the screen is awaited; start a recording with it")
        self._screen.take(piece)

    def end_screen(self) -> None:
        """The video is whole; a second time does nothing. It gets its index meanwhile: hours of it take
        seconds."""
        screen, self._screen = self._screen, None
        if screen is not None:
            self.show(self.shown)
            threading.Thread(target=screen.close, name="index of the screen's video").start()

    def keep_calibration(self, calibration: Calibration) -> None:
        """This one is in force from now on; kept with the session that goes on, unless it is there."""
        recorder = self._recorder
        if recorder is None or calibration.id == recorder.info.calibration_id:
            return
        path = recorder.folder / CALIBRATIONS_FOLDER / f"{calibration.id}.json"
        if not path.exists():
            make_folder(path.parent)
            calibration.save(path)

    def note_clock(self, offset: ClockOffset) -> None:
        if self._recorder is not None:
            self._recorder.note_clock(offset)

    def stop(self) -> str:
        """Ends it in order; gives the folder's name, "" if there was none."""
        self.end_screen()
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return ""
        recorder.close()
        self.tell()
        self._tell({"type": "recorded", "name": recorder.folder.name, "frames": recorder.frames})
        return recorder.folder.name

    def tell(self) -> None:
        """{"type": "recording", on, name, frames, video}."""
        recorder = self._recorder
        self._tell(
            {
                "type": "recording",
                "on": recorder is not None,
                "name": "" if recorder is None else recorder.folder.name,
                "frames": 0 if recorder is None else recorder.frames,
                "video": recorder is not None and recorder.info.has_video,
                "folder": str(self.parent),
            }
        )
