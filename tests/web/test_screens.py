"""Every screen in a real browser: can it be read, reached by keyboard, and does it fit; and what is looked at
while recording lies behind Replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("starlette")

from tests.web.browser import Watched, chromium, serving
from tests.web.test_faults import write_clip
from tests.web.test_library import length_us, write_green_webm
from tinytracker.images import encode_jpeg
from tinytracker.session.reader import read_session
from tinytracker.session.stimuli import stimuli_of
from tinytracker.web.live import Live, LiveOptions

SCREENS = ("camera", "dots", "check", "live", "record", "replay")

# Every text that can be seen, with its contrast to the background it stands on (WCAG 2.2, 1.4.3), and whether
# it is large (24 px, or 18.66 px in bold).
CONTRASTS = """() => {
  const rgba = (text) => {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].map((value, index) => index === 3 ? value / 255 : value);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, index) => value * a + under[index] * (1 - a));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".quiet, .skip, svg, option, noscript")) continue;
    const style = getComputedStyle(element);
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const under = background(element);
    const ink = rgba(style.color);
    const [one, two] = [luminance(over([...ink.slice(0, 3), ink[3] * opacity], under)), luminance(under)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    found.push({ text: walker.currentNode.data.trim().slice(0, 40), ratio: (one + 0.05) / (two + 0.05), large: size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) });
  }
  return found;
}"""  # noqa: E501

# What the keyboard reaches, in order, each with its name and whether a ring shows that it has the focus.
WALK = """() => {
  const at = document.activeElement;
  const label = at.labels?.[0]?.innerText ?? at.getAttribute("aria-label") ?? at.innerText ?? "";
  const seen = at.matches("input[type=radio], input[type=checkbox]") ? at.closest("label") ?? at : at;
  const style = getComputedStyle(seen);
  return { tag: at.tagName, id: at.id, key: at.dataset?.key ?? "", label: label.trim(), ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
}"""  # noqa: E501


PLACES = """() => ["replay-page", "replay-canvas"].map((id) => {
  const box = document.getElementById(id).getBoundingClientRect();
  return [box.width, box.y];
})"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "me.mp4", portrait)


@pytest.fixture
def watched(tmp_path: Path, clip: Path) -> Iterator[tuple[Watched, Live]]:
    """A page with a camera and two things to look at."""
    shown = tmp_path / "stimuli"
    shown.mkdir()
    red = np.zeros((360, 640, 3), np.uint8)
    red[...] = (220, 30, 40)
    (shown / "red.png").write_bytes(encode_jpeg(red, 95))
    (shown / "page.html").write_text("<body style='background: rgb(0, 90, 200); color: white'>Words</body>")
    live = Live(LiveOptions(source=str(clip), folder=tmp_path / "sittings", stimulus=shown))
    with chromium() as browser, serving(live):
        watched = Watched(browser)
        watched.page.goto(live.address)
        watched.see("#preview-caption", "cm away")
        yield watched, live


def go(watched: Watched, screen: str) -> None:
    watched.page.locator(f"#steps button[data-screen={screen}]").focus()
    watched.press("Enter")
    watched.page.locator(f"#{screen}").wait_for(state="visible")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_text_can_be_read_and_every_screen_fits(watched: tuple[Watched, Live], scheme: Any) -> None:
    page = watched[0].page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    watched[0].press("r")
    watched[0].see("#recording", "·")
    poor = []
    for screen in SCREENS:
        go(watched[0], screen)
        page.wait_for_timeout(300)
        texts = page.evaluate(CONTRASTS)
        assert len(texts) > 10
        poor += [(screen, text) for text in texts if text["ratio"] < (3.0 if text["large"] else 4.5)]
        for size in ({"width": 1280, "height": 720}, {"width": 3840, "height": 2160}):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.wait_for_timeout(150)
            wide, high, keys = page.evaluate(
                "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight, "
                "document.getElementById('keys').getBoundingClientRect().bottom]"
            )
            assert (wide, high) == (size["width"], size["height"]), screen
            assert keys <= size["height"]
            font_px = page.evaluate("() => parseFloat(getComputedStyle(document.body).fontSize)")
            assert font_px >= (15 if size["width"] == 1280 else 28)
        page.set_viewport_size({"width": 1280, "height": 720})
    assert poor == []
    running = page.evaluate(
        "() => document.getAnimations().filter((one) => one.playState === 'running').length"
    )
    assert running == 0  # the person asked for less motion


def test_keyboard_reaches_everything_and_shows_where_it_is(watched: tuple[Watched, Live]) -> None:
    page = watched[0].page
    for screen in SCREENS:
        go(watched[0], screen)
        page.locator(f"#{screen}-title").focus()
        reached = []
        for _ in range(60):
            watched[0].press("Tab")
            at = page.evaluate(WALK)
            if at["tag"] == "BODY" or at["id"] == "main" or at in reached:
                break
            reached.append(at)
        buttons = page.locator(f"#{screen} button:visible")
        keys = {buttons.nth(index).get_attribute("data-key") for index in range(buttons.count())} - {None}
        assert keys <= {at["key"] for at in reached}, screen
        footer = page.locator("#keys button")
        assert footer.count() >= 3
        shown = {footer.nth(index).get_attribute("data-key") for index in range(footer.count())}
        assert shown <= {at["key"] for at in reached}, screen  # every key has a button
        unnamed = [at for at in reached if not at["label"] and at["tag"] not in ("CANVAS", "DETAILS")]
        assert unnamed == [], screen
        unseen = [at for at in reached if not at["ring"]]
        assert unseen == [], screen


def colour(page: Any, x: float, y: float) -> list[int]:
    """The pixel of Replay's canvas at a share of its width and height."""
    found: list[int] = page.evaluate(
        "([x, y]) => { const canvas = document.getElementById('replay-canvas');"
        "return [...canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data] }",
        [x, y],
    )
    return found


def test_what_was_looked_at_lies_behind_replay(watched: tuple[Watched, Live], tmp_path: Path) -> None:
    seen, live = watched
    page = seen.page
    go(seen, "record")
    seen.press("r")
    seen.see("#recording", "·")
    page.wait_for_timeout(700)
    seen.press("i")
    page.locator("#stimulus-page").wait_for(state="visible")  # the first by name
    page.wait_for_timeout(1200)
    seen.press("ArrowRight")
    page.locator("#stimulus-image").wait_for(state="visible")
    for _ in range(100):  # there, and then loaded: from then on it counts
        shown = live.sitting.recording.shown
        if shown is not None and shown.name == "red.png":
            break
        page.wait_for_timeout(50)
    seen.press("7")
    page.wait_for_timeout(1200)
    seen.shot("stimulus")
    seen.press("Escape")
    page.locator("#stimulus-image").wait_for(state="hidden")
    page.wait_for_timeout(500)
    seen.press("r")
    seen.see("#notice", "Recorded")

    session = read_session(next((tmp_path / "sittings").iterdir()))
    assert [shown.name for shown in stimuli_of(session)] == ["page.html", "red.png"]
    assert [event.label for event in session.events_of("stimulus")] == ["page.html", "red.png", ""]
    red = stimuli_of(session)[1]
    assert red.start_ns < session.events_of("trigger")[0].t_ns < red.end_ns

    go(seen, "replay")
    seen.see("#replay-words", "frames")
    before = colour(page, 0.02, 0.02)
    first_ns = int(session.rows["t_ns"][0])
    for shown in stimuli_of(session):
        middle_s = ((shown.start_ns + shown.end_ns) / 2 - first_ns) / 1e9
        page.locator("#time").evaluate(
            "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')) }", middle_s
        )
        assert shown.name in seen.see("#replay-caption", "was shown")
        page.wait_for_timeout(500)
        if shown.kind == "page":
            assert colour(page, 0.02, 0.98) == [0, 0, 0, 0]  # to be seen through the canvas
            (wide, high), (canvas_wide, canvas_high) = page.evaluate(PLACES)  # at one moment
            assert abs(wide - canvas_wide) < 4
            assert abs(high - canvas_high) < 4
        else:
            assert np.abs(np.array(colour(page, 0.02, 0.02)[:3]) - (220, 30, 40)).max() < 8
    assert before[:3] != [220, 30, 40]

    areas = [{"name": "all", "x_px": -9999, "y_px": -9999, "width_px": 20000, "height_px": 20000}]
    (tmp_path / "areas.json").write_text(json.dumps(areas))
    page.locator("#areas-file").set_input_files(tmp_path / "areas.json")
    assert "all" in seen.see("#areas", "visits")
    assert json.loads((session.folder / "areas.json").read_text()) == areas
    (tmp_path / "broken.json").write_text("{")
    page.locator("#areas-file").set_input_files(tmp_path / "broken.json")
    seen.see("#notice", "no JSON")
    page.locator("#replay-title").focus()
    seen.press("x")  # takes the last one away
    page.locator("#areas").wait_for(state="hidden")

    with seen.context.expect_page() as opened:
        seen.press("o")
    opened.value.locator("h1").wait_for()
    assert "frames with gaze" in opened.value.locator("table").first.inner_text()
    opened.value.close()
    here = f"127.0.0.1:{live.keys.port}"
    assert all(here in url for url in seen.requests)
    assert [problem for problem in seen.problems if "no JSON" not in problem] == []


def test_pictures_take_the_dots_place_in_turn(watched: tuple[Watched, Live], tmp_path: Path) -> None:
    seen, _ = watched
    page = seen.page
    go(seen, "dots")
    files = []
    for number, size in enumerate(((40, 80), (80, 40))):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(encode_jpeg(np.full((*size, 3), 60 + 100 * number, np.uint8)))
        files.append(path)
    (tmp_path / "notes.txt").write_text("no picture")
    page.locator("#dot-pictures").set_input_files([*files, tmp_path / "notes.txt"])
    assert "1 other file left out" in seen.see("#dot-words", "2 pictures, in turn")
    page.locator("#dots-title").focus()
    seen.press("Space")
    seen.see("#stage-words", "of 5")
    shapes = set()
    for _ in range(100):
        box = page.locator("#dot canvas").first.bounding_box()
        if box is not None:
            shapes.add(box["width"] > box["height"])
        if len(shapes) == 2:
            break
        page.wait_for_timeout(100)
    assert shapes == {True, False}
    seen.press("Escape")
    seen.see("#dots-title")
    assert seen.problems == []


def test_overlay_shows_the_gaze_on_nothing(watched: tuple[Watched, Live]) -> None:
    """As OBS opens it: of another size, without the page's cookie, transparent but for the circle."""
    seen, live = watched
    go(seen, "live")
    seen.press("x")
    words = seen.see("#share-words", "/overlay#")
    assert live.keys.streaming in words
    drawn = (
        "() => { const canvas = document.getElementById('gaze');"
        "const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        "let painted = 0; for (let at = 3; at < pixels.length; at += 4) painted += pixels[at] > 0;"
        "return painted / (pixels.length / 4) }"
    )
    stranger = seen.context.browser.new_context(viewport={"width": 640, "height": 360})
    overlay = stranger.new_page()
    overlay.goto(f"http://127.0.0.1:{live.keys.port}/overlay#{live.keys.streaming}")
    for _ in range(200):
        overlay.wait_for_timeout(50)
        if (share := overlay.evaluate(drawn)) > 0:
            break
    assert 0 < share < 0.5
    assert overlay.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    seen.press("x")  # switched off: it is gone
    for _ in range(200):
        overlay.wait_for_timeout(50)
        if (share := overlay.evaluate(drawn)) == 0:
            break
    assert share == 0
    stranger.close()


def test_a_video_added_on_the_page_plays_and_lies_behind_replay(
    watched: tuple[Watched, Live], tmp_path: Path
) -> None:
    seen, _ = watched
    page = seen.page
    write_green_webm(tmp_path / "green.webm")
    go(seen, "record")
    page.locator("#add-stimuli").set_input_files(tmp_path / "green.webm")
    page.locator("#stimuli option", has_text="green.webm").wait_for(state="attached")
    page.locator("#stimuli").select_option(label="green.webm (video)")
    page.locator("#record-title").focus()
    seen.press("r")
    seen.wait_for_rows(1)
    seen.press("i")
    page.locator("#stimulus-video").wait_for(state="visible")
    page.wait_for_timeout(2500)
    seen.press("Escape", "r")
    seen.see("#notice", "Recorded")
    (folder,) = (tmp_path / "sittings").iterdir()
    (shown,) = stimuli_of(read_session(folder))
    assert (shown.name, shown.kind) == ("green.webm", "video")
    go(seen, "replay")
    seen.see("#replay-words", "frames")
    first_ns = int(read_session(folder).rows["t_ns"][0])
    page.locator("#time").evaluate(
        "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')) }",
        ((shown.start_ns + shown.end_ns) / 2 - first_ns) / 1e9,
    )
    for _ in range(100):
        page.wait_for_timeout(100)
        found = np.array(colour(page, 0.02, 0.5)[:3])
        if np.abs(found - (20, 200, 60)).max() < 25:
            break
    assert np.abs(found - (20, 200, 60)).max() < 25
    assert seen.problems == []


def test_the_screen_itself_is_recorded_and_lies_behind_replay(tmp_path: Path, clip: Path) -> None:
    """Chromium's stand-in for a screen (moving pictures, 16:9), taken by getDisplayMedia as a person's is."""
    live = Live(LiveOptions(source=str(clip), folder=tmp_path / "sittings", thorough=True))
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream=display-media-type=monitor",
    )
    with chromium(*flags) as browser, serving(live):
        seen = Watched(browser)
        seen.page.goto(live.address)
        seen.see("#preview-caption", "cm away")
        assert seen.page.locator("input[name=thorough][value='1']").is_checked()
        go(seen, "record")
        seen.page.locator("#keep-screen").focus()
        seen.press("Space")
        seen.page.locator("#record-title").focus()
        seen.press("r")
        seen.see("#record-state", "with the screen's video")
        seen.page.wait_for_timeout(3000)
        seen.press("r")
        seen.see("#notice", "Recorded")
        (folder,) = (tmp_path / "sittings").iterdir()
        (shown,) = stimuli_of(read_session(folder))
        assert (shown.name, shown.kind) == ("screen.webm", "video")
        kept = folder / "stimuli" / shown.name
        for _ in range(200):
            if length_us(kept) is not None:
                break
            seen.page.wait_for_timeout(50)
        with av.open(str(kept)) as video:
            assert len(list(video.decode(video=0))) >= 3
            assert video.duration / 1e6 == pytest.approx((shown.end_ns - shown.start_ns) / 1e9, abs=1.5)
        go(seen, "replay")
        seen.see("#replay-words", "frames")
        first_ns = int(read_session(folder).rows["t_ns"][0])
        seen.page.locator("#time").evaluate(
            "(slider, time) => { slider.value = time; slider.dispatchEvent(new Event('input')) }",
            ((shown.start_ns + shown.end_ns) / 2 - first_ns) / 1e9,
        )
        grid = (17, 21, 26)  # what Replay draws where nothing was shown
        for _ in range(100):
            seen.page.wait_for_timeout(100)
            found = np.array(colour(seen.page, 0.5, 0.5)[:3])
            if np.abs(found - grid).max() > 25 and found.max() > 30:
                break
        assert found.max() > 30
        assert seen.problems == []


def test_a_switch_that_sends_space_is_enough_from_camera_to_gaze(watched: tuple[Watched, Live]) -> None:
    seen, live = watched
    seen.press("Space")
    seen.see("#dots-title")
    seen.press("Space")
    seen.see("#stage-words", "of 5")
    seen.see(
        "#sentence", " px", 180
    )  # a portrait looks nowhere else, so calibrating may not help, and says so
    seen.press("Space")
    seen.see("#readings", "px")
    assert seen.page.evaluate("() => document.activeElement.id") == "live-title"
    assert live.sitting.calibrating.show is None
    assert seen.problems == []
