"""A person's own sittings as training data: the frames at which a dot was on the screen, in GazeCapture's
layout.

The face and the eyes are found in the pictures again, as the tracker finds them; the labels are where the
dots were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tinytracker.calibration.dots import SETTLE_NS
from tinytracker.data.recording import RecordedFrame, Split, write_recording
from tinytracker.errors import SessionError
from tinytracker.faces.tracker import FaceTracker
from tinytracker.images import encode_jpeg
from tinytracker.progress import Progress, no_progress
from tinytracker.session.events import Event
from tinytracker.session.reader import Session

JPEG_QUALITY = 95


def write_gazecapture(
    session: Session,
    folder: Path,
    tracker: FaceTracker,
    split: Split,
    person: str | None = None,
    progress: Progress = no_progress,
) -> int:
    """Writes a recording that `prepare` takes; gives how many frames it has.

    tracker: finds the face and eyes in each picture. person: who it is, if there are several recordings of
    them. Frames from before the eyes had arrived at a dot, of blinks and without a face are left out. Raises
    SessionError if the session has no pictures, no screen size or no dots, OutputError if the folder exists.
    """
    screen, looks = session.screen, [event for event in session.dots if event.x_px is not None]
    if session.video is None:
        raise SessionError(f"{session.folder} has no pictures; record again with the camera's video kept")
    if screen is None:
        raise SessionError(
            f"{session.folder} does not say how large the screen was, so its dots have no place in cm"
        )
    if not looks:
        raise SessionError(
            f"{session.folder} has no dots: press r before the dots of Dots and Check, not after"
        )
    count = 0

    def counted() -> Iterator[RecordedFrame]:
        nonlocal count
        for frame in _frames(session, looks, tracker, progress):
            count += 1
            yield frame
        if not count:
            raise SessionError(
                f"{session.folder}: at no dot was a face with open eyes seen; there is nothing to learn from"
            )

    write_recording(folder, screen, split, counted(), person=person)
    return count


def _frames(
    session: Session, looks: list[Event], tracker: FaceTracker, progress: Callable[[int, int], None]
) -> Iterator[RecordedFrame]:
    """Frame by frame through the whole video, as the tracker follows a face; those at a dot are given, unless
    damaged."""
    for done, frame in enumerate(session.frames(), 1):
        progress(done, len(session.rows))
        if frame.damage:
            continue
        tracked = tracker.update(frame.image)
        face = tracked.face
        number = _dot_at(looks, frame.t_ns)
        if number is None or face is None or tracked.eyes_shut:
            continue
        look = looks[number]
        assert look.x_px is not None
        assert look.y_px is not None
        yield RecordedFrame(
            jpeg=encode_jpeg(frame.image, JPEG_QUALITY),
            width_px=frame.width_px,
            height_px=frame.height_px,
            face=face.box,
            left_eye=face.left_eye,
            right_eye=face.right_eye,
            dot_number=number,
            dot_x_points=look.x_px,
            dot_y_points=look.y_px,
            time_s=(frame.t_ns - look.t_ns) / 1e9,
            orientation=1,
        )


def _dot_at(looks: list[Event], t_ns: int) -> int | None:
    """The number of the dot that the eyes were on at a time."""
    for number, look in enumerate(looks):
        if look.t_ns + SETTLE_NS <= t_ns <= look.t_ns + look.duration_ms * 1e6:
            return number
    return None
