"""What the demo's person looks at: Live's dot, or the dots that are shown; what a recording says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba")
pytest.importorskip("starlette")

from tinytracker.engines.model import GazeModel
from tinytracker.session.reader import read_session
from tinytracker.web.live import Live, LiveOptions, OpenTracker
from tinytracker.web.messages import Command
from tinytracker.web.rendered import RenderedSource


@pytest.fixture
def demo(tmp_path: Path, network: GazeModel) -> Live:
    live = Live(LiveOptions(frames_by="rendered", folder=tmp_path), OpenTracker.of(network))
    live._listener.close()
    ask(live, "page", width=1280, height=720, scale=1)
    live._rendered = RenderedSource(live.sitting.device, 32)
    return live


def ask(live: Live, command: str, **fields: Any) -> None:
    live.server.desk.obey(Command(json.dumps({"do": command, **fields})))


def looked_at(live: Live) -> list[tuple[float, float]]:
    assert live._rendered is not None
    return [place[:2] for place in live._rendered._places]


def test_while_dots_are_shown_the_person_looks_at_them_alone(demo: Live) -> None:
    ask(demo, "look_at", x=200, y=100)
    ask(demo, "recentre")
    show = demo.sitting.calibrating.show
    assert show is not None
    ask(demo, "dot_shown", number=show.number, x=640, y=360)
    ask(demo, "look_at", x=900, y=500)  # Live's dot wanders on
    assert looked_at(demo) == [(200, 100), (640, 360)]
    ask(demo, "stop_dots")
    ask(demo, "look_at", x=900, y=500)
    assert looked_at(demo)[-1] == (900, 500)


def test_lives_dot_ends_where_another_one_is_looked_at(demo: Live, tmp_path: Path) -> None:
    ask(demo, "record", name="anna")
    ask(demo, "look_at", x=200, y=100)
    ask(demo, "recentre")
    show = demo.sitting.calibrating.show
    assert show is not None
    ask(demo, "dot_shown", number=show.number, x=640, y=360)
    ask(demo, "stop_dots")
    ask(demo, "look_at", x=900, y=500)
    ask(demo, "look_at", x=100, y=500)
    ask(demo, "stop_recording")
    shown = read_session(tmp_path / "anna").events_of("dot")
    assert [(dot.x_px, dot.y_px, dot.label) for dot in shown] == [(200, 100, "demo"), (900, 500, "demo")]
    assert shown[0].t_ns + shown[0].duration_ms * 1e6 <= shown[1].t_ns
