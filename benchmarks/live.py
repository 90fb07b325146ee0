"""How old is the gaze when the page has drawn it, and how many frames a second arrive: a headless browser,
page open, recording on.

A video stands in for the camera: 640 x 480, 30 frames/s, stamped when the frame arrives, as a camera's are.
Latency is from there to the animation frame in which the page draws the gaze, by the page's clock, which is
measured against the server's by ping-pongs. A frame without a gaze (the person blinks) is drawn, too: the
circle goes, and the page says why. Two that come within one frame of the display (60 a second) are drawn as
one, the newer.

    python benchmarks/live.py [--seconds 20] [--video FILE]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tinytracker.session.reader import read_session
from tinytracker.web.live import Live, LiveOptions

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROBE = """
const { view } = await import("/static/gaze.js");
const { link } = await import("/static/link.js");
window.drawn = [];
let last = -1;
const [first, since] = [view.frames, performance.now()];
window.received = () => (1000 * (view.frames - first)) / (performance.now() - since);
view.onDrawn = (gaze) => {
  if (gaze.n === last) return;
  last = gaze.n;
  const now = performance.now();
  window.drawn.push([now - (gaze.t + link.offsetMs), now, gaze.x !== null]);
};
"""


def rendered_clip(path: Path, seconds: float) -> None:
    """A rendered person at 30 frames/s."""
    from tinytracker.synthetic.clip import Clip
    from tinytracker.tracking.video import VideoWriter

    with VideoWriter(path, crf=18) as video:
        for moment in Clip(seconds=seconds, frames_per_second=30.0):
            video.write_picture(moment.frame.image, moment.frame.t_ns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--video", type=Path, help="instead of a rendered person (3 s, shown over and over)")
    arguments = parser.parse_args()
    browser_path = next(
        found for name in ("chromium-headless-shell", "chromium") if (found := shutil.which(name))
    )
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.video or Path(folder) / "clip.mp4"
        if arguments.video is None:
            rendered_clip(clip, 3.0)
        live = Live(LiveOptions(source=str(clip), folder=Path(folder) / "sittings"))
        thread = threading.Thread(target=live.run, daemon=True)
        thread.start()
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=browser_path, args=FLAGS)
            page = browser.new_context(viewport={"width": 1280, "height": 720}, bypass_csp=True).new_page()
            page.goto(live.address)
            page.locator("#lamps li").first.wait_for(timeout=60_000)
            page.locator("#steps button[data-screen=live]").focus()
            page.keyboard.press("Enter")
            page.keyboard.press("r")
            page.evaluate(f"(async () => {{ {PROBE} }})()")
            page.wait_for_timeout(1000 * arguments.seconds)
            drawn = page.evaluate("window.drawn")
            received = page.evaluate("window.received()")
            page.keyboard.press("r")
            page.wait_for_timeout(500)
            browser.close()
        live.stop()
        thread.join(10)
        recorded = read_session(next((Path(folder) / "sittings").iterdir()))
    late = sorted(row[0] for row in drawn)
    span_s = (drawn[-1][1] - drawn[0][1]) / 1000
    hertz = (len(recorded.rows) - 1) / recorded.rows.time_s[-1]
    seen = sum(has_gaze for *_, has_gaze in drawn)
    print(
        f"measured over {span_s:.0f} s, page open, recording on: {len(drawn)} frames drawn, {seen} with gaze"
    )
    print(
        f"frame to dot on the page: median {statistics.median(late):.0f} ms, 95th percentile "
        f"{late[int(0.95 * len(late))]:.0f} ms"
    )
    print(
        f"a second: {hertz:.1f} recorded, {received:.1f} at the page, {(len(drawn) - 1) / span_s:.1f} drawn"
    )


if __name__ == "__main__":
    main()
