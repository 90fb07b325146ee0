"""Videos as they really occur, made by FFmpeg's own libraries: mirrored, anamorphic, cut, corrupt, with
clocks that jump."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.tracking.conftest import can_turn, shades
from tests.tracking.rtsp import RtspServer, Then, rtp_packets
from tinytracker.domain import Frame
from tinytracker.errors import DeviceError, InputError, UsageError, VideoError
from tinytracker.images import encode_jpeg
from tinytracker.tracking.sources import MirroredSource, VideoSource, open_source, video
from tinytracker.tracking.sources.clock import ForwardClock
from tinytracker.tracking.sources.orientation import orientation_of_matrix

# What a picture looks like by its corners: upper left red, upper right green, lower left blue, lower right
# black.
CORNERS = {"red": (230, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 230), "black": (0, 0, 0)}


def cornered(height: int = 48, width: int = 64) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = CORNERS["red"]
    image[: height // 2, width // 2 :] = CORNERS["green"]
    image[height // 2 :, : width // 2] = CORNERS["blue"]
    return image


def corners_of(image: np.ndarray) -> list[str]:
    """The colours of the corners, row by row."""
    height, width = image.shape[:2]
    places = [
        (height // 4, width // 4),
        (height // 4, -width // 4),
        (-height // 4, width // 4),
        (-height // 4, -width // 4),
    ]
    return [
        min(CORNERS, key=lambda name: np.abs(image[place].astype(int) - CORNERS[name]).sum())
        for place in places
    ]


def write_video(
    path: Path,
    images: Sequence[np.ndarray],
    codec: str = "libx264",
    stamps: Sequence[int] | None = None,
    rate: int = 25,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    **settings: Any,
) -> Path:
    """A real file; settings: of the stream (`sample_aspect_ratio`), or `display` = (rotation, hflip)."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = settings.pop("pix_fmt", "yuvj420p" if codec == "mjpeg" else "yuv420p")
        stream.codec_context.time_base = Fraction(1, rate)
        if (display := settings.pop("display", None)) is not None:
            stream.set_display_rotation(display[0], hflip=display[1])
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for index, image in enumerate(images):
            kind = "gray16le" if image.ndim == 2 else "rgb24"
            picture = av.VideoFrame.from_ndarray(image, format=kind)
            picture.pts = index if stamps is None else stamps[index]
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def read(path: Path, **options: Any) -> tuple[list[Frame], list[str]]:
    with VideoSource(path, **options) as source:
        return list(source), source.notes


def busy(count: int, side: int = 128, seed: int = 0) -> list[np.ndarray]:
    """Pictures with much to encode, each another one."""
    noise = np.random.default_rng(seed).integers(0, 255, (side + count, side, 3), dtype=np.uint8)
    return [np.ascontiguousarray(noise[index : index + side]) for index in range(count)]


class TestOrientation:
    @can_turn
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
    def test_all_eight_as_the_standard_says(self, tmp_path: Path, suffix: str) -> None:
        seen = set()
        for number, display in enumerate(product((0, 90, 180, 270), (False, True))):
            path = write_video(tmp_path / f"clip{number}.{suffix}", [cornered()] * 3, display=display)
            frames, _ = read(path)
            assert frames[0].image.shape == ((64, 48, 3) if display[0] % 180 else (48, 64, 3))
            assert corners_of(frames[0].image) == by_matrix(path)
            assert len(frames) == 3
            seen.add(tuple(corners_of(frames[0].image)))
        assert len(seen) == 8, "a mirror is not a turn"

    @pytest.mark.parametrize("matrix", [(1, 1, -1, 1), (1, 0, 0, 2), (0, 0, 0, 0), (0.5, 0.1, 0, 0.5)])
    def test_anything_else_is_refused(self, matrix: tuple[float, ...]) -> None:
        a, b, c, d = (round(number * 65536) for number in matrix)
        with pytest.raises(
            VideoError, match=r"skewed\.mp4 is to be shown turned or skewed.*re-encode it upright"
        ):
            orientation_of_matrix(struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30), "skewed.mp4")


def by_matrix(path: Path) -> list[str]:
    """The corners as the standard's formula moves them, point by point, from the file's own matrix."""
    from av.sidedata.sidedata import Type

    with av.open(str(path)) as container:
        side_data = next(container.decode(video=0)).side_data.get(Type.DISPLAYMATRIX)
    matrix = (
        np.eye(3) * 65536 if side_data is None else np.frombuffer(bytes(side_data), np.int32).reshape(3, 3)
    )
    seen = {}
    for name, (p, q) in {"red": (-1, -1), "green": (1, -1), "blue": (-1, 1), "black": (1, 1)}.items():
        x, y, _ = np.array([p, q, 0]) @ matrix / 65536
        seen[round(float(y)), round(float(x))] = name
    return [seen[place] for place in sorted(seen)]


class TestAspect:
    @pytest.mark.parametrize(
        ("aspect", "size"), [((2, 1), (128, 48)), ((1, 2), (64, 96)), ((4, 3), (85, 48)), ((1, 1), (64, 48))]
    )
    def test_pixels_are_made_square(
        self, tmp_path: Path, aspect: tuple[int, int], size: tuple[int, int]
    ) -> None:
        path = write_video(tmp_path / "dv.mp4", [cornered()] * 2, sample_aspect_ratio=Fraction(*aspect))
        frames, _ = read(path)
        assert (frames[0].width_px, frames[0].height_px) == size
        assert corners_of(frames[0].image) == ["red", "green", "blue", "black"]

    def test_absurd_pixels_are_refused(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "dv.mp4", [cornered()], sample_aspect_ratio=Fraction(40, 1))
        with pytest.raises(VideoError, match="pixels 40 times as wide as high"):
            read(path)


class TestCovers:
    @pytest.mark.parametrize("is_cover", [True, False])
    def test_a_cover_is_no_video_and_a_second_video_is_told(self, tmp_path: Path, is_cover: bool) -> None:
        images = busy(5)
        with av.open(str(tmp_path / "film.mp4"), "w") as container:
            cover = container.add_stream("mjpeg", rate=1)
            cover.height, cover.width, cover.pix_fmt = 96, 96, "yuvj420p"
            film = container.add_stream("libx264", rate=25)
            film.height, film.width, film.pix_fmt = 128, 128, "yuv420p"
            if is_cover:
                cover.disposition = av.stream.Disposition.attached_pic.value  # as old PyAVs ask
            for stream, pictures in ((cover, [np.zeros((96, 96, 3), np.uint8)]), (film, images)):
                for index, image in enumerate(pictures):
                    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                    picture.pts = index
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))
        frames, notes = read(tmp_path / "film.mp4")
        if is_cover:
            assert ([frame.image.shape for frame in frames], notes) == ([images[0].shape] * 5, [])
        else:
            assert len(frames) == 1
            assert any("holds 2 videos; the first one is read" in note for note in notes)


class TestClock:
    def milliseconds(self, frames: list[Frame]) -> list[int]:
        return [round(frame.t_ns / 1e6) for frame in frames]

    def test_two_recordings_in_one_transport_stream(self, tmp_path: Path) -> None:
        one = write_video(tmp_path / "one.ts", shades(5), options={"bf": "0"})
        two = write_video(tmp_path / "two.ts", shades(5), options={"bf": "0"})
        (tmp_path / "both.ts").write_bytes(one.read_bytes() + two.read_bytes())
        frames, notes = read(tmp_path / "both.ts")
        times = self.milliseconds(frames)
        assert np.diff(times).tolist() == [40] * 9
        assert len(notes) == 1
        assert "went back or stood still 1 times; time went on" in notes[0]

    def test_stamps_that_repeat_and_jump(self, tmp_path: Path) -> None:
        stamps_ms = [0, 40, 80, 80, 160, 1000, 1040]
        path = write_video(tmp_path / "vfr.mkv", shades(7), stamps=stamps_ms, rate=1000, options={"bf": "0"})
        frames, _ = read(path)
        assert self.milliseconds(frames)[4:] == [160, 1000, 1040], "gaps are kept"
        assert all(before.t_ns < after.t_ns for before, after in pairwise(frames))

    @pytest.mark.parametrize(
        ("stamps_s", "ticks_ms"),
        [
            ([-0.08, -0.04, 0.0], [0, 40, 80]),
            ([1.0, 1.04, None, 1.12], [1000, 1040, 1080, 1120]),
            ([None, None, None], [0, 40, 80]),
            ([0, 0, 0, 0], [0, 40, 80, 120]),
            ([0, 0.04, 0.08, -95443.0, -95442.96], [0, 40, 80, 120, 160]),
            ([0, 1e300, float("nan"), 0.2], [0, 40, 80, 200]),
        ],
    )
    def test_forward_only(self, stamps_s: list[float | None], ticks_ms: list[int]) -> None:
        clock = ForwardClock(25.0)
        assert [round(clock.tick(stamp_s) / 1e6) for stamp_s in stamps_s] == ticks_ms

    @pytest.mark.parametrize(("suffix", "codec"), [("h264", "libx264"), ("mjpeg", "mjpeg")])
    def test_raw_streams_have_no_clock_and_say_so(self, tmp_path: Path, suffix: str, codec: str) -> None:
        path = write_video(tmp_path / f"raw.{suffix}", shades(4), codec)
        frames, notes = read(path)
        assert self.milliseconds(frames) == [0, 40, 80, 120]
        assert "has no clock: 25 frames/s are assumed; say it with --fps" in notes[0]
        frames, notes = read(path, frames_per_second=100.0)
        assert self.milliseconds(frames) == [0, 10, 20, 30]
        assert notes == []

    def test_a_camera_has_its_own_pace(self) -> None:
        with pytest.raises(UsageError, match="leave --fps out"):
            open_source("0", 30.0)


class TestDamage:
    def corrupted(self, path: Path, picture: int, count: int = 40) -> Path:
        """A copy in which bytes in the middle of one picture are flipped."""
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            place = next(p.pos + p.size // 2 for p in packets if p.pts * p.time_base * 25 == picture)
        content = bytearray(path.read_bytes())
        for at in range(place, place + count):
            content[at] ^= 0x5A
        copy = path.with_stem("corrupt")
        copy.write_bytes(content)
        return copy

    @pytest.mark.parametrize("side", [128, 1056])  # decoded by one thread; by several
    def test_corrupt_frames_are_rows_and_the_others_are_kept(self, tmp_path: Path, side: int) -> None:
        count = 30 if side == 128 else 12
        whole = write_video(
            tmp_path / "whole.mp4",
            busy(count, side),
            options={"g": str(count // 3), "bf": "0", "preset": "ultrafast"},
        )
        good, _ = read(whole)
        frames, _ = read(self.corrupted(whole, count // 3))
        assert [frame.index for frame in frames] == list(range(count))
        assert [frame.t_ns for frame in frames] == [frame.t_ns for frame in good]
        damaged = [frame.index for frame in frames if frame.damage]
        assert damaged == list(range(count // 3, 2 * count // 3)), "until the next whole picture"
        for frame, known in zip(frames, good, strict=True):
            assert frame.damage.startswith("damaged frame: ") or np.array_equal(frame.image, known.image)

    def test_a_packet_that_gives_no_picture_is_a_row(self, tmp_path: Path) -> None:
        whole = write_video(tmp_path / "whole.mp4", busy(20), options={"g": "10", "bf": "0"})
        with av.open(str(whole)) as container:
            packet = [packet for packet in container.demux(video=0) if packet.size][4]
        content = bytearray(whole.read_bytes())
        content[packet.pos : packet.pos + packet.size] = bytes(packet.size)
        (tmp_path / "hole.mp4").write_bytes(content)
        frames, _ = read(tmp_path / "hole.mp4")
        assert len(frames) == 20
        assert [frame.index for frame in frames if frame.damage] == [4, 5, 6, 7, 8, 9]
        assert [round(frame.t_ns / 4e7) for frame in frames] == list(range(20))

    @pytest.mark.parametrize(("suffix", "faststart"), [("mp4", True), ("mkv", False), ("avi", False)])
    def test_a_cut_file_gives_its_rows_and_a_line(self, tmp_path: Path, suffix: str, faststart: bool) -> None:
        whole = write_video(
            tmp_path / f"whole.{suffix}",
            busy(40),
            options={"g": "10", "bf": "0"},
            container_options={"movflags": "+faststart"} if faststart else None,
        )
        cut = tmp_path / f"cut.{suffix}"
        cut.write_bytes(whole.read_bytes()[: int(0.55 * whole.stat().st_size)])
        frames, notes = read(cut)
        shown = [frame for frame in frames if not frame.damage]
        assert 15 <= len(shown) <= 23
        for frame, known in zip(shown, read(whole)[0], strict=False):
            assert np.array_equal(frame.image, known.image)
        assert (
            suffix == "avi"
            or any("it is cut off, or was edited" in note for note in notes)
            or len(frames) > 35
        )

    def test_ten_bits_in_sixteen(self, tmp_path: Path) -> None:
        ramp = np.tile(np.linspace(0, 1020, 64).astype(np.uint16), (48, 1))
        path = write_video(tmp_path / "infrared.mkv", [ramp, ramp // 8], codec="ffv1", pix_fmt="gray16le")
        frames, _ = read(path)
        assert np.array_equal(frames[0].image[..., 1], (ramp >> 2).astype(np.uint8))
        assert np.array_equal(frames[1].image[..., 1], (ramp // 8 >> 2).astype(np.uint8)), (
            "a dark frame is no other depth"
        )


class TestPlaces:
    def test_fifo_and_standard_input(self, tmp_path: Path) -> None:
        content = write_video(tmp_path / "clip.ts", shades(5)).read_bytes()
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
        writer.start()
        with open_source(str(tmp_path / "pipe")) as source:
            assert len(list(source)) == 5
        writer.join(timeout=10)
        saved = os.dup(0)
        with (tmp_path / "clip.ts").open("rb") as file:
            os.dup2(file.fileno(), 0)
        try:
            with open_source("-") as source:
                assert source.name == "standard input"
                assert len(list(source)) == 5
        finally:
            os.dup2(saved, 0)
            os.close(saved)

    @pytest.mark.parametrize("place", ["", "nowhere.mp4"])
    def test_what_is_not_there(self, place: str) -> None:
        with pytest.raises(
            InputError, match="expected a picture, a folder of pictures, a video file, a camera"
        ):
            open_source(place)

    def test_links_to_cameras_are_cameras(self, tmp_path: Path) -> None:
        (tmp_path / "usb-camera").symlink_to("/dev/null")
        assert open_source(str(tmp_path / "usb-camera")).name == "camera /dev/null"

    def test_nobody_answers(self) -> None:
        for place in ("rtsp://127.0.0.1:9/stream", "http://127.0.0.1:9/video"):
            with (
                pytest.raises(DeviceError, match="does not open as a video: Connection refused"),
                open_source(place),
            ):
                pass

    def test_a_file_over_http_is_read_whole(self, tmp_path: Path) -> None:
        content = write_video(
            tmp_path / "clip.mp4", shades(5), container_options={"movflags": "+faststart"}
        ).read_bytes()
        with served(content, "video/mp4") as address, open_source(address) as source:
            assert not source.is_live
            assert len(list(source)) == 5

    @pytest.mark.parametrize("then", ["breaks", "falls silent"])
    def test_a_network_camera_is_live_and_its_end_is_told(
        self, then: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Pictures one after the other, as webcams send them over HTTP, until the connection dies."""
        monkeypatch.setattr(video, "READ_TIMEOUT_S", 0.5)
        parts = b""
        for image in shades(8):
            jpeg = encode_jpeg(image)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            parts += head.encode() + jpeg + b"\r\n"
        kind = "multipart/x-mixed-replace; boundary=frame"
        frames: list[Frame] = []
        silent_s = 2.0 if then == "falls silent" else 0.0
        with served(parts, kind, silent_s) as address, open_source(address) as source:
            assert source.is_live
            with pytest.raises(
                DeviceError, match=r"^http://\S* (breaks after \d frames|sent nothing for 0.5 s)"
            ):
                frames.extend(source)
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert all(before.t_ns < after.t_ns for before, after in pairwise(frames))
        assert frames

    @pytest.mark.parametrize("then", ["ends", "breaks", "falls silent"])
    def test_an_rtsp_camera_that_dies(self, then: Then, monkeypatch: pytest.MonkeyPatch) -> None:
        """Over a real connection, by FFmpeg's client: the frames until then, and one line."""
        monkeypatch.setattr(video, "READ_TIMEOUT_S", 1.0)
        frames: list[Frame] = []
        with RtspServer(rtp_packets(shades(12)), then) as address, open_source(address) as source:
            assert source.is_live
            with pytest.raises(DeviceError, match=r"^rtsp://\S* (ended$|sent nothing for 1 s, after \d+)"):
                frames.extend(source)
        assert frames
        assert frames[0].image.shape == shades(1)[0].shape
        assert all(before.t_ns < after.t_ns for before, after in pairwise(frames))

    def test_mirrored_is_mirrored_back(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "clip.mp4", [cornered()[:, ::-1].copy()] * 2)
        with MirroredSource(VideoSource(path)) as source:
            frames = list(source)
        assert corners_of(frames[0].image) == ["red", "green", "blue", "black"]
        assert (source.frame_count, source.frames_per_second) == (2, 25.0)


class served:
    """A server on this machine that gives one answer to whoever asks, and its address."""

    def __init__(self, content: bytes, kind: str, silent_s: float = 0.0) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                if not kind.startswith("multipart"):
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
                time.sleep(silent_s)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/video"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
