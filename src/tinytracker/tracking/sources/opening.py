"""What a user names, as a source."""

from __future__ import annotations

from pathlib import Path

from tinytracker.errors import InputError, UsageError
from tinytracker.image_headers import kind_of_picture
from tinytracker.tracking.sources.pictures import IMAGE_SUFFIXES, FolderSource, ImageSource
from tinytracker.tracking.sources.source import Source
from tinytracker.tracking.sources.video import STANDARD_INPUT, VideoSource, is_url

EXPECTED = (
    "expected a picture, a folder of pictures, a video file, a camera's number or device, rtsp:// or "
    "http://, or - for standard input"
)
_HEADER_BYTES = 256


def open_source(place: str, frames_per_second: float | None = None) -> Source:
    """The source that `place` names.

    A camera's index ("0") or device ("/dev/video0", "/dev/v4l/by-id/..."), a folder, a picture, a video, a
    pipe ("-" or a FIFO), an address ("rtsp://...", "http://..."). frames_per_second: the pace of files,
    instead of what they say.

    Raises InputError if there is nothing of that name, UsageError if a camera is given a pace. What is in a
    file shows when the source is entered.
    """
    if not place:
        raise InputError(f"the source is an empty name; {EXPECTED}")
    if is_url(place) or place == STANDARD_INPUT:
        return VideoSource(place, frames_per_second)
    try:
        return _open_path(place, frames_per_second)
    except OSError as error:  # a name that cannot be, a folder that must not be looked into
        raise InputError(f"cannot read {place[:100]}: {error.strerror}; {EXPECTED}") from error


def _open_path(place: str, frames_per_second: float | None) -> Source:
    path = Path(place)
    if place.isdecimal() or place.startswith("/dev/video") or path.is_char_device():
        if frames_per_second is not None:
            raise UsageError(f"{place} is a camera, which has its own pace; leave --fps out")
        from tinytracker.tracking.sources.camera import CameraSource

        # OpenCV knows /dev/videoN only; /dev/v4l/by-id/... are links to them.
        return CameraSource(int(place) if place.isdecimal() else str(path.resolve()))
    if path.is_dir():
        return FolderSource(path, frames_per_second)
    if path.is_fifo():
        return VideoSource(path, frames_per_second)
    if not path.exists():
        raise InputError(f"{place} does not exist; {EXPECTED}")
    if not path.is_file():
        raise InputError(f"{place} is neither a file nor a folder; {EXPECTED}")
    return ImageSource(path, frames_per_second) if _is_picture(path) else VideoSource(path, frames_per_second)


def _is_picture(path: Path) -> bool:
    """By what is in it; where that says nothing, by its name."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    suffix = path.suffix.lower()
    if suffix in (".mjpeg", ".mjpg"):  # pictures one after the other, without a container
        return False
    return kind_of_picture(start) is not None or suffix in IMAGE_SUFFIXES
