"""What a layout of recordings is: how its folders are known, named, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.events.recordings import EventRecording

Frames = Iterable[tuple[int, NDArray[np.uint8]]]
"""Pictures of a camera beside the events: (t_us, grey (height, width))."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a recording is called, and whose eye it shows."""

    name: str
    person: str


@dataclass(frozen=True, slots=True, eq=False)
class RecordingRead:
    """A recording out of a folder. left_out: how many events or labels were left out, by reason. notes: what
    else is to be said."""

    recording: EventRecording
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one set lays out its recordings.

    name: as `--format` takes it. recognises: whether a folder holds one recording of this layout. identify:
    its name and person, from where it lies. read: raises RecordingError if nothing can be used. sources: the
    files it is read from. write: a recording under a set's root, giving its folder; raises UsageError for
    what the layout cannot say. finish: what a set wants beside its recordings, once all are written.
    """

    name: str
    recognises: Callable[[Path], bool]
    identify: Callable[[Path], Identity]
    read: Callable[[Path], RecordingRead]
    sources: Callable[[Path], list[Path]]
    write: Callable[[Path, EventRecording, Frames], Path]
    finish: Callable[[Path], None]


def nothing_to_finish(_root: Path) -> None:
    """For layouts whose recordings stand alone."""


def word(text: str) -> str:
    """A text with nothing but letters, digits and dashes, as folders' names take it apart at underscores.

    >>> word("some_one 7")
    'some-one-7'
    """
    return "".join(letter if letter.isalnum() else "-" for letter in text)
