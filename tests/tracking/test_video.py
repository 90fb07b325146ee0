"""Written videos: what browsers play, at the pace they were shot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.tracking.conftest import sample, shades
from tinytracker.domain import Frame
from tinytracker.errors import OutputError
from tinytracker.tracking.video import VideoSink, VideoWriter


def test_h264_yuv420p_with_its_index_in_front(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path) as video:
        for index, image in enumerate(shades(10)):
            video.write_picture(image, index * 40_000_000)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    assert [round(float(frame.to_ndarray(format="rgb24").mean()) / 20) for frame in frames] == list(
        range(1, 11)
    )


def test_real_pace_is_kept(tmp_path: Path) -> None:
    """A camera slows down in the dark: times, not frame numbers, go into the file; they start at 0."""
    path = tmp_path / "clip.mp4"
    times_ms = [7000, 7033, 7100, 7500]
    with VideoWriter(path) as video:
        for image, milliseconds in zip(shades(4), times_ms, strict=True):
            video.write_picture(image, milliseconds * 1_000_000)
    with av.open(str(path)) as container:
        got = [round(frame.time * 1000) for frame in container.decode(video=0)]
    assert got == [0, 33, 100, 500]


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path) as video:
        video.write_picture(shades(1, height=49, width=65)[0], 0)
    with av.open(str(path)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)


def test_pictures_of_different_sizes_are_refused(tmp_path: Path) -> None:

    def write() -> None:
        with VideoWriter(tmp_path / "clip.mp4") as video:
            video.write_picture(shades(1)[0], 0)
            video.write_picture(shades(1, height=96, width=128)[0], 1)

    with pytest.raises(OutputError, match="128 x 96 after one of 64 x 48"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_video_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="would hold no picture"), VideoWriter(tmp_path / "clip.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_annotated_frames_are_written(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    frame = Frame(np.zeros((240, 320, 3), np.uint8), 0, 0)
    with VideoSink(path) as sink:
        sink.write(frame, sample())
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.max() > 150
    assert frame.image.max() == 0
