"""Videos as sources: files, pipes and streams of the network, decoded by PyAV (FFmpeg's libraries).

It tells apart a broken packet from the end, gives presentation times for variable frame rates, and does not
rescale silently when a video changes its size, as OpenCV's reader does.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags

from tinytracker.damage import damage_of
from tinytracker.domain import Frame, Image
from tinytracker.errors import DeviceError, InputError, TinytrackerError, VideoError
from tinytracker.images import depth_bits, eight_bits, limit_px
from tinytracker.tracking.sources.clock import ForwardClock
from tinytracker.tracking.sources.newest import Newest
from tinytracker.tracking.sources.orientation import orientation_of
from tinytracker.tracking.sources.pictures import NO_PICTURE

STANDARD_INPUT = "-"
DEFAULT_FRAMES_PER_SECOND = 30.0  # for files that do not say
SLOWEST, FASTEST = 0.1, 1000.0  # frames per second that are believed
SMALL_PX = (
    1280 * 720
)  # up to here a picture is decoded in 1 to 3 ms: handing it to other threads costs more than it saves
OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 5.0  # of streams
MOST_ANAMORPHIC = 4.0
SAME_ASPECT = 0.005  # pixels as good as square
MISSED_SHARE = 0.1  # of what a container announces; edited files hold a little more than they show
DAMAGED, LOST, FOLLOWS = (
    "damaged frame: the decoder filled up what is broken",
    "damaged frame: it does not decode",
    "damaged frame: it is drawn from a damaged one before it",
)


def is_url(place: str) -> bool:
    """Whether `place` is an address of the network, such as "rtsp://camera/stream"."""
    scheme, separator, _ = place.partition("://")
    return bool(separator) and scheme.isalnum()


@dataclass(frozen=True, slots=True)
class _Lost:
    """A packet that gave no picture. stamp_s: its presentation time, None if unknown."""

    stamp_s: float | None


class VideoSource:
    """The first video stream (a cover is none) of a file, a pipe ("-": standard input) or an address, as it
    is meant to be seen.

    Turned and mirrored as its display matrix says, pixels made square; t_ns is the presentation time, which
    never goes back (`ForwardClock`). Frames that the decoder marks as corrupt, that do not decode, and those
    drawn from them until the next whole picture say so in `Frame.damage`. frames_per_second: the pace,
    instead of the file's time stamps.

    A stream without an end (rtsp://, a camera's http://) is live: frames may be dropped, t_ns is the
    monotonic clock, and when it dies DeviceError says so. Raises VideoError for what does not open, has no
    pictures, breaks on the way or changes its picture's size; the frames until then were given.
    """

    def __init__(self, place: Path | str, frames_per_second: float | None = None) -> None:
        self.path = place
        self.name = "standard input" if place == STANDARD_INPUT else str(place)
        self.is_live = False
        self.frame_count: int | None = None
        self.frames_per_second: float | None = frames_per_second
        self.notes: list[str] = []
        self.dropped = 0
        self._asked_pace = frames_per_second
        self._container: InputContainer | None = None
        self._depth_bits = 8

    def __enter__(self) -> Self:
        self._container = container = self._open()
        stream = self._stream
        context = stream.codec_context
        if context.width * context.height > limit_px():
            container.close()
            raise VideoError(
                f"{self.name} has pictures of {context.width} x {context.height}; expected at most "
                f"{limit_px() / 1e6:g} million pixels"
            )
        # Threads that share a picture lose the decoder's word that it is damaged; those that take one each do
        # not.
        stream.thread_type = "FRAME" if context.width * context.height > SMALL_PX else "NONE"
        self.is_live = is_url(str(self.path)) and container.duration is None and not stream.frames
        self.frame_count = stream.frames or None
        if self._asked_pace is None:
            self._read_pace(stream, container)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (
            self._container is not None and not self.is_live
        ):  # a live one is closed by the thread that reads it
            self._container.close()
        self._container, live = None, self.is_live
        if live and hasattr(self, "_thread"):
            self._thread.join(timeout=1.0)

    def __iter__(self) -> Iterator[Frame]:
        if self._container is None:
            raise RuntimeError("a VideoSource is read inside its `with` block")
        return self._newest_frames() if self.is_live else self._frames(self._container)

    def _open(self) -> InputContainer:
        expected = "expected mp4, mov, mkv, avi or webm"
        place, timeouts, options = str(self.path), None, {}
        if place == STANDARD_INPUT:
            place = "pipe:0"
        elif is_url(place):
            timeouts = OPEN_TIMEOUT_S, READ_TIMEOUT_S
            expected = "expected a stream that answers within 10 s"
            if place.startswith("rtsp"):
                options = {"rtsp_transport": "tcp"}  # over UDP, lost packets are lost pictures
        error_kind: type[InputError] | type[DeviceError] = DeviceError if is_url(place) else VideoError
        try:
            container = av.open(place, timeout=timeouts, options=options)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            why = damage_of(Path(place), ValueError()) if Path(place).is_file() else ""
            raise error_kind(
                f"{self.name} does not open as a video: {why or _reason(error)}; {expected}"
            ) from error
        films = _films(container)
        if not films:
            kinds = _kinds(container)
            container.close()
            raise VideoError(f"{self.name} holds no pictures, only {kinds}; expected a video")
        self._stream = films[0]
        if len(films) > 1:
            self.notes.append(f"{self.name} holds {len(films)} videos; the first one is read")
        return container

    def _read_pace(self, stream: av.VideoStream, container: InputContainer) -> None:
        rate = float(stream.average_rate or 0)
        self.frames_per_second = rate if SLOWEST <= rate <= FASTEST else None
        if _has_no_clock(container):
            self.notes.append(
                f"{self.name} has no clock: {self.frames_per_second or DEFAULT_FRAMES_PER_SECOND:g} frames/s "
                "are assumed; say it with --fps"
            )

    def _frames(self, container: InputContainer) -> Iterator[Frame]:
        clock = ForwardClock(self.frames_per_second or DEFAULT_FRAMES_PER_SECOND)
        stream = self._stream
        sees = _Sees(self.name, stream)
        lost: list[float] = []  # stamps of packets that gave no picture, until their turn comes
        index = shown = 0
        is_suspect = False
        for item in self._decoded(container, stream):
            if isinstance(item, _Lost):
                is_suspect = True
                heapq.heappush(lost, -np.inf if item.stamp_s is None else item.stamp_s)
                continue
            stamp_s = None if self._asked_pace else item.time
            while lost and (stamp_s is None or lost[0] < stamp_s):
                yield self._damaged(index, clock.tick(_finite(heapq.heappop(lost))), LOST)
                index += 1
            is_suspect = (is_suspect and not item.key_frame) or item.is_corrupt
            damage = DAMAGED if item.is_corrupt else FOLLOWS if is_suspect else ""
            yield Frame(
                self._image(item, sees.square(item, index)), index, clock.tick(stamp_s), self.name, damage
            )
            index += 1
            shown += 1
        for stamp_s in sorted(lost):
            yield self._damaged(index, clock.tick(_finite(stamp_s)), LOST)
            index += 1
        if shown == 0:
            raise VideoError(f"{self.name} holds no decodable frame; expected at least one")
        self._note_what_was_wrong(clock, index)

    def _decoded(self, container: InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame | _Lost]:
        """Pictures in order of presentation; where a packet does not decode, _Lost instead."""
        decoded = 0
        try:
            for packet in container.demux(stream):
                try:
                    for picture in packet.decode():
                        yield picture
                        decoded += 1
                except av.error.InvalidDataError:
                    stamp = packet.pts if packet.pts is not None else packet.dts
                    yield _Lost(
                        None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)
                    )
        except (av.error.FFmpegError, OSError) as error:
            if isinstance(error, av.error.ExitError):  # what PyAV makes of a time-out
                raise DeviceError(
                    f"{self.name} sent nothing for {READ_TIMEOUT_S:g} s, after {decoded} frames"
                ) from error
            kind = DeviceError if is_url(str(self.path)) else VideoError
            raise kind(f"{self.name} breaks after {decoded} frames: {_reason(error)}") from error

    def _image(self, picture: av.VideoFrame, size: tuple[int, int]) -> Image:
        width, height = size
        if picture.format.name.startswith("gray16"):  # what is in it may be 10 or 12 bits: see eight_bits
            raw = picture.to_ndarray(width=width, height=height)
            self._depth_bits = max(self._depth_bits, depth_bits(raw))
            grey = eight_bits(raw, self.name, self._depth_bits)
            image = np.repeat(grey[..., None], 3, axis=2)
        else:
            image = np.asarray(picture.to_ndarray(format="rgb24", width=width, height=height), np.uint8)
        return orientation_of(picture, self.name).apply(image)

    def _damaged(self, index: int, t_ns: int, damage: str) -> Frame:
        return Frame(NO_PICTURE, index, t_ns, self.name, damage)

    def _note_what_was_wrong(self, clock: ForwardClock, frames: int) -> None:
        if clock.jumps and not self._asked_pace:
            self.notes.append(
                f"time stamps of {self.name} went back or stood still {clock.jumps} times; time went on at "
                "the pace of the frames"
            )
        announced = self.frame_count or _frames_announced(self._container, self.frames_per_second)
        if frames + 1 < (1 - MISSED_SHARE) * announced:
            self.notes.append(
                f"{self.name} announces {announced} frames and gave {frames}: it is cut off, or was edited"
            )

    def _newest_frames(self) -> Iterator[Frame]:
        """Of a live stream: read in a thread of its own, so that nothing old piles up."""
        container = self._container
        assert container is not None
        newest = Newest[Frame](self.name, OPEN_TIMEOUT_S)

        def read() -> None:
            try:
                for frame in self._frames(container):
                    newest.put(replace(frame, t_ns=time.monotonic_ns()))
                    if self._container is None:
                        break
                newest.fail("ended")
            except TinytrackerError as error:
                newest.fail(str(error).removeprefix(f"{self.name} "))
            finally:
                container.close()

        self._thread = threading.Thread(target=read, name=self.name, daemon=True)
        self._thread.start()
        index = 0
        while True:
            frame = newest.take()
            self.dropped = newest.dropped
            yield replace(frame, index=index)
            index += 1


class _Sees:
    """The size that pictures are shown in: pixels made square, and the same from first to last."""

    def __init__(self, name: str, stream: av.VideoStream) -> None:
        self._name = name
        self._stream = stream
        self._stored: tuple[int, int] | None = None

    def square(self, picture: av.VideoFrame, index: int) -> tuple[int, int]:
        """(width, height) with square pixels; raises VideoError if the picture is not as large as those
        before."""
        size = picture.width, picture.height
        self._stored = self._stored or size
        if size != self._stored:
            raise VideoError(
                f"{self._name} changes its size at frame {index}: expected {self._stored[0]} x "
                f"{self._stored[1]} as before, came {size[0]} x {size[1]}; split or rescale it first"
            )
        aspect = float(self._stream.sample_aspect_ratio or 0) or 1.0  # a pixel's width over its height
        if abs(aspect - 1) <= SAME_ASPECT:
            return size
        if not 1 / MOST_ANAMORPHIC <= aspect <= MOST_ANAMORPHIC:
            raise VideoError(
                f"{self._name} has pixels {aspect:g} times as wide as high; expected about square ones"
            )
        width, height = size
        return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _has_no_clock(container: InputContainer) -> bool:
    """Raw streams (.h264, .mjpeg): what FFmpeg gives for their times is 25 frames/s, made up."""
    flags: Any = container.format.flags  # a number, whatever the stubs say
    no_timestamps: Any = Flags.no_timestamps.value
    return bool(flags & no_timestamps)


def _frames_announced(container: InputContainer | None, frames_per_second: float | None) -> int:
    """By duration, where a container does not count them; 0 if it says nothing."""
    if container is None or container.duration is None or frames_per_second is None:
        return 0
    return round(container.duration / av.time_base * frames_per_second)


def _finite(stamp_s: float) -> float | None:
    return stamp_s if np.isfinite(stamp_s) else None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _films(container: InputContainer) -> list[av.VideoStream]:
    """The video streams that are more than a picture attached to the file, such as a cover."""
    attached = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & attached]


def _kinds(container: InputContainer) -> str:
    kinds = sorted({"a cover" if stream.type == "video" else stream.type for stream in container.streams})
    return " and ".join(kinds) if kinds else "nothing"
