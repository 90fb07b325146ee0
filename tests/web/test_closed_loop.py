"""Rendered people sit down, in a time of their own: camera, dots, check, live, re-centring; the truth is
known.

test_sitting.py does it in a browser, in real time, for one person; here the server's own sitting gets frame
by frame what it would get at twelve a second, and the page's part is played by `Page`, so that no figure
hangs on how fast the machine is.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("starlette")

from tinytracker.calibration.check import Check
from tinytracker.calibration.dots import SETTLE_NS
from tinytracker.domain import Frame
from tinytracker.engines.model import GazeModel
from tinytracker.geometry import visual_angle_deg
from tinytracker.synthetic.sitter import Sitter
from tinytracker.web import obeying
from tinytracker.web.live import Live, LiveOptions, OpenTracker
from tinytracker.web.messages import Command

FRAME_NS = 1_000_000_000 // 12
WIDTH_PX, HEIGHT_PX = 1280, 720
LOOKS = ((0.25, 0.3), (0.75, 0.3), (0.7, 0.75), (0.3, 0.7), (0.5, 0.45))

# Of ten (22, 32, ... 112) those whom a calibration serves well; `python benchmarks/sitters.py` says how it
# serves the others.
PEOPLE = (52, 62, 102) if os.environ.get("TINYTRACKER_FULL") else (52,)
SITTINGS = 4
ONE_DOT_DEG = 1.0  # by so much a dot that errs may set one sitting wrong


class Page:
    """Somebody before the page: shows every dot at once, presses Space as soon as the eyes have arrived."""

    def __init__(self, live: Live, person: int, clock: pytest.MonkeyPatch) -> None:
        self.told: list[dict[str, Any]] = []
        self._live, self._now_ns, self._index = live, 0, 0
        clock.setattr(obeying, "time", SimpleNamespace(monotonic_ns=lambda: self._now_ns))
        clock.setattr(live.sitting.calibrating, "_tell", self._tell)
        live.sitting.calibrating._rng = np.random.default_rng(0)  # where the check's dots lie
        self.ask("page", width=WIDTH_PX, height=HEIGHT_PX, scale=1)
        self.sitter = Sitter(live.sitting.device, person)
        live.pipeline.fov_deg = self.sitter.fov_deg

    def ask(self, command: str, **fields: Any) -> None:
        self._live.server.desk.obey(Command(json.dumps({"do": command, **fields})))

    def calibrate(self, dots: int) -> Check:
        self.ask("dots", dots=dots, pace="space")
        self._see_until("fitted")
        self.ask("check")
        self._see_until("checked")
        check = self._live.sitting.calibrating.check
        assert check is not None
        return check

    def recentre(self) -> None:
        self.ask("recentre")
        self._see_until("recentred")

    def errors_deg(self) -> tuple[float, float]:
        """Mean angles from the truth at five places, as used and as the network gave it."""
        used, raw = [], []
        for x, y in LOOKS:
            self._look_at(x * WIDTH_PX, y * HEIGHT_PX)
            for _ in range(4):
                sample, truth = self._see()
                if sample.is_valid:
                    target = visual_angle_deg(truth.x_cm, truth.y_cm, sample.distance_cm)
                    used.append(np.hypot(*np.subtract((sample.x_deg, sample.y_deg), target)))
                    raw.append(np.hypot(*np.subtract((sample.raw_x_deg, sample.raw_y_deg), target)))
        return float(np.mean(used)), float(np.mean(raw))

    def _see_until(self, kind: str) -> None:
        for _ in range(600):
            if self.told and self.told[-1]["type"] in (kind, "dots_failed"):
                assert self.told[-1]["type"] == kind, self.told[-1]
                return
            self._see()
        raise AssertionError(f"no {kind} in 600 frames")

    def _see(self) -> tuple[Any, Any]:
        sight = self.sitter.at(self._now_ns / 1e9)
        frame = Frame(sight.image, self._index, self._now_ns)
        sample = self._live.pipeline.process(frame)
        self._live.sitting.seen(frame, sample)
        self._now_ns, self._index = self._now_ns + FRAME_NS, self._index + 1
        return sample, sight.looked_at

    def _tell(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        if message["type"] == "dot":
            x_px, y_px = message["x"] * WIDTH_PX, message["y"] * HEIGHT_PX
            self.ask("dot_shown", number=message["number"], x=x_px, y=y_px)
            self._look_at(x_px, y_px)
            self.ask("accept")

    def _look_at(self, x_px: float, y_px: float) -> None:
        """The dot is seen, the eyes set out, and have arrived."""
        self.sitter.look_at(x_px, y_px)
        self.sitter.at(self._now_ns / 1e9)
        self._now_ns += SETTLE_NS


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_sits_down(
    person: int, tmp_path: Path, network: GazeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(LiveOptions(frames_by="rendered", folder=tmp_path), OpenTracker.of(network))
    page = Page(live, person, monkeypatch)
    check = page.calibrate(5)
    assert check.error_deg <= 0.75 * check.uncalibrated_deg
    assert check.error_deg <= 2.0
    page.ask("keep")
    calibrated, uncalibrated = page.errors_deg()
    assert calibrated <= 0.75 * uncalibrated
    assert calibrated <= 2.0

    # Sittings differ, and so do dots: one dot helps on the whole, and never does much harm.
    before, after = [], []
    for _ in range(SITTINGS):
        page.sitter.sit_down_anew()
        before.append(page.errors_deg()[0])
        page.recentre()
        after.append(page.errors_deg()[0])
        page.ask("undo")
    assert np.mean(after) <= np.mean(before), (before, after)
    assert (np.subtract(after, before) <= ONE_DOT_DEG).all(), (before, after)
    live._listener.close()
