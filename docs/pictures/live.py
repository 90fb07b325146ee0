"""Makes docs/pictures/live-*.jpg: the six screens of `tinytracker live --demo`, by keyboard, in a headless
Chromium.

    python docs/pictures/live.py

Needs tinytracker[demo,web], playwright and Debian's chromium-headless-shell. The rendered person looks at the
page's dots, and then at docs/people.jpg, from face to face.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tinytracker.images import decode, encode_jpeg
from tinytracker.web.live import Live, LiveOptions

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).parent
SIZE = {"width": 1280, "height": 720}
QUALITY = 72
FACES = [
    (0.22, 0.3),
    (0.36, 0.5),
    (0.5, 0.3),
    (0.64, 0.5),
    (0.78, 0.3),
    (0.64, 0.7),
    (0.36, 0.72),
]  # of the screen


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = LiveOptions(
            frames_by="rendered", folder=Path(folder) / "sittings", stimulus=HERE.parent / "people.jpg"
        )
        live = Live(options)
        thread = threading.Thread(target=live.run, daemon=True)
        thread.start()
        with sync_playwright() as driver:
            path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(viewport=SIZE, screen=SIZE, color_scheme="dark")  # type: ignore[arg-type]
            photograph(context.new_page(), live)
            browser.close()
        live.stop()
        thread.join(20)


def photograph(page: Page, live: Live) -> None:
    page.set_default_timeout(900_000)  # the first picture may wait for the renderer to be compiled
    page.goto(live.address)
    page.locator("#lamps .good").first.wait_for()
    page.wait_for_timeout(2500)
    keep(page, "camera")
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    keep(page, "dots")
    page.keyboard.press("r")
    page.keyboard.press("Space")
    page.locator("#check-result").wait_for()
    keep(page, "check")
    page.keyboard.press("Space")
    page.wait_for_timeout(8000)
    while page.locator("#readings dd").first.inner_text() == "–":  # the person blinks
        page.wait_for_timeout(100)
    keep(page, "live")
    page.keyboard.press("Space")
    page.wait_for_timeout(400)
    keep(page, "record")
    page.keyboard.press("i")
    page.wait_for_timeout(800)
    assert live._rendered is not None
    for x, y in FACES:
        live._rendered.look_at(x * SIZE["width"], y * SIZE["height"])
        page.wait_for_timeout(1600)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_timeout(800)
    page.locator("#steps button[data-screen=replay]").focus()
    page.keyboard.press("Enter")
    page.locator("#replay-words").wait_for()
    page.wait_for_timeout(500)
    end = float(page.locator("#time").get_attribute("max") or 0)
    page.locator("#time").evaluate(
        "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')) }", end - 1.2
    )
    for key in ("h", "n", *["ArrowLeft"] * 10, *["ArrowUp"] * 5, "Enter"):
        page.keyboard.press(key)
    page.wait_for_timeout(9000)  # until the line above has gone
    keep(page, "replay")


def keep(page: Page, name: str) -> None:
    picture = decode(page.screenshot(), name)
    (HERE / f"live-{name}.jpg").write_bytes(encode_jpeg(picture, QUALITY))


if __name__ == "__main__":
    main()
