"""Reading a session back, whole or as a crash left it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tinytracker.calibration.calibration import Calibration
from tinytracker.devices import Device, screen_of
from tinytracker.domain import Frame
from tinytracker.errors import InputError, SessionError
from tinytracker.session.events import Event, read_events
from tinytracker.session.folder import (
    CALIBRATION_FILE,
    CALIBRATIONS_FOLDER,
    CSV_FILE,
    EVENTS_FILE,
    PARQUET_FILE,
    VIDEO_FILE,
    SessionInfo,
    read_info,
)
from tinytracker.session.rows import GazeRows, read_rows
from tinytracker.tracking.sources import VideoSource


@dataclass(frozen=True, slots=True)
class Session:
    """folder: where it lies. info: session.json. rows: gaze. events: what else happened, by time."""

    folder: Path
    info: SessionInfo
    rows: GazeRows
    events: list[Event]

    @property
    def screen(self) -> Device | None:
        """The screen, None if its size was not known."""
        if not self.info.screen:
            return None
        try:
            return screen_of(self.info.screen, "the screen in session.json")
        except InputError as error:
            raise SessionError(f"{self.folder}: {error}") from error

    @property
    def calibration(self) -> Calibration | None:
        """The profile that was in force when recording began, None for none; raises CalibrationError for a
        broken one."""
        path = self.folder / CALIBRATION_FILE
        return Calibration.load(path) if path.is_file() else None

    @property
    def last_calibration(self) -> Calibration | None:
        """The profile in force at the last row, which may have been made while recording; None for none."""
        used = str(self.rows["calibration_id"][-1]) if len(self.rows) else ""
        path = self.folder / CALIBRATIONS_FOLDER / f"{used}.json"
        return Calibration.load(path) if used.isalnum() and path.is_file() else self.calibration

    @property
    def video(self) -> Path | None:
        """The camera's pictures, None unless they were kept."""
        path = self.folder / VIDEO_FILE
        return path if path.is_file() and path.stat().st_size else None

    def events_of(self, kind: str) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event.kind == kind]

    @property
    def dots(self) -> list[Event]:
        """The dots that were shown, in order; each ends when the next appears, at the latest: eyes are on one
        at a time."""
        shown = self.events_of("dot")
        ends_ns = [event.t_ns + round(event.duration_ms * 1e6) for event in shown]
        next_ns = [event.t_ns for event in shown[1:]] + ends_ns[-1:]
        return [
            replace(event, duration_ms=(min(end_ns, following_ns) - event.t_ns) / 1e6)
            for event, end_ns, following_ns in zip(shown, ends_ns, next_ns, strict=True)
        ]

    def frames(self) -> Iterator[Frame]:
        """The pictures, each with the number and the time of its gaze row.

        Ends with the shorter of pictures and rows, as a crash may have cut one. Raises SessionError if there
        are no pictures.
        """
        path = self.video
        if path is None:
            raise SessionError(
                f"{self.folder} has no pictures; record with the camera's pictures kept (in the page: Record)"
            )
        with VideoSource(path) as source:
            for row, frame in enumerate(source):
                if row >= len(self.rows):
                    return
                number, t_ns = int(self.rows["frame"][row]), int(self.rows["t_ns"][row])
                yield replace(frame, index=number, t_ns=t_ns, name=str(path))


def read_session(folder: Path) -> Session:
    """The session in a folder.

        session = read_session(Path("sitting"))
        session.rows["x_deg"], session.rows.time_s

    Raises SessionError if it is none, or a file in it is broken other than at its very end.
    """
    info = read_info(folder)
    parquet = folder / PARQUET_FILE
    rows = read_rows(parquet if parquet.is_file() else folder / CSV_FILE)
    return Session(folder, info, rows, read_events(folder / EVENTS_FILE))


def find_sessions(parent: Path) -> list[Path]:
    """The folders in `parent` that are sessions, newest first."""
    if not parent.is_dir():
        return []
    found = [folder for folder in parent.iterdir() if (folder / "session.json").is_file()]
    return sorted(found, key=lambda folder: (folder / "session.json").stat().st_mtime, reverse=True)
