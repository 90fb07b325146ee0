"""A real headless Firefox, driven by WebDriver BiDi over its own WebSocket: Playwright needs a Firefox of its
own making, Debian's speaks this. Tests skip, saying why, where it is missing."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser import SHOTS

NAMES = ("firefox-esr", "firefox")
KEYS = {"Space": " ", "Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowRight": "\ue014"}
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


class FirefoxPage:
    """One tab. problems: errors of its scripts, and what its policy refused."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.problems: list[str] = []
        self._ask("session.new", capabilities={})
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._ask(
            "browsingContext.setViewport", context=self._context, viewport={"width": 1280, "height": 720}
        )

    def open(self, address: str) -> None:
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, script: str) -> Any:
        """The value of an expression: a text, a number, true or false."""
        answer = self._ask(
            "script.evaluate", expression=script, target={"context": self._context}, awaitPromise=True
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")
        ]
        source = {"type": "key", "id": "keyboard", "actions": strokes}
        self._ask("input.performActions", context=self._context, actions=[source])

    def see(self, selector: str, text: str = "", seconds: float = 90) -> str:
        """Waits until an element is visible and holds a text; gives its text."""
        ends = time.monotonic() + seconds
        script = (
            f"(at => at && at.checkVisibility() ? at.innerText : '')(document.querySelector({selector!r}))"
        )
        while not (found := self.evaluate(script)) or text not in found:
            assert time.monotonic() < ends, f"{selector} says {found!r}, not {text!r}"
            time.sleep(0.1)
        return str(found)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        picture = self._ask("browsingContext.captureScreenshot", context=self._context)["data"]
        (SHOTS / f"{name}.png").write_bytes(base64.b64decode(picture))

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.problems.append(answer["params"]["text"])
            if answer.get("id") == self._number:
                assert answer["type"] == "success", answer
                return answer["result"]


@contextmanager
def firefox() -> Iterator[FirefoxPage]:
    """The browser, with a fresh profile and one tab."""
    client = pytest.importorskip("websockets.sync.client")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Firefox here; make toolchain installs Debian's firefox-esr")
    with tempfile.TemporaryDirectory(prefix="tinytracker-firefox-") as profile:
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (Path(profile) / "user.js").write_text("\n".join(lines))
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            with client.connect(f"{_address(child)}/session", max_size=None, ping_interval=None) as socket:
                yield FirefoxPage(socket)
        finally:
            child.terminate()
            child.communicate(timeout=60)


def _address(child: subprocess.Popen[str]) -> str:
    assert child.stderr is not None
    for line in child.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1]
    raise AssertionError("Firefox ended before it listened")
