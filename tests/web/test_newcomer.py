"""What stops or misleads somebody who opens the page for the first time, in a real browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.gazers import CHECK_DEG, LAYOUT_DEG, look_at
from tests.web.browser import Watched, chromium, serving
from tests.web.test_faults import write_clip
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import Conditions
from tinytracker.engines.model import GazeModel
from tinytracker.tracking.calibrating import network_used, prior_of
from tinytracker.web.live import Live, LiveOptions, OpenTracker

BESIDE = """() => {
  const panel = document.querySelector(".side");
  const { left, right } = panel.getBoundingClientRect();
  const all = [...panel.querySelectorAll("*")].filter((one) => one.checkVisibility());
  return all.filter((one) => one.getBoundingClientRect().right > right || one.getBoundingClientRect().left < left).map((one) => one.outerHTML);
}"""  # noqa: E501


@pytest.fixture
def stored(tmp_path: Path, network: GazeModel) -> Path:
    """A profile of another day, checked."""
    rng, truth = np.random.default_rng(6), np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
    made = Calibration.fit(
        [look_at(place, truth, rng) for place in LAYOUT_DEG[:5]],
        prior_of(network.card),
        Conditions(network_used(network.card)),
    )
    made = made.judged([look_at(place, truth, rng) for place in CHECK_DEG])
    made.save(tmp_path / "me.json")
    return tmp_path / "me.json"


def test_a_stored_calibration_is_kept_from_dots_and_told_as_what_it_is(
    stored: Path, tmp_path: Path, portrait: np.ndarray, network: GazeModel
) -> None:
    clip = write_clip(tmp_path / "me.mp4", portrait)
    options = LiveOptions(source=str(clip), folder=tmp_path / "sittings", calibration=stored)
    live = Live(options, OpenTracker.of(network))
    kept = live.sitting.calibrating.stage.calibration
    assert kept is not None
    assert kept.error_to_come.deg > 1.2 * Calibration.load(stored).error_to_come.deg
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#preview-caption", "cm away")
        watched.press("Space")
        watched.see("#keep-stored", "Go on with the one in force")
        watched.press("k")
        watched.see("#readings", "Made in another sitting")
        assert live.sitting.calibrating.stage.calibration is kept
        watched.press("c")
        watched.see("#notice", "Re-centred")
        watched.see("#readings", "Re-centred since it was checked")
        watched.press("x")
        watched.see("#share-words", "/overlay#")
        assert watched.page.evaluate(BESIDE) == []  # two long addresses, and Undo beside Re-centre
        watched.shot("live-sharing")
        assert watched.problems == []


def test_a_browser_without_a_camera_says_so(tmp_path: Path, network: GazeModel) -> None:
    live = Live(LiveOptions(frames_by="browser", folder=tmp_path), OpenTracker.of(network))
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#notice", "The browser finds no camera.")
        watched.press("Space")
        watched.page.locator("#keep-stored").wait_for(state="hidden")
