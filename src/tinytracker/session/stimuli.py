"""What somebody looked at while a session was recorded: pictures, videos and pages, each over the whole
screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinytracker.session.folder import STIMULI_FOLDER
from tinytracker.session.reader import Session

StimulusKind = Literal["image", "video", "page"]
KINDS: dict[str, StimulusKind] = {
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".webp": "image",
    ".gif": "image",
    ".mp4": "video",
    ".webm": "video",
    ".html": "page",
    ".htm": "page",
}
"""By the end of the file's name. A page is one HTML file that needs nothing else; its scripts do not run."""


@dataclass(frozen=True, slots=True)
class ShownStimulus:
    """name: the file's, in the session's `stimuli`. start_ns, end_ns: when it was on the screen, on the clock
    of the rows. It filled the screen, as large as its shape allows, in the middle."""

    name: str
    kind: StimulusKind
    start_ns: int
    end_ns: int


def kind_of(name: str) -> StimulusKind | None:
    """What a file of this name is; None for one that a page cannot show."""
    return KINDS.get(Path(name).suffix.lower())


def stimuli_of(session: Session) -> list[ShownStimulus]:
    """What was shown, in order; what was still there when the recording ended lasts until its last row."""
    marks = session.events_of("stimulus")
    last_ns = int(session.rows["t_ns"][-1]) if len(session.rows) else 0
    ends_ns = [mark.t_ns for mark in marks[1:]] + [last_ns]
    shown = []
    for mark, end_ns in zip(marks, ends_ns, strict=False):
        kind = kind_of(mark.label)
        if kind is not None and (session.folder / STIMULI_FOLDER / mark.label).is_file():
            shown.append(ShownStimulus(mark.label, kind, mark.t_ns, max(end_ns, mark.t_ns)))
    return shown
