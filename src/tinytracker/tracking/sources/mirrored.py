"""A source seen in a mirror: for cameras that already turn left and right about, as front cameras'
previews do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np

from tinytracker.domain import Frame
from tinytracker.tracking.sources.source import Source


class MirroredSource:
    """Another source's frames, left and right changed back: its camera mirrors, and the networks know no
    mirrors.

    A mirrored picture looks as good as any, but its gaze goes to the wrong side, and left and right eye are
    each other.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.name
        self.is_live = source.is_live
        self.notes = source.notes

    @property
    def frame_count(self) -> int | None:
        return self.source.frame_count

    @property
    def frames_per_second(self) -> float | None:
        return self.source.frames_per_second

    @property
    def dropped(self) -> int | None:
        """As of the source, None where nothing can be dropped."""
        return getattr(self.source, "dropped", None)

    def __enter__(self) -> Self:
        self.source.__enter__()
        self.is_live = self.source.is_live  # of a stream it shows when it is opened
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.source.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.source:
            yield replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1]))
