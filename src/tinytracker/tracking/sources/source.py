"""What a source of frames is."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from tinytracker.domain import Frame


class Source(Protocol):
    """Frames in order of time.

    name: for messages. is_live: frames come at their own pace and never end. frame_count: how many there will
    be, None if unknown. frames_per_second: nominal rate, None if unknown. notes: what is to be said once of
    what was read (time stamps that had to be mended, files left aside), whole when the last frame was given.
    Iterating needs the `with` block. A frame whose picture cannot be believed says so in `Frame.damage`.
    """

    name: str
    is_live: bool
    notes: list[str]

    @property
    def frame_count(self) -> int | None: ...

    @property
    def frames_per_second(self) -> float | None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...
