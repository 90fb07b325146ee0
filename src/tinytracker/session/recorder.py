"""Writing a session while it happens, so that nothing that was seen is lost, whatever ends it.

    with SessionRecorder(Path("sitting"), info, keep_video=False) as recorder:
        for frame in source:
            recorder.write(frame, pipeline.process(frame))
            ...
            recorder.note(Event(time.monotonic_ns(), "trigger", label="1"))

Unlike the other sinks it does not write aside and rename: the folder is the result from the first row on.
"""

from __future__ import annotations

import csv
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tinytracker.domain import Frame, GazeSample
from tinytracker.errors import OutputError, TinytrackerError, UsageError
from tinytracker.files import make_folder
from tinytracker.session.events import EVENT_COLUMNS, Event, event_row
from tinytracker.session.folder import (
    CSV_FILE,
    EVENTS_FILE,
    PARQUET_FILE,
    CameraInfo,
    ClockOffset,
    SessionInfo,
    write_info,
)
from tinytracker.session.rows import csv_to_parquet
from tinytracker.session.video import PictureLog
from tinytracker.tracking.sinks import COLUMNS, as_text, row_of

RowFormat = Literal["csv", "parquet"]


class SessionRecorder:
    """A sink that keeps a session; events may come from any thread.

    rows: "parquet" turns gaze.csv into gaze.parquet when the session is closed in order (a Parquet file
    without its end cannot be read, so it is not written before). Raises OutputError when the folder exists
    or cannot be written, and from `write` when the disk is full or gone; what was written stays, and stays
    readable.
    """

    def __init__(
        self, folder: Path, info: SessionInfo, *, keep_video: bool = False, rows: RowFormat = "csv"
    ) -> None:
        if folder.exists():
            raise OutputError(f"{folder} exists already; give the recording another name")
        self.folder = folder
        self.info = info.changed(has_video=keep_video)
        self.frames = 0
        self._rows = rows
        self._keep_video = keep_video
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._is_open = False

    def __enter__(self) -> Self:
        make_folder(self.folder)
        try:
            write_info(self.folder, self.info)
            with ExitStack() as opening:
                # Line-buffered: each row is with the system before the next frame comes.
                gaze = opening.enter_context(
                    (self.folder / CSV_FILE).open("w", 1, newline="", encoding="utf-8")
                )
                events = opening.enter_context(
                    (self.folder / EVENTS_FILE).open("w", 1, newline="", encoding="utf-8")
                )
                self._pictures = opening.enter_context(PictureLog(self.folder)) if self._keep_video else None
                self._gaze, self._events = csv.writer(gaze), csv.writer(events)
                self._gaze.writerow(COLUMNS)
                self._events.writerow(EVENT_COLUMNS)
                self._stack = opening.pop_all()
        except OSError as error:
            raise self._lost(error) from error
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, frame: Frame, sample: GazeSample) -> None:
        """Takes a frame and what was made of it."""
        row = row_of(sample)
        with self._lock:
            if not self._is_open:
                return
            try:
                if self._pictures is not None:
                    self._pictures.write(frame)
                self._gaze.writerow([as_text(row[name], decimals) for name, (_, decimals) in COLUMNS.items()])
            except OSError as error:
                self._abandon()
                raise self._lost(error) from error
            self.frames += 1
            if self.frames == 1:
                camera = self.info.camera
                self._set_info(camera=_sized(camera, frame))

    def note(self, event: Event) -> None:
        """Takes an event."""
        with self._lock:
            if not self._is_open:
                return
            try:
                self._events.writerow(event_row(event))
            except OSError as error:
                self._abandon()
                raise self._lost(error) from error

    def note_clock(self, offset: ClockOffset) -> None:
        """Takes a measurement of the page's clock."""
        with self._lock:
            if self._is_open:
                self._set_info(clock_offsets=(*self.info.clock_offsets, offset))

    def close(self) -> None:
        """Ends the session in order; a second time does nothing."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            try:
                self._stack.close()
                if self._rows == "parquet":
                    csv_to_parquet(self.folder / CSV_FILE, self.folder / PARQUET_FILE)
                    (self.folder / CSV_FILE).unlink()
                self._set_info(closed=True)
            except OSError as error:
                raise self._lost(error) from error

    def _set_info(self, **values: Any) -> None:
        self.info = self.info.changed(**values)
        write_info(self.folder, self.info)

    def _abandon(self) -> None:
        """Closes what is open as far as that goes: the disk may be full."""
        self._is_open = False
        with suppress(OSError, TinytrackerError):
            self._stack.close()

    def _lost(self, error: OSError) -> OutputError:
        return OutputError(
            f"recording stopped: cannot write in {self.folder}: {error.strerror}; {self.frames} rows are "
            f"kept and can be read"
        )


def new_folder(parent: Path, name: str) -> Path:
    """A folder for a session in `parent`, of a name that a person gave, or of the time.

    Raises UsageError for a name that is more than a name.
    """
    name = name.strip()
    if name and (
        name in (".", "..")
        or any(letter in name for letter in "/\\:\0")
        or name.startswith(".")
        or len(name) > 80
    ):
        raise UsageError(
            f"{name!r} cannot be the name of a recording; expected up to 80 letters without / \\ : and no "
            f"dot first"
        )
    stem = name or datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder, number = parent / stem, 2
    while folder.exists():
        folder, number = parent / f"{stem}-{number}", number + 1
    return folder


def _sized(camera: CameraInfo, frame: Frame) -> CameraInfo:
    return replace(camera, width_px=frame.width_px, height_px=frame.height_px)
