"""What a page fetches besides its own files: things to look at, recordings, areas of interest, reports."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from tests.gazers import CHECK_DEG, LAYOUT_DEG, look_at
from tests.web.conftest import origin
from tests.web.test_server import PAGE, at, frame_message, until
from tinytracker.calibration.calibration import Calibration
from tinytracker.errors import UsageError
from tinytracker.images import encode_jpeg
from tinytracker.session.reader import read_session
from tinytracker.session.stimuli import stimuli_of
from tinytracker.web import guard
from tinytracker.web import stimuli as stimuli_module
from tinytracker.web.live import Live
from tinytracker.web.messages import Command
from tinytracker.web.stimuli import Stimuli

PICTURE = encode_jpeg(np.full((90, 160, 3), 77, np.uint8))
HTML = b"<h1>Read this</h1><script>parent.stolen = 1</script>"


def send(page: TestClient, live: Live, name: str, content: bytes) -> Any:
    return page.post("/stimuli", params={"name": name}, content=content, headers=origin(live))


# --- things to look at ---


def test_files_are_taken_listed_and_served_as_they_are(live: Live, page: TestClient) -> None:
    assert page.get("/stimuli").json() == []
    assert send(page, live, "a cat.jpg", PICTURE).json() == [{"name": "a cat.jpg", "kind": "image"}]
    assert send(page, live, "text.html", HTML).json()[1] == {"name": "text.html", "kind": "page"}
    answer = page.get("/stimuli/a%20cat.jpg")
    assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/jpeg")
    policy = page.get("/stimuli/text.html").headers["content-security-policy"]
    assert policy.endswith("; sandbox")  # no script runs, and it may frame nobody but us
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert page.get("/stimuli/other.png").status_code == 404
    assert page.get("/stimuli/..%2F..%2Fetc%2Fpasswd").status_code == 404


@pytest.mark.parametrize(
    "name", ["", "x.exe", "../a.png", "/etc/a.png", ".png", ".hidden.png", "a" * 200 + ".png"]
)
def test_what_cannot_be_shown_is_refused(live: Live, page: TestClient, name: str) -> None:
    answer = send(page, live, name, PICTURE)
    assert answer.status_code == 404
    assert "cannot be shown" in answer.text
    assert page.get("/stimuli").json() == []


def test_too_large_a_file_is_refused_whatever_length_it_announces(
    live: Live, page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(guard.LARGER_BODIES, "/stimuli", 1000)
    assert send(page, live, "a.png", b"x" * 1001).status_code == 413
    monkeypatch.setitem(guard.LARGER_BODIES, "/stimuli", 10_000)
    monkeypatch.setattr(stimuli_module, "LARGEST_FILE", 1000)
    answer = page.post(
        "/stimuli", params={"name": "a.png"}, content=iter([b"x" * 600, b"x" * 600]), headers=origin(live)
    )
    assert answer.status_code == 404
    assert "too large" in answer.text
    assert page.get("/stimuli").json() == []


def test_a_stranger_gets_and_gives_nothing(live: Live, stranger: TestClient) -> None:
    assert send(stranger, live, "a.png", PICTURE).status_code == 403
    for path in ("/stimuli", "/stimuli/a.png", "/sessions", "/sessions/anna/report", "/report"):
        assert stranger.get(path).status_code == 403
    for path in ("/sessions/anna/areas", "/screen"):
        assert stranger.post(path, json={}, headers=origin(live)).status_code == 403


def test_a_folder_of_things_to_look_at(tmp_path: Path) -> None:
    for name in ("b.png", "a.webm", "c.HTML", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    stimuli = Stimuli(tmp_path)
    assert [(entry["name"], entry["kind"]) for entry in stimuli.listed()] == [
        ("a.webm", "video"),
        ("b.png", "image"),
        ("c.HTML", "page"),
    ]
    with pytest.raises(UsageError, match=r"by the name 'notes\.txt'"):
        stimuli.of("notes.txt")
    with pytest.raises(UsageError, match="cannot be shown"):
        Stimuli(tmp_path / "notes.txt")


@pytest.fixture
def recorded(live: Live, page: TestClient, portrait: np.ndarray) -> Path:
    """A recording of twelve frames: two pictures were looked at, one after the other, from its middle on."""
    send(page, live, "one.jpg", PICTURE)
    send(page, live, "two.html", HTML)
    jpeg = encode_jpeg(portrait)
    with (
        page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk,
        page.websocket_connect(at(page, "/frames"), headers=origin(live)) as frames,
    ):
        talk.send_json(PAGE)
        talk.send_json({"do": "record", "name": "anna"})
        until(talk, "recording")

        def see(first: int) -> None:
            for number in range(first, first + 4):
                frames.send_bytes(frame_message(number, jpeg))
                frames.receive_text()
                until(talk, "gaze")

        see(0)
        talk.send_json({"do": "stimulus", "name": "one.jpg"})
        see(4)
        talk.send_json({"do": "stimulus", "name": "two.html"})
        see(8)
        talk.send_json({"do": "stimulus", "name": "nobody.png"})
        assert "nobody.png" in until(talk, "error")["why"]
        talk.send_json({"do": "stop_recording"})
        until(talk, "recorded")
    return live.options.folder / "anna"


def test_what_was_shown_is_kept_with_the_recording_and_lies_behind_replay(
    recorded: Path, page: TestClient
) -> None:
    session = read_session(recorded)
    one, two = stimuli_of(session)
    assert (one.name, two.name, two.kind) == ("one.jpg", "two.html", "page")
    t_ns = session.rows["t_ns"]
    assert t_ns[3] < one.start_ns < t_ns[4]
    assert one.end_ns == two.start_ns < t_ns[8]
    assert two.end_ns == t_ns[-1]  # still there when the recording ended
    assert (recorded / "stimuli" / "one.jpg").read_bytes() == PICTURE
    shown = page.get("/sessions/anna/data").json()["stimuli"]
    assert [entry["name"] for entry in shown] == ["one.jpg", "two.html"]
    assert 0 < shown[0]["from_s"] < shown[0]["to_s"] == shown[1]["from_s"]
    assert page.get("/sessions/anna/stimuli/one.jpg").content == PICTURE
    policy = page.get("/sessions/anna/stimuli/two.html").headers["content-security-policy"]
    assert policy.endswith("; sandbox")
    assert page.get("/sessions/anna/stimuli/gaze.csv").status_code == 404
    assert page.get("/sessions/anna/stimuli/..%2Fgaze.csv").status_code == 404


def test_a_page_that_goes_takes_what_it_shows_along(live: Live, page: TestClient) -> None:
    send(page, live, "one.jpg", PICTURE)
    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk:
        talk.send_json({"do": "stimulus", "name": "one.jpg"})
        talk.send_json({"do": "ping", "t": 1})
        until(talk, "pong")
        assert live.sitting.recording.shown is not None
    assert live.sitting.recording.shown is None


# --- the screen's own video ---


def write_green_webm(path: Path, is_live: bool = False) -> None:
    """Three seconds of green, as VP8: what every browser plays. is_live: without length and index, as a
    browser's recorder writes it."""
    with av.open(str(path), "w", options={"live": "1"} if is_live else {}) as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        green = np.zeros((180, 320, 3), np.uint8)
        green[...] = (20, 200, 60)
        for _ in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(green, format="rgb24")))
        container.mux(stream.encode(None))


def length_us(video: Path) -> int | None:
    with av.open(str(video)) as read:
        return read.duration


def test_a_video_of_the_screen_is_kept_piece_by_piece_and_can_be_sought_in(
    live: Live, page: TestClient, tmp_path: Path
) -> None:
    write_green_webm(tmp_path / "green.webm", is_live=True)
    assert length_us(tmp_path / "green.webm") is None
    video = (tmp_path / "green.webm").read_bytes()
    third = len(video) // 3
    pieces = video[:third], video[third : 2 * third], video[2 * third :]
    kept = live.options.folder / "anna" / "stimuli" / "screen.webm"

    def take(piece: bytes) -> Any:
        return page.post("/screen", content=piece, headers=origin(live))

    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk:
        talk.send_json(PAGE)
        assert "no video of the screen" in take(pieces[0]).text
        talk.send_json({"do": "screen_video", "on": True})
        assert "start one first" in until(talk, "error")["why"]
        talk.send_json({"do": "record", "name": "anna"})
        until(talk, "recording")
        talk.send_json({"do": "screen_video", "on": True})
        talk.send_json({"do": "ping", "t": 1})
        until(talk, "pong")
        for number, piece in enumerate(pieces):
            assert take(piece).status_code == 204
            assert kept.read_bytes() == b"".join(pieces[: number + 1])  # there, whatever happens next
        talk.send_json({"do": "screen_video", "on": False})
        talk.send_json({"do": "stop_recording"})
        until(talk, "recorded")
    (shown,) = stimuli_of(read_session(live.options.folder / "anna"))
    assert (shown.name, shown.kind) == ("screen.webm", "video")
    for _ in range(200):
        if length_us(kept) is not None:
            break
        time.sleep(0.05)
    assert length_us(kept) == pytest.approx(3_000_000, abs=150_000)
    with av.open(str(kept)) as read:
        assert len(list(read.decode(video=0))) == 30
    assert take(b"late").status_code == 404


def test_a_video_of_the_screen_that_is_none_stays_as_it_came(live: Live, page: TestClient) -> None:
    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk:
        talk.send_json(PAGE)
        talk.send_json({"do": "record", "name": "anna"})
        talk.send_json({"do": "screen_video", "on": True})
        talk.send_json({"do": "ping", "t": 1})
        until(talk, "pong")
        assert page.post("/screen", content=b"rubbish", headers=origin(live)).status_code == 204
        talk.send_json({"do": "stop_recording"})
        until(talk, "recorded")
    assert (live.options.folder / "anna" / "stimuli" / "screen.webm").read_bytes() == b"rubbish"


# --- areas of interest ---

AREA = {"name": "face", "x_px": 0, "y_px": 0, "width_px": 1e5, "height_px": 1e5}


def test_areas_are_measured_in_a_time_and_kept_if_asked(recorded: Path, live: Live, page: TestClient) -> None:
    everywhere = AREA | {"x_px": -1e5, "y_px": -1e5, "width_px": 2e5, "height_px": 2e5}

    def measure(**wish: Any) -> Any:
        return page.post("/sessions/anna/areas", json={"areas": [everywhere]} | wish, headers=origin(live))

    whole = measure().json()[0]
    part = measure(from_s=0, to_s=read_session(recorded).rows.time_s[6]).json()[0]
    assert 0 < part["dwell_s"] < whole["dwell_s"]
    assert page.get("/sessions/anna/areas").json() == []
    measure(keep=True)
    assert page.get("/sessions/anna/areas").json() == [everywhere]
    assert json.loads((recorded / "areas.json").read_text()) == [everywhere]
    assert "Areas of interest" in page.get("/sessions/anna/report").text


@pytest.mark.parametrize(
    "wish",
    [
        [],
        7,
        {},
        {"areas": {}},
        {"areas": [7]},
        {"areas": [AREA | {"width_px": 0}]},
        {"areas": [AREA | {"x_px": "left"}]},
        {"areas": [AREA] * 101},
        {"areas": [{"name": "half"}]},
    ],
)
def test_areas_that_are_none_are_refused(recorded: Path, live: Live, page: TestClient, wish: Any) -> None:
    answer = page.post("/sessions/anna/areas", json=wish, headers=origin(live))
    assert answer.status_code == 404
    assert "\n" not in answer.text
    assert not (recorded / "areas.json").exists()


# --- reports ---


def test_reports_open_as_pages_that_can_do_nothing(recorded: Path, live: Live, page: TestClient) -> None:
    answer = page.get("/sessions/anna/report")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "frames" in answer.text
    assert (recorded / "report.html").read_text() == answer.text
    figures = json.loads((recorded / "report.json").read_text())
    assert figures["frames"] == 12
    (light,) = figures["light"]
    assert light["from_s"] == 0
    assert light["words"] in answer.text
    assert ("was a guess" in answer.text) != live.sitting.size_is_known
    assert page.get("/report").status_code == 404
    rng = np.random.default_rng(3)
    truth = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
    fitted = Calibration.fit([look_at(place, truth, rng) for place in LAYOUT_DEG[:5]])
    check = fitted.check([look_at(place, truth, rng) for place in CHECK_DEG])
    live.sitting.calibrating.candidate = fitted.with_check(check)
    answer = page.get("/report")
    assert answer.status_code == 200
    assert check.sentence in answer.text
    assert ("was a guess" in answer.text) != live.sitting.size_is_known
    assert answer.text.count("<tr><td>") >= 6 + len(check.dots)
    assert f"<td>{check.dots[1].error_deg:.2f}</td>" in answer.text


def test_what_is_saved_is_the_newest_made_or_else_the_one_in_force(live: Live, page: TestClient) -> None:
    rng, truth = np.random.default_rng(4), np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])

    def saved(sign: float) -> str:
        dots = [look_at(place, sign * truth, rng) for place in LAYOUT_DEG[:5]]
        fitted = Calibration.fit(dots)
        calibrating.check = fitted.check([look_at(place, sign * truth, rng) for place in CHECK_DEG])
        calibrating.candidate = fitted.with_check(calibrating.check)
        return save()

    def save() -> str:
        before = set(live.options.folder.glob("*.json")) if live.options.folder.is_dir() else set()
        live.server.desk.obey(Command('{"do": "save_profile"}'))
        (new,) = set(live.options.folder.glob("*.json")) - before
        assert "How good is it?" in new.with_suffix(".html").read_text()
        return new.stem

    calibrating = live.sitting.calibrating
    first = saved(1.0)
    calibrating.keep()
    assert calibrating.stage.calibration is not None
    assert first == f"calibration-{calibrating.stage.calibration.id}"
    calibrating.stage.calibration = calibrating.stage.calibration.recentred(look_at((0.0, -9.0), truth, rng))
    assert save() == f"calibration-{calibrating.stage.calibration.id}" != first
    second = saved(-1.0)
    assert calibrating.candidate is not None
    assert second == f"calibration-{calibrating.candidate.id}"
