"""Monitors: what screeninfo says becomes a screen for --screen; what it does not say is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.devices import read_screen
from tinytracker.errors import UsageError
from tinytracker.tracking import monitors
from tinytracker.tracking.monitors import Monitor, screen_of_monitor

LEFT = Monitor("DP-2", -1920, 0, 1920, 1080, 52.7, 29.6)
LAPTOP = Monitor("eDP-1", 0, 0, 1920, 1200, 30.2, 18.9, is_primary=True)
UNKNOWN = Monitor("VGA", 0, 0, 1600, 900, None, None)


def test_screen_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(monitors, "list_monitors", lambda: [LEFT, LAPTOP])
    assert run(["screen", "--out", str(tmp_path / "mine.json"), "--camera-above-cm", "0.7"]) == 0
    told = capsys.readouterr().out
    assert "0: DP-2, 1920 x 1080 px, 52.7 x 29.6 cm, at -1920, 0" in told
    mine = read_screen(tmp_path / "mine.json")
    assert (mine.name, mine.screen_width_cm, mine.height_points) == ("eDP-1", 30.2, 1200)
    assert (mine.camera_to_screen_x_cm, mine.camera_to_screen_y_cm) == (15.1, 0.7)
    assert run(["screen", "--monitor", "0", "--out", str(tmp_path / "left.json")]) == 0
    assert read_screen(tmp_path / "left.json").kind == "monitor"
    assert run(["screen", "--monitor", "2", "--out", str(tmp_path / "none.json")]) == 2


def test_a_measured_side_gives_the_other() -> None:
    screen = screen_of_monitor(UNKNOWN, width_cm=32.0)
    assert (screen.screen_width_cm, screen.screen_height_cm) == (32.0, 18.0)
    assert screen_of_monitor(LAPTOP, height_cm=20.0).screen_width_cm == 32.0
    with pytest.raises(UsageError, match="does not say how large it is"):
        screen_of_monitor(UNKNOWN)
    with pytest.raises(UsageError, match="is none"):
        screen_of_monitor(UNKNOWN, width_cm=0.0)


def test_without_a_display_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screeninfo = pytest.importorskip("screeninfo", reason="screeninfo is not installed")

    def nobody() -> list[object]:
        raise screeninfo.ScreenInfoError("No enumerators available")

    monkeypatch.setattr(screeninfo, "get_monitors", nobody)
    assert run(["screen"]) == 5
    assert "say what it is by --width-cm" in capsys.readouterr().err


def test_a_screen_that_is_not_here_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over SSH, in a container: no monitor is asked."""
    pixels, out = ["--width-px", "1920", "--height-px", "1080"], ["--out", str(tmp_path / "far.json")]
    assert run(["screen", "--width-cm", "34.5", *pixels, *out]) == 0
    far = read_screen(tmp_path / "far.json")
    assert (far.screen_width_cm, far.screen_height_cm) == (34.5, 19.41)
    assert (far.width_points, far.height_points) == (1920, 1080)
    assert run(["screen", *pixels, *out]) == 2
    assert "give --width-cm" in capsys.readouterr().err
    assert run(["screen", "--width-cm", "34.5", "--width-px", "1920", *out]) == 2
    assert "go together" in capsys.readouterr().err
    assert run(["screen", *pixels, "--monitor", "0", *out]) == 2
