"""The page's parts alone: streams as others read them, lamps, dots being shown, drift, screens, frames of
the browser."""

from __future__ import annotations

import json
import math
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.tracking.conftest import face_at, sample
from tests.web.xdf import write_xdf
from tinytracker.calibration.layouts import layout
from tinytracker.devices import sized_device
from tinytracker.domain import Frame, GazePoint, GazeSample
from tinytracker.engines.model import GazeModel
from tinytracker.errors import UsageError
from tinytracker.session.events import Event
from tinytracker.session.folder import CameraInfo
from tinytracker.tracking.assemble import build_pipeline
from tinytracker.web.browser import HEADER, BrowserSource
from tinytracker.web.drift import HeadWatch
from tinytracker.web.lamps import Lamp, lamps
from tinytracker.web.lightlog import LightLog
from tinytracker.web.live import Live
from tinytracker.web.pursuing import Pursuit
from tinytracker.web.screens import CARD_WIDTH_CM, PageScreen, find_screen, screen_of_width
from tinytracker.web.showing import DotShow
from tinytracker.web.streams import LSL_CHANNELS, LslStream, UdpStream
from tinytracker.web.tracking import PacedSource, TrackingThread

SCREEN = replace(sized_device("laptop", 34.0, 19.1), width_points=1280, height_points=720)
MS = 1_000_000


# --- streams ---


def test_udp_sends_what_the_docs_say() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        stream = UdpStream("127.0.0.1", receiver.getsockname()[1])
        stream.send(sample(3), SCREEN)
        stream.send(sample(4, valid=False), SCREEN)
        stream.mark(Event(7, "trigger", label="1"))
        seen, lost, mark = (json.loads(receiver.recv(4096)) for _ in range(3))
        stream.close()
    assert seen["t_ns"] == 3 * 33_000_000
    assert seen["norm_x"] == pytest.approx(512.3 / 1280, abs=1e-4)
    assert (lost["valid"], lost["reason"], lost["x_px"]) == (False, "no face", None)
    assert (mark["type"], mark["label"]) == ("trigger", "1")


def test_lsl_as_an_inlet_and_pyxdf_read_it(tmp_path: Path) -> None:
    """Channels by the Gaze meta-data, time stamps unchanged, lost frames as NaN with confidence 0, events as
    markers."""
    pylsl = pytest.importorskip("pylsl", reason="pylsl is not installed: pip install 'tinytracker[lsl]'")
    name = f"test {time.monotonic_ns()}"
    stream = LslStream(name)
    try:
        found = pylsl.resolve_byprop("source_id", f"tinytracker-{name}", 1, 10)
        marks = pylsl.resolve_byprop("source_id", f"tinytracker-{name}-events", 1, 10)
        if not found or not marks:
            pytest.skip("LSL finds no streams on this machine: multicast is off")
        inlet, mark_inlet = pylsl.StreamInlet(found[0]), pylsl.StreamInlet(marks[0])
        inlet.open_stream(10)
        mark_inlet.open_stream(10)
        info = inlet.info(10)
        assert (info.type(), info.channel_count()) == ("Gaze", len(LSL_CHANNELS))
        labels, channel = [], info.desc().child("channels").child("channel")
        while not channel.empty():
            labels.append(channel.child_value("label"))
            channel = channel.next_sibling()
        assert labels == [label for label, *_ in LSL_CHANNELS]
        time.sleep(0.2)
        now_ns = time.monotonic_ns()
        stream.send(replace(sample(), t_ns=now_ns), SCREEN)
        stream.send(GazeSample(1, now_ns + MS, None, None, reason="no face"), SCREEN)
        stream.mark(Event(now_ns, "trigger", label="picture"))
        first, at = inlet.pull_sample(10)
        lost, lost_at = inlet.pull_sample(10)
        mark, mark_at = mark_inlet.pull_sample(10)
        infos = [info.as_xml(), mark_inlet.info(10).as_xml()]
    finally:
        stream.close()
    write_xdf(tmp_path / "a.xdf", [(infos[0], [(first, at), (lost, lost_at)]), (infos[1], [(mark, mark_at)])])
    pyxdf = pytest.importorskip("pyxdf", reason="pyxdf is not installed")
    (gaze, markers), _ = pyxdf.load_xdf(
        tmp_path / "a.xdf", synchronize_clocks=False, dejitter_timestamps=False
    )
    described = gaze["info"]["desc"][0]["channels"][0]["channel"]
    assert [channel["label"][0] for channel in described] == [label for label, *_ in LSL_CHANNELS]
    assert [channel["unit"][0] for channel in described] == [unit for *_, unit, _ in LSL_CHANNELS]
    np.testing.assert_array_equal(gaze["time_series"], [first, lost])
    assert gaze["time_stamps"].tolist() == [at, lost_at]
    assert markers["info"]["type"] == ["Markers"]
    assert json.loads(markers["time_series"][0][0])["type"] == "trigger"
    assert at == pytest.approx(now_ns / 1e9, abs=2e-3)
    assert mark_at == pytest.approx(now_ns / 1e9, abs=2e-3)
    values = dict(zip(labels, first, strict=True))
    assert values["norm_pos_x"] == pytest.approx(512.3 / 1280)
    assert values["x_deg"] == pytest.approx(1.7142)
    assert values["distance_mm"] == pytest.approx(412.6)
    assert values["device_time"] == pytest.approx(now_ns / 1e9, abs=1e-6)
    assert dict(zip(labels, lost, strict=True))["confidence"] == 0.0
    assert math.isnan(lost[0])
    assert json.loads(mark[0])["label"] == "picture"


# --- lamps ---


def lamp_of(image: np.ndarray, name: str, face: Any = None, **known: Any) -> Lamp:
    known = {"distance_cm": 55.0, "frames_per_second": 30.0} | known
    found = lamps(image, face if face is not None else face_at(320, 200, 80), **known)
    return next(lamp for lamp in found if lamp.name == name)


def lit(face: int = 130, around: int = 120, left: int | None = None) -> np.ndarray:
    """A grey picture with a face of one brightness (or its left half of another) at the middle."""
    image = np.full((480, 640, 3), around, np.uint8)
    image[60:400, 180:460] = face
    if left is not None:
        image[60:400, 180:320] = left
    return image


def test_lamps_say_what_would_help() -> None:
    assert lamp_of(lit(), "light") == Lamp("light", "good", "even")
    assert "from behind" in lamp_of(lit(70, 230), "light").words
    assert "too dark" in lamp_of(lit(30, 30), "light").words
    assert "too bright" in lamp_of(lit(240, 240), "light").words
    assert (
        "your right only" in lamp_of(lit(70, 90, left=190), "light").words
    )  # the picture's left is the person's right
    assert lamp_of(lit(), "glare").state == "good"
    shiny = lit()
    shiny[190:215, 340:375] = 255
    assert "glasses" in lamp_of(shiny, "glare").words
    assert lamp_of(lit(), "eyes").state == "good"
    small = lamp_of(lit(), "eyes", face_at(320, 200, 30))
    assert (small.state, "about 14 cm" in small.words) == ("poor", True)
    assert lamp_of(lit(), "distance", distance_cm=95.0).state == "poor"
    assert lamp_of(lit(), "rate", frames_per_second=0.0).state == "off"
    nobody = lamps(lit(), None, None, 30.0, "no face")
    assert nobody[0].state == "poor"
    assert {lamp.state for lamp in nobody[1:5]} == {"off"}


def test_the_rate_lamp_tells_a_dark_room_from_a_slow_computer() -> None:
    slow = {"frames_per_second": 9.0}
    assert "lower resolution" in lamp_of(lit(), "rate", **slow).words
    assert "a lamp in front" in lamp_of(lit(75, 70), "rate", **slow).words
    busy = lamp_of(lit(75, 70), "rate", **slow, slow="computer")
    assert ("close other programs" in busy.words, "lamp" in busy.words) == (True, False)
    drawn = lamp_of(lit(), "rate", **slow, slow="renderer")
    assert drawn == Lamp("rate", "poor", "9 frames/s: this computer draws the demo's person no faster")
    assert "a lamp in front" in lamps(lit(30, 30), None, None, 9.0, "no face")[-1].words


def test_a_computer_that_frames_wait_for_is_what_slows_them(live: Live) -> None:
    """Frames that find it hardly idle; the demo's person is drawn here."""
    sitting, image = live.sitting, lit()
    now_ns = time.monotonic_ns()
    for index in range(8):  # a minute between them
        sitting.seen(Frame(image, index, now_ns + index * 60_000 * MS), sample(index, valid=False))
    assert sitting.slowed_by == "camera"
    for index in range(8, 40):  # all of before the first one was done with
        sitting.seen(Frame(image, index, now_ns + index), sample(index, valid=False))
    assert sitting.slowed_by == "computer"
    sitting.camera = CameraInfo("rendered person 32", "renderer")
    assert sitting.slowed_by == "renderer"
    live._listener.close()


def test_the_light_is_kept_once_and_when_it_has_changed_for_good() -> None:
    log, even, dark = LightLog(), [Lamp("light", "good", "even")], [Lamp("light", "poor", "too dark: a lamp")]
    assert log.saw([Lamp("light", "off", "no face yet")], 0) == ""
    assert log.saw(even, 1 * MS) == "light: even"
    assert log.saw(even, 4000 * MS) == ""
    assert [log.saw(dark, t * MS) for t in (4400, 4800)] == ["", ""]
    assert log.saw(even, 5200 * MS) == ""  # a hand before the lamp
    kept = [log.saw(dark, t * MS) for t in range(6000, 9000, 400)]
    assert kept == ["", "", "", "", "", "light: too dark: a lamp", "", ""]
    log.begin()
    assert log.saw(dark, 9000 * MS) == "light: too dark: a lamp"


# --- dots ---


def looking(t_ms: float, x_deg: float = 1.0, y_deg: float = -8.0) -> GazeSample:
    face, gaze = face_at(), GazePoint(0, 0)
    return GazeSample(
        0, round(t_ms * MS), face, gaze, 55.0, x_deg=x_deg, y_deg=y_deg, raw_x_deg=x_deg, raw_y_deg=y_deg
    )


def gone(t_ms: float) -> GazeSample:
    return GazeSample(0, round(t_ms * MS), None, None, reason="no face")


def run_dot(show: DotShow, begins_ms: float, sample_at: Any, step_ms: float = 33.0) -> float:
    """Shows the current dot until it is done; gives when that was."""
    show.was_shown(show.number, (640, 360), (0.0, -10.0), round(begins_ms * MS))
    for step in range(1000):
        t_ms = begins_ms + step * step_ms
        if show.saw(sample_at(t_ms)):
            return t_ms
    raise AssertionError("the dot never ended")


def test_a_dot_takes_a_second_and_its_first_half_counts_for_nothing() -> None:
    show = DotShow("calibration", layout(3))
    ended = run_dot(show, 0.0, lambda t_ms: looking(t_ms, x_deg=20.0 if t_ms < 500 else 1.0))
    assert 950 <= ended <= 1050
    run_dot(show, 2000, looking)
    run_dot(show, 4000, looking)
    assert show.current is None
    assert len(show.dots) == 3
    assert np.nanmedian(show.dots[0].x_deg[show.dots[0].t_ns >= 500 * MS]) == 1.0
    assert len(show.looks) == 3


def test_a_dot_that_was_not_seen_comes_again_once_and_is_then_left_out() -> None:
    show = DotShow("calibration", layout(3))
    run_dot(show, 0, gone)
    assert show.left == 3
    run_dot(show, 10_000, looking)
    run_dot(show, 20_000, looking)
    assert show.current is not None
    assert show.current.again
    assert show.refused[0] == "the eyes were not seen"
    run_dot(show, 30_000, gone)
    assert show.current is None
    assert len(show.dots) == 2
    assert show.refused[1].startswith("left out")


def test_with_space_a_dot_waits_for_the_person() -> None:
    show = DotShow("calibration", layout(1), "space")
    show.was_shown(0, (640, 360), (0.0, -10.0), 0)
    for step in range(300):
        assert not show.saw(looking(step * 33.0, x_deg=-15.0 if step < 250 else 1.0))
    show.accept(round(299 * 33.0 * MS))
    assert any(show.saw(looking((300 + step) * 33.0)) for step in range(20))
    assert set(show.dots[0].x_deg) == {1.0}


def test_slow_cameras_get_more_time_and_late_messages_are_passed_over() -> None:
    show = DotShow("calibration", layout(3))
    assert run_dot(show, 0, looking, step_ms=250) <= 4500
    assert len(show.dots) == 1
    assert run_dot(DotShow("check", layout(1)), 0, looking, step_ms=700) <= 8000  # 1.4 frames/s
    assert 10_000 <= run_dot(DotShow("check", layout(1)), 0, gone, step_ms=1500) <= 15_000
    assert run_dot(DotShow("check", layout(1)), 0, gone) <= 4700  # who is not there is soon passed over
    show.was_shown(0, (0, 0), (0, 0), 0)  # about the last dot
    assert show.current is not None
    assert show.current.t_shown_ns is None
    before = show.number
    show.was_shown(before, (640, 360), (0.0, -10.0), 9000 * MS)
    show.show_anew()
    assert show.current.t_shown_ns is None
    assert show.number == before + 1


# --- drift, screens, frames ---


def test_a_moving_dot_that_stood_still_is_refused() -> None:
    pursuit = Pursuit(1)
    for k in range(10):
        pursuit.was_shown((float(k), 0.0), k * 50 * MS)
    pursuit.was_shown((50.0, 0.0), 2000 * MS)
    with pytest.raises(UsageError, match="stood still"):
        pursuit.finish()


def test_head_watch() -> None:
    watch = HeadWatch()
    for step in range(40):
        watch.saw(np.array([0.0, 0.0, 60.0]), step * 33 * MS)
    watch.remember()
    assert watch.words == ""
    for step in range(40, 100):
        watch.saw(np.array([9.0, 0.0, 61.0]), step * 33 * MS)
    assert watch.words == "your head moved 9 cm since calibration"
    for step in range(100, 160):
        watch.saw(np.array([0.0, 0.0, 45.0]), step * 33 * MS)
    assert "15 cm nearer" in watch.words
    watch.remember()
    for step in range(20):
        watch.saw(np.array([0.0, 0.0, 45.0]), (30_000 + step * 33) * MS)
    assert "away for" in watch.words
    watch.forget()
    assert watch.words == ""


def test_screens() -> None:
    page = PageScreen(1280, 720)
    given = find_screen(page, SCREEN)
    assert (given.size_from, given.is_known, given.device.screen_width_cm) == ("file", True, 34.0)
    guessed = screen_of_width(page, 33.9, "guess")
    assert not guessed.is_known
    card_px = 1280 * CARD_WIDTH_CM / 31.0
    carded = guessed.with_width(CARD_WIDTH_CM * 1280 / card_px, "card")
    assert carded.device.screen_width_cm == 31.0
    assert carded.device.screen_height_cm == pytest.approx(31.0 * 720 / 1280, abs=0.05)
    assert carded.with_camera(3.0, 0.5).device.camera_to_screen_x_cm == 3.0
    with pytest.raises(UsageError):
        guessed.with_width(1000, "typed")


def test_browser_frames_carry_the_page_clock_and_jumps_fall_back_to_arrival(portrait: np.ndarray) -> None:
    from tinytracker.images import encode_jpeg

    jpeg, source = encode_jpeg(portrait), BrowserSource()
    frames = iter(source)
    source.page_offset_ms = 5000.0
    now_ms = time.monotonic_ns() / 1e6
    source.push(struct.pack(HEADER.format, 1, now_ms + 5000.0 - 40) + jpeg)
    assert next(frames).t_ns / 1e6 == pytest.approx(now_ms - 40, abs=0.01)
    for jump in (-86_400_000.0, 86_400_000.0, float("nan"), float("inf"), 1e300):
        before = time.monotonic_ns()
        source.push(struct.pack(HEADER.format, 2, now_ms + jump) + jpeg)
        assert before <= next(frames).t_ns <= time.monotonic_ns()


class Given:
    """A source that gives these frames, and may be a stream, whose time is the monotonic clock's."""

    name = "given"
    frame_count = frames_per_second = None

    def __init__(self, frames: list[Frame], is_live: bool = False) -> None:
        self.frames, self.is_live = frames, is_live
        self.notes: list[str] = []

    def __enter__(self) -> Given:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)


def test_a_damaged_frame_of_a_video_says_so(portrait: np.ndarray) -> None:
    frames = [Frame(portrait, 0, 0, "a"), Frame(portrait, 1, 1, "a", "damaged frame: it is cut")]
    paced = PacedSource(lambda: Given(frames))
    assert [frame.damage for frame in islice(paced, 4)] == ["", "damaged frame: it is cut"] * 2


def test_a_stream_is_not_slowed_down_by_its_clock(portrait: np.ndarray) -> None:
    now_ns = time.monotonic_ns()
    frames = [Frame(portrait, index, now_ns + index, "a") for index in range(3)]
    paced = PacedSource(lambda: Given(frames, is_live=True))
    assert [frame.index for frame in islice(paced, 3)] == [0, 1, 2]  # else it sleeps for the machine's uptime


def test_a_frame_that_was_lost_is_black_and_a_row_with_its_reason(
    portrait: np.ndarray, network: GazeModel
) -> None:
    seen: list[tuple[Frame, GazeSample]] = []

    class Seeing:
        def seen(self, frame: Frame, sample: GazeSample) -> None:
            seen.append((frame, sample))

        def camera_gone(self, why: str) -> None:
            done.set()

    nothing, done, seeing = np.zeros((0, 0, 3), np.uint8), threading.Event(), Seeing()
    frames = [
        Frame(nothing, 0, 0, "a", "lost: first"),
        Frame(portrait, 1, 1),
        Frame(nothing, 2, 2, "a", "lost"),
    ]
    thread = TrackingThread(lambda: Given(frames), build_pipeline(network), seeing)
    thread.start()
    assert done.wait(60)
    thread.stop()
    assert [frame.image.shape for frame, _ in seen] == [portrait.shape] * 2
    assert seen[1][1].reason == "lost"
