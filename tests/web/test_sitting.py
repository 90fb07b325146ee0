"""A whole sitting in a real browser, by keyboard alone: a rendered person looks at the page's dots, and the
truth is known.

camera -> dots -> check -> live -> re-centring after sitting down anew -> recording -> replay
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("starlette")

from tests.web.browser import Watched, chromium, serving
from tinytracker.domain import Frame, GazePoint, GazeSample
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm, visual_angle_deg
from tinytracker.session.reader import read_session
from tinytracker.web.live import Live, LiveOptions

# Three whom calibration serves as the issue wants it; of ten (22, 32, ... 112) some stay above 2 degrees:
# docs/live.md has all.
PEOPLE = (62, 102) if os.environ.get("TINYTRACKER_FULL") else (62,)


class Truth:
    """Listens to the sitting's samples, each with where the rendered person really looked."""

    def __init__(self, live: Live) -> None:
        self.rows: list[tuple[GazeSample, GazePoint]] = []
        self._live = live
        self._seen: Callable[[Frame, GazeSample], None] = live.sitting.seen
        live.sitting.seen = self.seen  # type: ignore[method-assign]

    def seen(self, frame: Frame, sample: GazeSample) -> None:
        rendered = self._live._rendered
        if rendered is not None and rendered.looked_at is not None:
            self.rows.append((sample, rendered.looked_at))
        self._seen(frame, sample)

    def errors_deg(self, rows: list[tuple[GazeSample, GazePoint]]) -> tuple[float, float]:
        """Mean angles from the truth, as used and as the network gave it."""
        used, raw = [], []
        for sample, truth in rows:
            if not sample.is_valid or sample.distance_cm is None:
                continue
            target = np.array(visual_angle_deg(truth.x_cm, truth.y_cm, sample.distance_cm))
            used.append(np.hypot(*(np.array([sample.x_deg, sample.y_deg], float) - target)))
            raw.append(np.hypot(*(np.array([sample.raw_x_deg, sample.raw_y_deg], float) - target)))
        return float(np.mean(used)), float(np.mean(raw))


def look_around(watched: Watched, truth: Truth, live: Live) -> list[tuple[GazeSample, GazePoint]]:
    """The demo's dot goes to places of our own; gives the samples of the time that it rested."""
    rows: list[tuple[GazeSample, GazePoint]] = []
    for x, y in ((0.25, 0.3), (0.75, 0.3), (0.7, 0.75), (0.3, 0.7), (0.5, 0.45)):
        rendered = live._rendered
        assert rendered is not None
        rendered.look_at(x * 1280, y * 720)
        watched.page.wait_for_timeout(600)
        before = len(truth.rows)
        for _ in range(100):
            watched.page.wait_for_timeout(100)
            if len(truth.rows) >= before + 6:
                break
        rows += truth.rows[before:]
    return rows


@pytest.mark.parametrize("person", PEOPLE)
def test_whole_sitting_by_keyboard(person: int, tmp_path: Path) -> None:
    live = Live(LiveOptions(frames_by="rendered", person=person, folder=tmp_path))
    truth = Truth(live)
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)

        # Camera: the first picture may wait for the renderer's kernels to be compiled.
        watched.see("#lamps .good", "found", 900)
        watched.see("#preview-caption", "cm away")
        assert "#" not in watched.page.url, "the token stays in the address"
        watched.page.wait_for_timeout(500)
        watched.shot("camera")
        watched.press("b")
        watched.see("#card-words", "bank card")
        watched.press("ArrowRight", "Escape")

        # Dots and Check, recorded, with the camera's pictures.
        watched.press("Space")
        watched.see("#dots-title")
        watched.shot("dots")
        watched.page.locator("input[name=thorough][value='1']").focus()
        watched.press("Space")
        watched.page.locator("#dots-title").focus()
        watched.press("r")
        watched.see("#recording")
        watched.press("Space")
        watched.see("#stage-words", "of 5")
        watched.shot("stage")
        sentence = watched.see("#sentence", "Expect to be off by about", 120)
        assert "without calibration" in sentence
        watched.shot("check")
        check = live.sitting.calibrating.check
        assert check is not None
        assert 6 <= len(check.dots) <= 8  # a dot that was not seen twice is left out
        assert check.error_deg <= 3.0  # around 2: which frames come in time differs
        assert check.error_deg <= 0.75 * check.uncalibrated_deg
        assert f"{check.expected.deg:.1f} degrees" in sentence

        # Live: what the page is told is what the pipeline says, and it is good against the truth, too.
        watched.press("Space")
        watched.see("#readings", "expected error")
        assert live.sitting.calibrating.stage.calibration is not None
        watched.press("ArrowLeft")  # the dot stops wandering
        watched.page.wait_for_timeout(300)
        rows = look_around(watched, truth, live)
        calibrated, uncalibrated = truth.errors_deg(rows)
        assert calibrated <= 0.8 * uncalibrated
        assert calibrated <= 3.5
        watched.shot("live")
        watched.press("3", "r")
        watched.see("#notice", "Recorded")

        # The person sits down anew, and one dot sets the gaze right. By how much it does, over many sittings,
        # test_closed_loop.py asks: a few frames of one sitting, taken as the machine finds time, tell luck.
        watched.press("p")
        while live._rendered is None or live._rendered.sittings < 2:
            watched.page.wait_for_timeout(50)
        stage = live.sitting.calibrating.stage
        kept = stage.calibration
        watched.page.wait_for_timeout(1000)
        watched.press("c")
        figures = watched.see("#notice", "Re-centred")
        before, after = map(float, re.findall(r"([0-9.]+)°", figures)[:2])
        assert after <= before
        assert stage.calibration is not None
        assert len(stage.calibration.recentrings) == 1
        watched.see("#readings", "Re-centred since it was checked")
        watched.press("z")
        watched.see("#notice", "taken back")
        assert stage.calibration is kept

        # Record and Replay.
        watched.press("Space")
        watched.see("#record-title")
        watched.shot("record")
        watched.press("Escape")
        watched.see("#readings")
        watched.page.locator("#steps button[data-screen=replay]").focus()
        watched.press("Enter")
        watched.see("#replay-words", "frames")
        watched.press("h", "n", "ArrowRight", "Shift+ArrowDown", "Enter")
        watched.see("#areas", "area 1")
        watched.press(*["ArrowRight"] * 12)
        watched.shot("replay")
        watched.press("k")
        watched.see("#notice", "Calibrated again by")
        watched.press("k")
        watched.press("?")
        watched.see("#help-keys", "heatmap")
        watched.press("Escape")

        here = {("127.0.0.1", live.keys.port)}
        assert {(urlsplit(url).hostname, urlsplit(url).port) for url in watched.requests} == here
        assert watched.problems == []
    session = read_session(next(folder for folder in tmp_path.iterdir() if folder.is_dir()))
    assert session.info.closed
    shown = [event.label for event in session.events_of("dot")]
    assert shown[:5] == ["calibration"] * 5
    assert shown.count("check") >= 8  # more where one had to be shown again
    assert "3" in [event.label for event in session.events_of("trigger")]
    kept = session.events_of("calibration")[0]
    calibrated = session.rows["valid"] & (session.rows["t_ns"] > kept.t_ns)
    assert calibrated.any()
    assert set(session.rows["calibration_id"][calibrated]) == {kept.label}


def test_blinks_and_looking_away_are_no_gaze_at_the_dot() -> None:
    """The pipeline on a sitter who blinks: the frames with shut lids give no gaze, with a reason."""
    from tinytracker.engines.model import GazeModel
    from tinytracker.synthetic.sitter import Sitter
    from tinytracker.tracking.assemble import build_pipeline
    from tinytracker.web.screens import PageScreen, screen_of_width

    screen = screen_of_width(PageScreen(1280, 720), 34.5, "rendered").device
    sitter, pipeline = Sitter(screen), build_pipeline(GazeModel.load("tinytracker-eyes"))
    pipeline.fov_deg, pipeline.screen = sitter.fov_deg, screen
    blinked = valid = 0
    for index in range(60):
        sight = sitter.at(index / 12)
        sample = pipeline.process(Frame(sight.image, index, round(index / 12 * 1e9)))
        if sight.blinks:
            blinked += 1
            assert sample.is_valid or sample.reason == "eyes closed"
        valid += sample.is_valid
    assert blinked >= 1
    assert valid >= 50
    sitter.look_at(-2500, 300)  # far to the left of the screen
    sample = None
    for index in range(60, 72):
        sample = pipeline.process(Frame(sitter.at(index / 12).image, index, round(index / 12 * 1e9)))
    assert sample is not None
    if sample.screen_px is not None:
        assert sample.screen_px[0] < 200
        x_cm, _ = point_at_angle_cm(sample.x_deg, sample.y_deg, sample.distance_cm)
        assert camera_cm_to_points(x_cm, 0, screen)[0] == pytest.approx(sample.screen_px[0])


def test_a_moving_dot_is_followed(tmp_path: Path) -> None:
    """Pursuit chosen by keyboard; the rendered person follows; four dots then say how good it is."""
    live = Live(LiveOptions(frames_by="rendered", person=PEOPLE[0], folder=tmp_path))
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#lamps .good", "found", 900)
        watched.press("Space")
        watched.see("#dots-title")
        watched.page.locator("input[name=count][value=one]").focus()
        watched.press("Space")
        watched.page.locator("#dots-title").focus()
        watched.press("Space")
        watched.see("#stage-words", "follow the dot")
        watched.page.wait_for_timeout(3000)
        watched.page.reload()  # in the middle: it begins again
        watched.see("#stage-words", "follow the dot")
        watched.shot("pursuit")
        sentence = watched.see("#sentence", "Expect to be off by about", 120)
        assert "without calibration" in sentence
        check = live.sitting.calibrating.check
        assert check is not None
        assert check.error_deg <= 0.9 * check.uncalibrated_deg
        candidate = live.sitting.calibrating.candidate
        assert candidate is not None
        assert len(candidate.dots) >= 2  # some 20, and fewer the slower the person is rendered
        assert watched.problems == []
