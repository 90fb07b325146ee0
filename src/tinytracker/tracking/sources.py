"""Where frames come from: a picture, a folder of pictures, a video file, a camera.

Every source is a context manager and an iterator of `domain.Frame`; opening and reading raise errors that name the file.
Files are decoded by PyAV (FFmpeg's libraries): it tells apart a broken packet from the end, gives presentation times for
variable frame rates, and does not rescale silently when a video changes its size, as OpenCV's reader does. Cameras are
read by OpenCV in a thread of their own (`tinytracker.tracking.camera`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import av
import numpy as np
from av.container import InputContainer

from tinytracker.domain import Frame
from tinytracker.errors import ImageError, InputError, VideoError
from tinytracker.images import read_image

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FOLDER_FRAMES_PER_SECOND = 30.0  # the pace that a folder of pictures is taken to have been shot at
DEFAULT_FRAMES_PER_SECOND = 30.0  # for files that do not say
SMALL_PX = 1280 * 720  # up to here a picture is decoded in 1 to 3 ms: handing it to other threads costs more than it saves


class Source(Protocol):
    """Frames in order of time.

    name: for messages. is_live: frames come at their own pace and never end. frame_count: how many there will be, None
    if unknown. frames_per_second: nominal rate, None if unknown. Iterating needs the `with` block.
    """

    name: str
    is_live: bool
    frame_count: int | None
    frames_per_second: float | None

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...


def open_source(place: str) -> Source:
    """The source that `place` names: a camera index ("0"), a device ("/dev/video0"), a folder, a picture or a video.

    Raises InputError if there is nothing of that name. What is in a file shows when the source is entered.
    """
    if place.isdecimal() or place.startswith("/dev/video"):
        from tinytracker.tracking.camera import CameraSource

        return CameraSource(int(place) if place.isdecimal() else place)
    path = Path(place)
    if path.is_dir():
        return FolderSource(path)
    if not path.is_file():
        raise InputError(f"{place} does not exist; expected a picture, a folder of pictures, a video file or a camera's number")
    return ImageSource(path) if path.suffix.lower() in IMAGE_SUFFIXES else VideoSource(path)


class FolderSource:
    """The pictures of a folder in natural order (2.jpg before 10.jpg), turned upright by EXIF; they may differ in size."""

    is_live = False

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.paths = sorted((path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES), key=_natural_key)
        if not self.paths:
            known = ", ".join(sorted(IMAGE_SUFFIXES))
            raise ImageError(f"{folder} holds no pictures; expected files ending in {known}")
        self.frame_count: int | None = len(self.paths)
        self.frames_per_second: float | None = FOLDER_FRAMES_PER_SECOND

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        """Raises ImageError at a picture that does not decode."""
        for index, path in enumerate(self.paths):
            yield Frame(read_image(path, upright=True), index, round(index * 1e9 / FOLDER_FRAMES_PER_SECOND), str(path))


class ImageSource(FolderSource):
    """One picture, as a source of one frame."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.paths = [path]
        self.frame_count = 1
        self.frames_per_second = None


class VideoSource:
    """The first video stream of a file, turned upright as its rotation tag says; t_ns is the presentation time.

    Raises VideoError for a file that does not open, has no pictures, breaks on the way or changes its picture's size.
    """

    is_live = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.frame_count: int | None = None
        self.frames_per_second: float | None = None
        self._container: InputContainer | None = None

    def __enter__(self) -> Self:
        try:
            self._container = av.open(self.name)
        except (av.error.FFmpegError, OSError) as error:
            expected = "expected mp4, mov, mkv, avi or webm"
            raise VideoError(f"{self.name} does not open as a video: {_reason(error)}; {expected}") from error
        if not self._container.streams.video:
            kinds = _kinds(self._container)
            self._container.close()
            raise VideoError(f"{self.name} holds no pictures, only {kinds}; expected a video")
        stream = self._container.streams.video[0]
        if stream.width * stream.height > SMALL_PX:
            stream.thread_type = "AUTO"
        self.frame_count = stream.frames or None
        self.frames_per_second = float(stream.average_rate) if stream.average_rate else None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._container is not None:
            self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        if self._container is None:
            raise RuntimeError("a VideoSource is read inside its `with` block")
        pace = self.frames_per_second or DEFAULT_FRAMES_PER_SECOND
        size: tuple[int, int] | None = None
        index, last_ns = 0, -1
        for picture in self._pictures():
            size = size or (picture.width, picture.height)
            if (picture.width, picture.height) != size:
                raise VideoError(
                    f"{self.name} changes its size at frame {index}: expected {size[0]} x {size[1]} as before, came "
                    f"{picture.width} x {picture.height}; split or rescale it first"
                )
            t_ns = round((index / pace if picture.time is None else picture.time) * 1e9)
            last_ns = max(t_ns, last_ns + 1)  # broken time stamps must not run backwards
            image = np.rot90(picture.to_ndarray(format="rgb24"), k=picture.rotation // 90)
            yield Frame(np.ascontiguousarray(image), index, last_ns, self.name)
            index += 1
        if index == 0:
            raise VideoError(f"{self.name} holds no decodable frame; expected at least one")

    def _pictures(self) -> Iterator[av.VideoFrame]:
        assert self._container is not None
        decoded = 0
        try:
            for picture in self._container.decode(video=0):
                yield picture
                decoded += 1
        except av.error.FFmpegError as error:
            raise VideoError(f"{self.name} breaks after {decoded} frames: {_reason(error)}; re-encode or cut it") from error


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """Compares the numbers in names by value, the rest by letters."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _kinds(container: InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams})
    return " and ".join(kinds) if kinds else "nothing"
