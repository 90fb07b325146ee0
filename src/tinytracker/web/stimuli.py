"""The pictures, videos and pages that a sitting can show: those of --stimulus, and those that the page was
given."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import UsageError
from tinytracker.session.stimuli import KINDS, StimulusKind, kind_of
from tinytracker.web.guard import LARGER_BODIES

LARGEST_FILE = LARGER_BODIES["/stimuli"]
MOST_STIMULI = 500
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Stimulus:
    """A file that can be shown. name: its own, by which it is asked for."""

    name: str
    path: Path
    kind: StimulusKind


class Stimuli:
    """What can be shown, by name, in the order in which it came.

    given: --stimulus, a file or a folder of files. Raises UsageError for one that cannot be shown, and for a
    folder without any that can.
    """

    def __init__(self, given: Path | None = None) -> None:
        self._known: dict[str, Stimulus] = {}
        self._inbox: tempfile.TemporaryDirectory[str] | None = None
        if given is not None:
            self._take(given)

    def __len__(self) -> int:
        return len(self._known)

    def listed(self) -> list[dict[str, str]]:
        """Name and kind of each, for pages."""
        return [{"name": entry.name, "kind": entry.kind} for entry in self._known.values()]

    def of(self, name: str) -> Stimulus:
        """The one of that name; raises UsageError if there is none."""
        if name not in self._known:
            raise UsageError(f"there is nothing to show by the name {name!r}")
        return self._known[name]

    async def receive(self, name: str, parts: AsyncIterator[bytes]) -> Stimulus:
        """Keeps a file that a page sends, until the sitting is over; one of the same name gives way.

        Raises UsageError for a name that is none, a kind that cannot be shown, or too large a file.
        """
        kind = kind_of(name)
        if Path(name).name != name or name.startswith(".") or len(name) > LONGEST_NAME or kind is None:
            raise UsageError(f"{name!r} cannot be shown; expected a file ending in {', '.join(KINDS)}")
        if len(self._known) >= MOST_STIMULI:
            raise UsageError(f"at most {MOST_STIMULI} things to look at")
        if self._inbox is None:
            self._inbox = tempfile.TemporaryDirectory(prefix="tinytracker-stimuli-")
        path = Path(self._inbox.name) / name
        size = 0
        try:
            with path.open("wb") as file:
                async for part in parts:
                    size += len(part)
                    if size > LARGEST_FILE:
                        raise UsageError(f"{name} is too large; {LARGEST_FILE >> 20} MB are allowed")
                    file.write(part)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise UsageError(f"{name} was not kept: {error.strerror}") from error
        except UsageError:
            path.unlink(missing_ok=True)
            raise
        self._known.pop(name, None)
        self._known[name] = Stimulus(name, path, kind)
        return self._known[name]

    def close(self) -> None:
        """Throws away what pages have sent."""
        if self._inbox is not None:
            with contextlib.suppress(OSError):
                self._inbox.cleanup()

    def _take(self, given: Path) -> None:
        files = sorted(path for path in given.iterdir() if path.is_file()) if given.is_dir() else [given]
        for path in files:
            kind = kind_of(path.name)
            if kind is not None and path.is_file():
                self._known[path.name] = Stimulus(path.name, path, kind)
        if not self._known:
            raise UsageError(f"{given} cannot be shown; expected files ending in {', '.join(KINDS)}")
