"""The page in Firefox, by keyboard: every screen, dots where they are said to be, a recording and its
replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.web.browser import serving
from tests.web.firefox import firefox
from tests.web.test_faults import write_clip
from tinytracker.session.reader import read_session
from tinytracker.web.live import Live, LiveOptions


def test_a_sitting_in_firefox(tmp_path: Path, portrait: np.ndarray) -> None:
    clip = write_clip(tmp_path / "me.mp4", portrait)
    live = Live(LiveOptions(source=str(clip), folder=tmp_path / "sittings"))
    with serving(live), firefox() as page:
        page.open(live.address)
        page.see("#preview-caption", "cm away")
        assert "found" in page.see("#lamps .good", "found")
        assert page.evaluate("location.hash") == ""
        page.shot("firefox-camera")
        page.press("Space")
        page.see("#dots-title")
        page.press("r")
        page.see("#recording-text", "·")
        page.press("Space")
        page.see("#stage-words", "2 of 5")
        shown = live.sitting.calibrating.show
        assert shown is not None
        (first, *_) = shown.looks
        width, height = page.evaluate("screen.width"), page.evaluate("screen.height")
        assert 0 <= first.screen_px[0] <= width
        assert 0 <= first.screen_px[1] <= height
        page.press("Escape")
        page.see("#dots-title")
        page.press("u")
        page.see("#readings", "px")
        page.shot("firefox-live")
        page.press("Space")
        page.see("#record-title")
        while int(page.see("#recording-text").rpartition("·")[2]) < 8:
            pass
        page.press("r")
        page.see("#notice", "Recorded")
        # Keys press no buttons where no window has the focus, as here without a window manager.
        page.evaluate("document.querySelector('#steps [data-screen=replay]').click()")
        page.see("#replay-words", "frames")
        page.press("h", "n", "ArrowRight", "Enter")
        page.see("#areas", "area 1")
        page.shot("firefox-replay")
        assert page.problems == []
    session = read_session(next((tmp_path / "sittings").iterdir()))
    assert session.info.closed
    assert len(session.rows) >= 8
