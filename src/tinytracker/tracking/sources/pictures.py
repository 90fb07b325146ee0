"""Pictures as sources: one, or all of a folder. One that cannot be read is a frame that says why; the rest
goes on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from tinytracker.domain import Frame
from tinytracker.errors import ImageError
from tinytracker.images import TimedImage, decode_animation, read_content

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
FOLDER_FRAMES_PER_SECOND = 30.0  # the pace that a folder of pictures is taken to have been shot at
UNREADABLE = "unreadable picture"
NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


class FolderSource:
    """The pictures of a folder in natural order (2.jpg before 10.jpg), turned upright by EXIF; they may
    differ in size.

    Files that hold several pictures (animations, pages) are played. Raises ImageError if there are no
    pictures.
    """

    is_live = False

    def __init__(self, folder: Path, frames_per_second: float | None = None) -> None:
        self.name = str(folder)
        self.notes: list[str] = []
        try:
            entries = list(folder.iterdir())
        except OSError as error:
            raise ImageError(
                f"cannot read {folder}: {error.strerror}; expected a folder of pictures"
            ) from error
        self.paths = sorted(filter(_is_named_as_picture, entries), key=_natural_key)
        if not self.paths:
            known = ", ".join(sorted(IMAGE_SUFFIXES))
            raise ImageError(f"{folder} holds no pictures; expected files ending in {known}")
        if left := _left_aside(entry for entry in entries if not _is_named_as_picture(entry)):
            self.notes.append(f"not read of {folder}: {left}")
        self.frame_count: int | None = len(self.paths)
        self.frames_per_second: float | None = frames_per_second or FOLDER_FRAMES_PER_SECOND

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        index, t_ns = 0, 0.0
        step_ns = 1e9 / (self.frames_per_second or FOLDER_FRAMES_PER_SECOND)
        for path in self.paths:
            for timed, damage in self._pictures(path):
                yield Frame(timed.image, index, round(t_ns), str(path), damage)
                index += 1
                t_ns += timed.duration_ms * 1e6 or step_ns

    def _pictures(self, path: Path) -> Iterator[tuple[TimedImage, str]]:
        """The pictures of a file, each with what is wrong with it ("" if nothing is)."""
        try:
            for timed in decode_animation(read_content(path), path.name, upright=True):
                yield timed, ""
        except ImageError as error:
            yield TimedImage(NO_PICTURE), f"{UNREADABLE}: {error}"


class ImageSource(FolderSource):
    """The picture of one file, or all of an animation; raises ImageError when iterated if it does not
    decode."""

    def __init__(self, path: Path, frames_per_second: float | None = None) -> None:
        self.name = str(path)
        self.notes = []
        self.paths = [path]
        self.frame_count = None
        self.frames_per_second = frames_per_second

    def _pictures(self, path: Path) -> Iterator[tuple[TimedImage, str]]:
        for timed in decode_animation(read_content(path), str(path), upright=True):
            yield timed, ""


def _is_named_as_picture(path: Path) -> bool:
    """Hidden files are none: macOS puts ._0002.jpg beside 0002.jpg on disks that are not its own."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()


def _left_aside(entries: Iterator[Path]) -> str:
    """ "2 hidden files, 1 folder, 3 .txt": what of a folder is no picture by its name."""
    kinds: Counter[str] = Counter()
    for path in entries:
        if path.name.startswith("."):
            kinds["hidden"] += 1
        elif path.is_dir():
            kinds["folders"] += 1
        else:
            kinds[path.suffix.lower() or "without a suffix"] += 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """Compares the numbers in names by value, the rest by letters."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() and len(part) < 100 else (-1, part) for part in parts]
