"""`tinytracker screen --measure`: a bank card on a page gives a screen for --screen."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from tests.web.browser import Watched, chromium
from tinytracker.cli.app import run
from tinytracker.devices import read_screen
from tinytracker.errors import UsageError
from tinytracker.web.measuring import Measuring, measured_screen
from tinytracker.web.messages import Command

MEASURED = {
    "do": "measured",
    "width": 1920,
    "height": 1080,
    "scale": 1.5,
    "left": 0,
    "top": 0,
    "card_px": 480,
}


def test_card_gives_the_screen_in_device_pixels() -> None:
    screen = measured_screen(Command(json.dumps(MEASURED | {"camera_x_cm": 16.0, "camera_y_cm": 0.5})))
    assert (screen.screen_width_cm, screen.width_points, screen.height_points) == (34.24, 2880, 1620)
    assert screen.screen_height_cm == pytest.approx(34.24 * 9 / 16)
    assert (screen.camera_to_screen_x_cm, screen.camera_to_screen_y_cm) == (16.0, 0.5)
    middle = measured_screen(Command(json.dumps(MEASURED | {"camera_x_cm": None})))
    assert (middle.camera_to_screen_x_cm, middle.camera_to_screen_y_cm) == (17.12, 1.0)


@pytest.mark.parametrize("wrong", [{"card_px": 0}, {"width": "1920"}, {"card_px": 0.001}, {"scale": None}])
def test_what_is_no_screen_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        measured_screen(Command(json.dumps(MEASURED | wrong)))


def test_only_the_page_may_say_it() -> None:
    measuring = Measuring()
    with measuring._listener, TestClient(measuring.app, base_url=measuring.address.split("/#")[0]) as client:
        assert client.post("/measured", json=MEASURED).status_code == 403
        assert measuring.screen is None
        assert client.post("/enter", json={"token": measuring.keys.token}).status_code == 204
        assert client.post("/measured", json=MEASURED | {"card_px": -1}).status_code == 400
        assert client.post("/measured", json=MEASURED).text == "34.24 x 19.26 cm"
    assert measuring.screen is not None


def test_measured_by_keyboard_in_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command: the page opens, arrow keys and Enter measure, the file is written."""
    pages: list[str] = []
    opened = threading.Event()

    def open_page(address: str) -> bool:
        pages.append(address)
        opened.set()
        return True

    monkeypatch.setattr("webbrowser.open", open_page)
    codes: list[int] = []
    command = ["screen", "--measure", "--out", str(tmp_path / "desk.json")]
    with chromium() as browser:
        thread = threading.Thread(target=lambda: codes.append(run(command)), daemon=True)
        thread.start()
        assert opened.wait(30)
        watched = Watched(browser)
        watched.page.goto(pages[0])
        watched.see("#card-words", "bank card")
        before = watched.page.locator("#card-shape").bounding_box()
        watched.press(*["Shift+ArrowRight"] * 3, "ArrowLeft")
        after = watched.page.locator("#card-shape").bounding_box()
        assert before is not None
        assert after is not None
        assert round(after["width"] - before["width"]) == 29
        watched.shot("measure")
        watched.press("Enter")
        watched.see("#measured-words", "cm wide")
        watched.shot("measure-place")
        watched.page.keyboard.type("12.5")
        watched.press("Enter")
        watched.see("#notice", "You can close this page")
        thread.join(20)
        assert watched.problems == []
    assert codes == [0]
    screen = read_screen(tmp_path / "desk.json")
    assert screen.screen_width_cm == pytest.approx(8.56 * 1280 / round(after["width"]), abs=0.01)
    assert screen.camera_to_screen_x_cm == 12.5
    assert "written:" in capsys.readouterr().out


def test_sizes_given_and_measured_contradict(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["screen", "--measure", "--width-cm", "34"]) == 2
    assert "leave it out" in capsys.readouterr().err
