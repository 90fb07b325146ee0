"""The camera source against captures that behave like drivers do, badly too."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from tinytracker.errors import DeviceError
from tinytracker.tracking.sources.camera import CameraSource


class FakeCapture:
    """Gives `frames` pictures of growing brightness, `pause_s` apart, then fails like an unplugged camera."""

    def __init__(self, frames: int, pause_s: float = 0.0, opened: bool = True) -> None:
        self.frames, self.pause_s, self.opened = frames, pause_s, opened
        self.given = 0
        self.released = threading.Event()

    def isOpened(self) -> bool:
        return self.opened

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self.pause_s)
        if self.given >= self.frames:
            return False, None
        self.given += 1
        picture = np.zeros((4, 6, 3), np.uint8)
        picture[..., 0] = self.given  # blue, as OpenCV orders it
        return True, picture

    def release(self) -> None:
        self.released.set()


def test_frames_carry_the_monotonic_clock_and_rgb() -> None:
    capture = FakeCapture(frames=1000, pause_s=0.002)
    before = time.monotonic_ns()
    with CameraSource(0, open_capture=lambda device: capture) as source:
        frames = [frame for frame, _ in zip(source, range(3), strict=False)]
    assert source.is_live
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert before < frames[0].t_ns < frames[1].t_ns < frames[2].t_ns < time.monotonic_ns()
    assert frames[0].image[0, 0, 0] == 0
    assert frames[0].image[0, 0, 2] >= 1
    assert capture.released.wait(1.0)


def test_slow_reader_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    capture = FakeCapture(frames=40, pause_s=0.001)
    with CameraSource(0, timeout_s=0.2, open_capture=lambda device: capture) as source:
        frames = iter(source)
        next(frames)
        time.sleep(0.15)
        assert next(frames).image[0, 0, 2] == 40
    assert source.dropped > 20


def test_silent_camera_is_noticed() -> None:
    with (
        CameraSource(2, timeout_s=0.05, open_capture=lambda device: FakeCapture(frames=0)) as source,
        pytest.raises(DeviceError, match=r"camera 2 gave no frame for 0\.05 s"),
    ):
        next(iter(source))


def test_driver_that_hangs_while_opening_is_noticed() -> None:
    def hang(device: int | str) -> FakeCapture:
        time.sleep(0.5)
        return FakeCapture(frames=1)

    began = time.monotonic()
    with (
        pytest.raises(DeviceError, match="gave no frame"),
        CameraSource(0, timeout_s=0.05, open_capture=hang) as source,
    ):
        next(iter(source))
    assert time.monotonic() - began < 2


def test_camera_unplugged_on_the_way() -> None:
    with CameraSource(
        "/dev/video7", timeout_s=0.1, open_capture=lambda device: FakeCapture(frames=1)
    ) as source:
        frames = iter(source)
        next(frames)
        with pytest.raises(DeviceError, match="/dev/video7 gave no frame"):
            next(frames)


def test_missing_camera() -> None:
    with (
        CameraSource(9, open_capture=lambda device: FakeCapture(frames=1, opened=False)) as source,
        pytest.raises(DeviceError, match="camera 9 does not open"),
    ):
        next(iter(source))


def test_camera_that_really_is_not_there() -> None:
    with (
        CameraSource("/dev/video99", timeout_s=5) as source,
        pytest.raises(DeviceError, match="/dev/video99 does not open"),
    ):
        next(iter(source))


def test_opencv_adds_no_lines_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with CameraSource(99, timeout_s=5) as source, pytest.raises(DeviceError, match="camera 99 does not open"):
        next(iter(source))
    assert capfd.readouterr().err == ""


def frame_of(raw: np.ndarray) -> np.ndarray:
    class Capture(FakeCapture):
        def read(self) -> tuple[bool, np.ndarray | None]:
            came, _ = super().read()
            return came, raw if came else None

    with CameraSource(0, timeout_s=1, open_capture=lambda device: Capture(frames=1)) as source:
        return next(iter(source)).image


def test_what_cameras_give_becomes_rgb() -> None:
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    for raw in (grey, grey[..., None], grey.astype(np.uint16) * 16):
        assert np.array_equal(
            frame_of(raw), np.repeat((grey if raw.dtype == np.uint8 else grey * 4)[..., None], 3, axis=2)
        )
    assert frame_of(np.full((4, 6, 4), (10, 20, 30, 255), np.uint8))[0, 0].tolist() == [30, 20, 10]
    yuyv = np.full((4, 6, 2), 128, np.uint8)
    yuyv[..., 0] = 200
    assert abs(int(frame_of(yuyv).mean()) - 214) <= 1  # (200 - 16) * 255 / 219


@pytest.mark.parametrize(
    "raw", [np.zeros((1, 614400), np.uint8), np.zeros((4, 6, 5), np.uint8), np.zeros((4, 6), np.float32)]
)
def test_what_is_no_picture_is_one_line(raw: np.ndarray) -> None:
    with pytest.raises(DeviceError, match=r"camera 0 (gives frames of shape|a frame holds values of type)"):
        frame_of(raw)


def test_empty_frames_are_waited_out() -> None:
    with pytest.raises(DeviceError, match="gave no frame"):
        frame_of(np.zeros((0, 0, 3), np.uint8))


def test_infrared_depth_does_not_jump_with_the_light() -> None:
    pictures = [np.full((4, 6), value, np.uint16) for value in (1000, 100, 4000, 1000)]

    class Infrared(FakeCapture):
        def read(self) -> tuple[bool, np.ndarray | None]:
            time.sleep(0.05)
            return (True, pictures.pop(0)) if pictures else (False, None)

    with CameraSource(0, timeout_s=1, open_capture=lambda device: Infrared(1)) as source:
        values = [int(frame.image[0, 0, 0]) for _, frame in zip(range(4), source, strict=False)]
    assert values == [250, 25, 250, 62]
