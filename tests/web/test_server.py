"""The routes and who may use them, by Starlette's client: no browser, no camera."""

from __future__ import annotations

import csv
import json
import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tests.web.conftest import origin
from tinytracker.images import encode_jpeg
from tinytracker.session.reader import read_session
from tinytracker.web.guard import LARGEST_BODY, Rate
from tinytracker.web.live import Live
from tinytracker.web.server import BUSY, NOT_ALLOWED, TAKEN_OVER, TOO_MUCH

PAGE = {"do": "page", "width": 1280, "height": 720, "scale": 1, "left": 0, "top": 0}


def at(client: TestClient, path: str) -> str:
    """The address of a WebSocket, with the right host."""
    return f"ws://{client.base_url.host}:{client.base_url.port}{path}"


def refused(client: TestClient, path: str, headers: dict[str, str]) -> int:
    """The code that a WebSocket is refused with."""
    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        client.websocket_connect(at(client, path), headers=headers) as socket,
    ):
        socket.receive_text()
    return refusal.value.code


def until(socket: WebSocketTestSession, kind: str, most: int = 400) -> dict[str, Any]:
    """The next message of a type within 20 s; others are passed over."""
    ends = time.monotonic() + 20
    for _ in range(most):
        assert time.monotonic() < ends, f"no {kind} within 20 s"
        message = socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"])
        fields = json.loads(message["text"]) if message.get("text") else {}
        if fields.get("type") == kind:
            return fields
    raise AssertionError(f"no {kind} in {most} messages")


# --- who may enter ---


def test_page_is_served_with_a_strict_policy(stranger: TestClient) -> None:
    answer = stranger.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["permissions-policy"].startswith("camera=(self)")
    assert stranger.get("/static/main.js").headers["content-security-policy"] == policy


def test_every_file_of_the_page_is_served_and_names_no_other_host(stranger: TestClient) -> None:
    static = Path(__file__).parents[2] / "src" / "tinytracker" / "web" / "static"
    files = [path for path in static.rglob("*") if path.is_file()]
    assert len(files) >= 15
    for path in files:
        answer = stranger.get(f"/static/{path.relative_to(static)}")
        assert answer.status_code == 200
        text = answer.text.replace("http://www.w3.org/2000/svg", "").replace("http://${location.host}", "")
        assert "http://" not in text
        assert "https://" not in text
    assert stranger.get("/static/../server.py").status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "localhost.evil.example:{port}", ""]
)
def test_foreign_hosts_are_refused(live: Live, stranger: TestClient, host: str) -> None:
    answer = stranger.get("/", headers={"host": host.format(port=live.keys.port)})
    assert answer.status_code == 400
    assert "127.0.0.1" in answer.text
    assert stranger.get("/", headers={"host": f"localhost:{live.keys.port}"}).status_code == 200


def test_token_is_long_random_and_exchanged_for_a_strict_cookie(live: Live, stranger: TestClient) -> None:
    assert len(live.keys.token) >= 22  # 128 bits in base64
    assert len({live.keys.token, live.keys.cookie, live.keys.streaming}) == 3
    for wrong in ("", "x", live.keys.token[:-1], live.keys.cookie, 7, None):
        answer = stranger.post("/enter", content=json.dumps({"token": wrong}), headers=origin(live))
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    answer = stranger.post("/enter", json={"token": live.keys.token}, headers=origin(live))
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_guessing_the_token_is_slow(live: Live, stranger: TestClient) -> None:
    began_s = time.monotonic()
    codes = [
        stranger.post("/enter", json={"token": "x"}, headers=origin(live)).status_code for _ in range(60)
    ]
    assert codes[0] == 403
    assert codes.count(403) <= 11 + (time.monotonic() - began_s)  # ten at once, then one a second


@pytest.mark.parametrize("path", ["/sessions", "/sessions/anna/data", "/stimuli", "/report"])
def test_without_the_cookie_nothing_is_told(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code in (403, 404)


def test_foreign_origins_are_refused(live: Live, page: TestClient) -> None:
    for foreign in (
        "http://evil.example",
        f"http://127.0.0.1:{live.keys.port + 1}",
        "null",
        f"https://127.0.0.1:{live.keys.port}",
    ):
        assert page.post("/trigger", json={"name": "x"}, headers={"origin": foreign}).status_code == 403
        assert refused(page, "/ws", {"origin": foreign}) == NOT_ALLOWED
        assert refused(page, "/stream", {"origin": foreign}) == NOT_ALLOWED
    assert refused(page, "/ws", {}) == NOT_ALLOWED  # no origin: no page


def test_sockets_need_the_cookie(live: Live, stranger: TestClient) -> None:
    for path in ("/ws", "/frames", "/stream", "/overlay/ws"):
        assert refused(stranger, path, origin(live)) == NOT_ALLOWED


def test_large_bodies_are_refused(live: Live, page: TestClient) -> None:
    answer = page.post("/trigger", content=b"x" * (LARGEST_BODY + 1), headers=origin(live))
    assert answer.status_code == 413
    length = {"content-length": "many"}
    assert page.post("/trigger", content=b"{}", headers=origin(live) | length).status_code == 413


# --- the page's connection ---


def test_one_page_at_a_time_and_taking_over(live: Live, page: TestClient) -> None:
    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as first:
        assert until(first, "hello")["model"] == "tinytracker-eyes"
        assert refused(page, "/ws", origin(live)) == BUSY
        with page.websocket_connect(at(page, "/ws?take=1"), headers=origin(live)) as second:
            until(second, "hello")
            with pytest.raises(WebSocketDisconnect) as closed:
                until(first, "never")
            assert closed.value.code == TAKEN_OVER
            second.send_json({"do": "ping", "t": 3.5})
            assert until(second, "pong")["t"] == 3.5


RUBBISH = [
    "",
    "{",
    "[]",
    "7",
    "null",
    '{"do": 7}',
    '{"do": "nothing"}',
    '{"do": "page"}',
    '{"do": "page", "width": 1e999}',
    '{"do": "page", "width": -1, "height": 720, "scale": 1}',
    '{"do": "page", "width": true, "height": 720, "scale": 1}',
    '{"do": "dots", "dots": 7}',
    '{"do": "dots", "dots": "5"}',
    '{"do": "dots", "dots": 5, "pace": "fast"}',
    '{"do": "screen_size", "card": true, "card_px": 0}',
    '{"do": "screen_size", "card": false, "width_cm": 1000}',
    '{"do": "keep"}',
    '{"do": "undo"}',
    '{"do": "check"}',
    '{"do": "redo"}',
    '{"do": "save_profile"}',
    '{"do": "record", "name": "../../etc"}',
    '{"do": "record", "name": 5}',
    '{"do": "smoothing", "name": "honey"}',
    '{"do": "stream", "kind": "udp", "on": true, "port": 99999}',
    '{"do": "stream", "kind": "telepathy", "on": true}',
    "[" * 60_000,
]


@pytest.mark.parametrize("text", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_answered_in_one_line_and_changes_nothing(live: Live, page: TestClient, text: str) -> None:
    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as socket:
        socket.send_json(PAGE)
        socket.send_text(text)
        why = until(socket, "error")["why"]
        assert why
        assert "\n" not in why
        assert len(why) < 700
        socket.send_json({"do": "ping", "t": 1})
        until(socket, "pong")
    assert not live.sitting.recording.is_on
    assert live.sitting.calibrating.stage.calibration is None
    assert not live.sitting.streams


def flood(socket: WebSocketTestSession) -> None:
    for number in range(2000):
        socket.send_json({"do": "ping", "t": number})
    until(socket, "never", most=4000)


def test_too_many_messages_end_the_connection(live: Live, page: TestClient) -> None:
    with page.websocket_connect(at(page, "/ws"), headers=origin(live)) as socket:
        with pytest.raises(WebSocketDisconnect) as closed:
            flood(socket)
        assert closed.value.code == TOO_MUCH


def test_rate() -> None:
    now = 0.0
    rate = Rate(10, 3, lambda: now)
    assert [rate.allows() for _ in range(4)] == [True, True, True, False]
    now = 0.15
    assert [rate.allows() for _ in range(2)] == [True, False]
    now = 100.0
    assert [rate.allows() for _ in range(4)] == [True, True, True, False]


def test_server_ends_when_the_last_page_has_been_gone(tmp_path: Path) -> None:
    from tinytracker.web.live import LiveOptions

    ended: list[float] = []
    live = Live(LiveOptions(frames_by="browser", folder=tmp_path, leaves_after_s=0.3))
    live.server._finish = lambda: ended.append(time.monotonic())
    with TestClient(live.server.app, base_url=f"http://127.0.0.1:{live.keys.port}") as client:
        client.post("/enter", json={"token": live.keys.token}, headers=origin(live))
        with client.websocket_connect(at(client, "/ws"), headers=origin(live)) as socket:
            until(socket, "hello")
            time.sleep(0.7)
            assert not ended
            left = time.monotonic()
        while not ended and time.monotonic() < left + 30:
            time.sleep(0.05)
        assert ended
        assert ended[0] - left >= 0.3
    live._listener.close()


# --- frames of the browser's camera ---


def frame_message(number: int, jpeg: bytes, taken_ms: float = 0.0) -> bytes:
    return struct.pack(">Id", number, taken_ms) + jpeg


def bomb(width: int, height: int) -> bytes:
    """The head of a JPEG that says it is that large."""
    return (
        b"\xff\xd8\xff\xc0\x00\x11\x08"
        + struct.pack(">HH", height, width)
        + b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
        + b"\xff\xd9"
    )


def test_rubbish_frames_are_refused_and_good_ones_after_them_taken(
    live: Live, page: TestClient, portrait: np.ndarray
) -> None:
    jpeg = encode_jpeg(portrait)
    rubbish = [
        b"",
        b"short",
        frame_message(1, b""),
        frame_message(1, b"GIF89a" + b"0" * 50),
        frame_message(1, bomb(60_000, 60_000)),
        frame_message(1, b"\xff\xd8\xff\xd9"),
    ]
    half = frame_message(2, jpeg[: len(jpeg) // 2], float("nan"))
    with (
        page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk,
        page.websocket_connect(at(page, "/frames"), headers=origin(live)) as frames,
    ):
        talk.send_json(PAGE)
        for message in rubbish:
            frames.send_bytes(message)
            assert json.loads(frames.receive_text())["type"] == "refused"
        frames.send_bytes(half)
        frames.receive_text()
        for number in range(3, 9):
            frames.send_bytes(frame_message(number, jpeg, 1e300))
            assert json.loads(frames.receive_text()) == {"type": "taken", "number": number}
            time.sleep(0.05)
        gaze = until(talk, "gaze")
        assert gaze["why"] == ""
        assert gaze["x"] is not None
        time.sleep(0.5)  # lamps are told twice a second, and not always after their frame's gaze
        frames.send_bytes(frame_message(9, jpeg))
        lamps = {lamp["name"]: lamp for lamp in until(talk, "lamps")["lamps"]}
        assert lamps["face"]["state"] == "good"
        assert set(lamps) == {"face", "eyes", "light", "glare", "distance", "rate"}


# --- other programs ---


def test_trigger_by_http_is_recorded(live: Live, page: TestClient, portrait: np.ndarray) -> None:
    key = {"authorization": f"Bearer {live.keys.streaming}"}
    with (
        page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk,
        page.websocket_connect(at(page, "/frames"), headers=origin(live)) as frames,
    ):
        talk.send_json(PAGE)
        talk.send_json({"do": "record", "name": "with triggers", "video": False})
        assert until(talk, "recording")["on"] in (True, False)
        frames.send_bytes(frame_message(1, encode_jpeg(portrait)))
        until(talk, "gaze")
        page.cookies.clear()
        assert page.post("/trigger", json={"name": "picture 7"}).status_code == 403
        before = time.monotonic_ns()
        answer = page.post("/trigger", json={"name": "picture 7"}, headers=key)
        assert answer.json()["recorded"] is True
        assert before <= answer.json()["t_ns"] <= time.monotonic_ns()
        for wrong in ({}, {"name": ""}, {"name": 5}, {"name": "x" * 81}):
            assert page.post("/trigger", json=wrong, headers=key).status_code == 400
        talk.send_json({"do": "stop_recording"})
        assert until(talk, "recorded")["frames"] >= 1
    session = read_session(live.options.folder / "with triggers")
    assert session.info.closed
    assert [event.label for event in session.events_of("trigger")] == ["picture 7"]
    assert session.info.camera.frames_by == "browser"


def test_stream_is_off_until_asked_for_and_then_gives_gaze(
    live: Live, page: TestClient, portrait: np.ndarray
) -> None:
    stream = f"/stream?key={live.keys.streaming}"
    assert refused(page, stream, {}) == NOT_ALLOWED
    with (
        page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk,
        page.websocket_connect(at(page, "/frames"), headers=origin(live)) as frames,
    ):
        talk.send_json(PAGE)
        talk.send_json({"do": "stream", "kind": "websocket", "on": True})
        assert until(talk, "streams")["on"] == ["websocket"]
        page.cookies.clear()
        assert refused(page, "/stream?key=wrong", {}) == NOT_ALLOWED
        with page.websocket_connect(at(page, stream)) as program:
            time.sleep(0.1)
            frames.send_bytes(frame_message(1, encode_jpeg(portrait)))
            gaze = until(program, "gaze")
            assert gaze["valid"] is True
            assert gaze["norm_x"] == pytest.approx(gaze["x_px"] / 1280, abs=1e-4)
            talk.send_json({"do": "trigger", "name": "now"})
            assert until(program, "trigger")["label"] == "now"
            talk.send_json({"do": "stream", "kind": "websocket", "on": False})
            with pytest.raises(WebSocketDisconnect):
                until(program, "never")


class FullDisk:
    """A file on a disk that is full from now on."""

    def write(self, text: str) -> int:
        disk = os.open("/dev/full", os.O_WRONLY)
        try:
            return os.write(disk, text.encode())
        finally:
            os.close(disk)


def test_a_full_disk_ends_the_recording_and_not_the_sitting(
    live: Live, page: TestClient, portrait: np.ndarray
) -> None:
    jpeg = encode_jpeg(portrait)
    with (
        page.websocket_connect(at(page, "/ws"), headers=origin(live)) as talk,
        page.websocket_connect(at(page, "/frames"), headers=origin(live)) as frames,
    ):

        def see(number: int) -> None:
            frames.send_bytes(frame_message(number, jpeg))
            frames.receive_text()
            until(talk, "gaze")

        talk.send_json(PAGE)
        talk.send_json({"do": "record", "name": "anna"})
        until(talk, "recording")
        see(1)
        see(2)
        ends = time.monotonic() + 20
        while live.sitting.recording.frames < 2:  # a gaze is told before its row is written
            assert time.monotonic() < ends
            time.sleep(0.01)
        recorder = live.sitting.recording._recorder
        assert recorder is not None
        recorder._gaze = csv.writer(FullDisk())
        frames.send_bytes(frame_message(3, jpeg))
        why = until(talk, "recording_lost")["why"]
        assert "No space left" in why
        assert "2 rows are kept" in why
        assert until(talk, "recording")["on"] is False
        see(4)
    assert len(read_session(live.options.folder / "anna").rows) == 2
