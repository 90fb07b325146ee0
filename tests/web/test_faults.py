"""What goes wrong in a real browser: each fault is a clear line, and nothing recorded is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.tracking.test_camera import FakeCapture
from tests.web.browser import Watched, chromium, serving
from tinytracker.session.reader import read_session
from tinytracker.tracking.pipeline import run
from tinytracker.tracking.sources import open_source
from tinytracker.tracking.sources.camera import CameraSource
from tinytracker.web.live import Live, LiveOptions


class PortraitCapture(FakeCapture):
    """A camera that shows a portrait until it is unplugged."""

    def __init__(self, picture: np.ndarray) -> None:
        super().__init__(frames=10**9, pause_s=0.05)
        self.picture = np.ascontiguousarray(picture[..., ::-1])
        self.unplugged = threading.Event()

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self.pause_s)
        return (False, None) if self.unplugged.is_set() else (True, self.picture)


@pytest.fixture
def clip(tmp_path: Path, portrait: np.ndarray) -> Path:
    """A short video of the portrait that moves a little."""
    return write_clip(tmp_path / "me.mp4", portrait)


def write_clip(path: Path, portrait: np.ndarray, codec: str = "libx264", frames: int = 30) -> Path:
    """480 x 640 pictures, a pixel further each time, at a bit rate that leaves the eyes alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = 640, 480
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 40_000_000
        stream.codec_context.time_base = Fraction(1, 10)
        for index in range(frames):
            canvas = np.full((480, 640, 3), 90, np.uint8)
            left = 64 + index % 15
            canvas[:, left : left + 512] = portrait[:480, :512]
            picture = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def test_camera_is_unplugged_and_comes_back(tmp_path: Path, portrait: np.ndarray) -> None:
    cameras = [PortraitCapture(portrait), PortraitCapture(portrait)]
    live = Live(LiveOptions(source="0", folder=tmp_path))
    opened: Iterator[PortraitCapture] = iter(cameras)
    live.tracking.use(lambda: CameraSource(0, 3.0, lambda device: next(opened)))
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#preview-caption", "cm away")
        watched.press("r")
        watched.wait_for_rows(1)
        cameras[0].unplugged.set()
        assert "loose?" in watched.see("#notice", "gave no frame")
        watched.shot("unplugged")
        watched.see("#preview-caption", "cm away")
        watched.page.locator("#notice").wait_for(state="hidden", timeout=20_000)
        watched.press("r")
        watched.see("#notice", "Recorded")
    session = read_session(next(tmp_path.iterdir()))
    assert len(session.events_of("gap")) == 1
    gap_ns = session.events_of("gap")[0].t_ns
    assert session.rows["t_ns"][0] < gap_ns < session.rows["t_ns"][-1]


def test_server_is_killed_while_it_records(tmp_path: Path, clip: Path) -> None:
    code = f"""
from pathlib import Path
from tinytracker.web.live import Live, LiveOptions
live = Live(LiveOptions(source={str(clip)!r}, folder=Path({str(tmp_path / "sittings")!r})))
print(live.address, flush=True)
live.run()
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert child.stdout is not None
    address = child.stdout.readline().strip()
    try:
        with chromium() as browser:
            watched = Watched(browser)
            watched.page.goto(address)
            watched.see("#preview-caption", "cm away")
            watched.press("r")
            watched.wait_for_rows(1)
            watched.press("4")
            watched.wait_for_rows(8)
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert "trying again" in watched.see("#notice", "No connection")
    finally:
        child.kill()
        child.communicate()
    session = read_session(next((tmp_path / "sittings").iterdir()))
    assert not session.info.closed
    assert len(session.rows) >= 5
    assert session.rows["valid"].mean() > 0.5
    assert [event.label for event in session.events_of("trigger")] == ["4"]


def accept(watched: Watched, then: str) -> None:
    """Accepts the dot that is shown, as soon as the camera has given enough frames of it."""
    words = watched.page.locator("#stage-words")
    for _ in range(30):
        watched.page.wait_for_timeout(900)
        if then in words.inner_text():
            return
        watched.press("Space")
    watched.see("#stage-words", then)


def test_reload_amid_dots_two_pages_and_a_wrong_token(tmp_path: Path, clip: Path) -> None:
    live = Live(LiveOptions(source=str(clip), folder=tmp_path))
    with chromium() as browser, serving(live):
        wrong = Watched(browser)
        wrong.page.goto(live.address.replace("#", "#x"))
        assert "another run" in wrong.see("#notice", "another run")
        wrong.context.close()

        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#preview-caption", "cm away")
        watched.press("Space")
        watched.page.locator("input[name=pace][value=space]").focus()
        watched.press("Space")
        watched.page.locator("#dots-title").focus()
        watched.press("Space")
        watched.see("#stage-words", "1 of 5")
        accept(watched, "2 of 5")

        second = watched.context.new_page()
        second.goto(live.address.split("#")[0])
        second.locator("#take-over").wait_for(state="visible")
        assert "Another page has this sitting" in second.locator("#notice").inner_text()
        second.close()

        watched.page.reload()
        watched.see("#stage-words", "2 of 5")
        accept(watched, "3 of 5")
        watched.press("Escape")
        watched.see("#dots-title")
        assert live.sitting.calibrating.show is None


def test_browsers_camera_sees_what_track_sees(tmp_path: Path, portrait: np.ndarray) -> None:
    """The page's gaze lies where `track` on the same file has it. It is uncompressed: Chromium's fake camera
    takes the full range of JPEGs for a video's."""
    clip = write_clip(tmp_path / "me.y4m", portrait, "wrapped_avframe")
    live = Live(LiveOptions(frames_by="browser", folder=tmp_path / "sittings"))
    seen: list[tuple[float, float]] = []
    passed_on = live.sitting.seen

    def note(frame, sample) -> None:  # type: ignore[no-untyped-def]
        if sample.raw_x_deg is not None:
            seen.append((sample.raw_x_deg, sample.raw_y_deg))
        passed_on(frame, sample)

    live.sitting.seen = note  # type: ignore[method-assign]
    flags = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    ]
    with chromium(*flags) as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#preview-caption", "cm away")
        watched.press("r")
        for _ in range(600):
            watched.page.wait_for_timeout(100)
            if len(seen) >= 40:
                break
        watched.press("r")
        watched.see("#notice", "Recorded")
        assert watched.problems == []
    assert len(seen) >= 40

    class Kept:
        rows: list[tuple[float, float]] = []  # noqa: RUF012
        distances: list[float] = []  # noqa: RUF012

        def write(self, frame, sample) -> None:  # type: ignore[no-untyped-def]
            if sample.raw_x_deg is not None:
                self.rows.append((sample.raw_x_deg, sample.raw_y_deg))
                self.distances.append(sample.distance_cm)

    from tinytracker.engines.model import GazeModel
    from tinytracker.tracking.assemble import build_pipeline

    with open_source(str(clip)) as source:
        run(build_pipeline(GazeModel.load("tinytracker-eyes")), source, [Kept()])  # type: ignore[list-item]
    apart_deg = np.linalg.norm(np.array(seen)[:, None] - np.array(Kept.rows)[None], axis=2).min(axis=1)
    assert np.median(np.tan(np.radians(apart_deg))) * np.median(Kept.distances) <= 0.6
    session = read_session(next((tmp_path / "sittings").iterdir()))
    assert session.info.camera.frames_by == "browser"
    assert session.info.clock_offsets
    assert re.fullmatch(r"[0-9a-f]{64}", session.info.model_sha256)
