"""Cameras to choose from, frames of another size, and what is said while the demo's renderer is compiled."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.tracking.test_camera import FakeCapture
from tinytracker.engines.model import GazeModel
from tinytracker.errors import UsageError
from tinytracker.synthetic import compiling
from tinytracker.tracking.cameras import Camera, list_cameras
from tinytracker.tracking.sources import camera as camera_module
from tinytracker.web import live as live_module
from tinytracker.web import preparing as preparing_module
from tinytracker.web.live import Live, LiveOptions, OpenTracker
from tinytracker.web.messages import Command
from tinytracker.web.preparing import Preparing


def test_cameras_are_those_devices_that_give_pictures(tmp_path: Path) -> None:
    for number, index, name in ((0, 0, "Front\n"), (1, 1, "Front\n"), (12, 0, "\n"), (2, 0, "Microscope\n")):
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "index").write_text(f"{index}\n")
        (device / "name").write_text(name)
    (tmp_path / "video3").mkdir()  # unplugged just now
    assert list_cameras(tmp_path) == [
        Camera("0", "Front"),
        Camera("2", "Microscope"),
        Camera("12", "camera 12"),
    ]
    assert list_cameras(tmp_path / "nowhere") == []


def test_another_camera_and_size_are_taken(
    tmp_path: Path, network: GazeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, Any]] = []

    def open_capture(device: int | str, size_px: tuple[int, int] | None) -> FakeCapture:
        asked.append((device, size_px))
        return FakeCapture(frames=1)

    monkeypatch.setattr(camera_module, "_open_capture", open_capture)
    live = Live(LiveOptions(source="0", folder=tmp_path), OpenTracker.of(network))
    live._listener.close()
    desk, opened = live.server.desk, threading.Event()

    def use(open_source: Any) -> None:
        with open_source() as source:
            next(iter(source))
        opened.set()

    monkeypatch.setattr(live.tracking, "use", use)
    desk.obey(Command('{"do": "camera", "source": "2", "width": 1280, "height": 720}'))
    desk.obey(Command('{"do": "camera", "source": "0", "width": 0, "height": 0}'))
    assert opened.is_set()
    assert asked == [(2, (1280, 720)), (0, None)]
    assert live.sitting.camera.source == "camera 0"
    for wrong in (
        '"source": "/etc/passwd"',
        '"source": 2',
        '"source": "0", "width": -5',
        '"source": "0", "width": 1e9',
    ):
        with pytest.raises(UsageError):
            desk.obey(Command(f'{{"do": "camera", {wrong}}}'))


def test_only_a_camera_of_this_computer_can_be_exchanged(live: Live) -> None:
    with pytest.raises(UsageError, match="cannot be chosen"):
        live.server.desk.obey(Command('{"do": "camera", "source": "0"}'))
    live._listener.close()


# --- the demo's first start ---


def test_what_is_told_grows_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer that compiles two kernels, by the real events of numba."""
    numba = pytest.importorskip("numba")

    def render() -> None:
        for name in ("illuminate", "resolve"):
            namespace: dict[str, Any] = {}
            exec(f"def {name}(x): return x + 1", namespace)
            numba.njit(namespace[name])(1)

    monkeypatch.setattr(preparing_module, "_render_once", render)
    monkeypatch.setattr(preparing_module, "TOLD_EVERY_S", 0.005)
    told: list[dict[str, Any]] = []
    drawn: list[tuple[int, int]] = []
    Preparing(told.append, lambda done, total: drawn.append((done, total))).wait()
    shares = [message["share"] for message in told]
    assert shares == sorted(shares)
    assert told[-1] == {"type": "preparing", "share": 1.0, "left_s": 0}
    assert drawn[-1] == (100, 100)


def test_nothing_is_said_where_all_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(preparing_module, "_render_once", lambda: None)
    told: list[Any] = []
    Preparing(told.append, lambda done, total: told.append(done)).wait()
    assert told == []


def test_a_renderer_that_fails_is_no_reason_to_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from tinytracker.synthetic import sitter

    def fail(*_: Any) -> None:
        raise RuntimeError("no head")

    monkeypatch.setattr(sitter.Sitter, "__init__", fail)
    Preparing(lambda message: None, lambda done, total: None).wait()


def test_the_watch_goes_by_the_clock_inside_a_kernel() -> None:
    now = 0.0
    watch = compiling.CompilingWatch(lambda: now)
    watch.begins("something else")
    assert not watch.has_begun
    watch.begins("_paint")
    now = 2 * compiling.KERNELS_S["_paint"]  # half as fast as when measured
    watch.ends("_paint")
    watch.begins("resolve")
    shares, left = [], []
    for _ in range(40):
        shares.append(watch.share)
        left.append(watch.left_s)
        now += 1.0
    assert shares == sorted(shares)
    assert left[0] == pytest.approx(
        2
        * sum(
            compiling.KERNELS_S[name] for name in ("illuminate", "place", "rasterise", "resolve", "expose")
        ),
        rel=0.15,
    )
    assert max(shares) < 1.0  # it takes longer than ever seen: nearly done, but not
    watch.ends("resolve")
    watch.begins("expose")
    watch.ends("expose")
    assert watch.share == 1.0
    assert np.isclose(watch.left_s, 0.0)


def test_kernels_of_the_table_are_those_of_the_first_picture() -> None:
    """Names change, and new kernels come: then the table is to be measured anew."""
    sources = Path(compiling.__file__).parent
    text = "".join(path.read_text() for path in sources.glob("*.py"))
    missing = [name for name in compiling.KERNELS_S if f"\ndef {name}(" not in text]
    assert missing == []
    assert live_module.Preparing is Preparing
