"""A real headless Chromium, driven by Playwright by keyboard alone; every test that uses it skips, saying
why, where it is missing."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from tinytracker.web.live import Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOTS = Path(__file__).parents[2] / "out" / "live"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZE = {"width": 1280, "height": 720}


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The browser, with a fresh profile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium here; make toolchain installs Debian's chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(live: Live) -> Iterator[Live]:
    """The server, running in a thread of its own."""
    thread = threading.Thread(target=live.run, daemon=True)
    thread.start()
    try:
        yield live
    finally:
        live.stop()
        thread.join(15)
        assert not thread.is_alive()


@contextmanager
def page_without_browser(live: Live) -> Iterator[Any]:
    """The connection of a page that has come in and said where it is: a `websockets` connection."""
    client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    origin = f"http://127.0.0.1:{live.keys.port}"
    token = json.dumps({"token": live.keys.token}).encode()
    request = Request(f"{origin}/enter", data=token, headers={"Origin": origin})
    with urlopen(request, timeout=60) as answer:
        cookie = answer.headers["set-cookie"].partition(";")[0]
    address = f"ws://127.0.0.1:{live.keys.port}/ws"
    with client.connect(address, origin=origin, additional_headers={"Cookie": cookie}) as connection:
        connection.send(json.dumps({"do": "page", "width": 1280, "height": 720, "scale": 1}))
        yield connection


class Watched:
    """A page whose requests, errors and refusals by the policy are kept."""

    def __init__(self, browser: Browser, scheme: str = "dark", **options: Any) -> None:
        self.context = browser.new_context(viewport=SIZE, screen=SIZE, color_scheme=scheme, **options)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def see(self, selector: str, text: str | None = None, seconds: float = 60) -> str:
        """Waits until an element is visible (and holds a text); gives its text."""
        place = self.page.locator(selector).first
        place.wait_for(state="visible", timeout=seconds * 1000)
        ends = time.monotonic() + seconds
        while text is not None and text not in place.inner_text():
            assert time.monotonic() < ends, f"{selector} says {place.inner_text()!r}, not {text!r}"
            self.page.wait_for_timeout(100)
        return place.inner_text()

    def wait_for_rows(self, rows: int, seconds: float = 120) -> None:
        """Waits until the page says that so many rows have been recorded: a busy machine takes its time."""
        ends = time.monotonic() + seconds
        while int(self.see("#recording-text", "·").rpartition("·")[2]) < rows:
            assert time.monotonic() < ends, f"no {rows} rows within {seconds:g} s"
            self.page.wait_for_timeout(100)

    def shot(self, name: str) -> None:
        """Keeps a picture under out/, to be looked at."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")
