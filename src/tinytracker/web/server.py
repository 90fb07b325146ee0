"""The server: routes, one sitting, and when it ends.

/                    the page          /overlay        gaze alone, for OBS
POST /enter          token -> cookie   /static/...     CSS, JavaScript
/ws                  page's WebSocket  /frames         the browser's camera
/stream              gaze as JSON for other programs    POST /trigger   an event from other programs
/stimuli, /sessions, /screen, /report  files and reports (`library.py`)
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from tinytracker.errors import TinytrackerError
from tinytracker.session.events import Event
from tinytracker.tracking.cameras import list_cameras
from tinytracker.tracking.filters import FILTERS
from tinytracker.web.browser import BrowserSource
from tinytracker.web.guard import Guard, Keys, Rate
from tinytracker.web.hub import Client, Hub
from tinytracker.web.library import Library
from tinytracker.web.messages import Command, as_text
from tinytracker.web.obeying import Desk
from tinytracker.web.serving import Door
from tinytracker.web.smoothing import NONE
from tinytracker.web.streams import WEBSOCKET
from tinytracker.web.tracking import TrackingThread

STATIC = Path(__file__).parent / "static"
LEAVES_AFTER_S = 60.0
FIRST_PAGE_WITHIN_S = 600.0
MESSAGES_PER_S, MESSAGES_AT_ONCE = 60.0, 120.0
FRAMES_PER_S, FRAMES_AT_ONCE = 90.0, 30.0
TRIGGERS_PER_S, TRIGGERS_AT_ONCE = 100.0, 200.0
# WebSocket close codes of ours.
NOT_ALLOWED, BUSY, TAKEN_OVER, TOO_MUCH = 4403, 4409, 4410, 4429
_log = logging.getLogger(__name__)


class Server:
    """One sitting behind its routes.

    finish: called once, when the last page has been gone for `leaves_after_s`. greeting: what a page is told
    first, beside the sitting's state.
    """

    def __init__(
        self,
        keys: Keys,
        hub: Hub,
        desk: Desk,
        tracking: TrackingThread,
        library: Library,
        *,
        browser_camera: BrowserSource | None = None,
        is_demo: bool = False,
        is_thorough: bool = False,
        finish: Callable[[], None] = lambda: None,
        leaves_after_s: float = LEAVES_AFTER_S,
    ) -> None:
        self.keys, self.hub, self.desk, self.tracking, self.library = keys, hub, desk, tracking, library
        self.browser_camera = browser_camera
        self.is_demo = is_demo
        self.is_thorough = is_thorough
        self._finish = finish
        self._leaves_after_s = leaves_after_s
        self._page: tuple[Client, WebSocket] | None = None
        self._tracks = False
        self._alone_since_s = time.monotonic() + FIRST_PAGE_WITHIN_S
        self._triggers = Rate(TRIGGERS_PER_S, TRIGGERS_AT_ONCE)

    @property
    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/", self._show_page),
            Route("/overlay", self._show_overlay),
            Route("/enter", Door(self.keys).enter, methods=["POST"]),
            Route("/trigger", self._trigger, methods=["POST"]),
            *self.library.routes,
            WebSocketRoute("/ws", self._talk),
            WebSocketRoute("/overlay/ws", self._overlay),
            WebSocketRoute("/stream", self._stream),
            WebSocketRoute("/frames", self._frames),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(
            routes=routes, middleware=[Middleware(Guard, keys=self.keys)], lifespan=self._lifespan
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.hub.begin()
        watch = asyncio.create_task(self._leave_when_alone())
        try:
            yield
        finally:
            watch.cancel()
            if self.browser_camera is not None:
                self.browser_camera.leave()
            self.tracking.stop()
            with contextlib.suppress(TinytrackerError):
                self.desk.sitting.recording.stop()
            for stream in self.desk.sitting.streams.values():
                stream.close()
            self.desk.stimuli.close()

    async def _leave_when_alone(self) -> None:
        while self._page is not None or time.monotonic() - self._alone_since_s < self._leaves_after_s:
            await asyncio.sleep(min(1.0, self._leaves_after_s / 4))
        _log.info("the last page has been gone for %g s", self._leaves_after_s)
        self._finish()

    # --- pages ---

    async def _show_page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _show_overlay(self, request: Request) -> Response:
        return FileResponse(STATIC / "overlay.html")

    # --- other programs ---

    async def _trigger(self, request: Request) -> Response:
        """POST {"name": "..."} from the page or, with the streaming key, from another program."""
        t_ns = time.monotonic_ns()
        if not (self.keys.is_page(request.headers) or self.keys.is_program(request.headers)):
            return PlainTextResponse("the streaming key is missing: Authorization: Bearer KEY", 403)
        if not self._triggers.allows():
            return PlainTextResponse(f"at most {TRIGGERS_PER_S:g} triggers a second", 429)
        try:
            name = json.loads(await request.body())["name"]
        except (ValueError, KeyError, TypeError):
            name = None
        if not isinstance(name, str) or not 0 < len(name) <= 80:
            return PlainTextResponse('expected {"name": "..."}, up to 80 letters', 400)
        with self.desk.sitting.lock:
            self.desk.sitting.note(Event(t_ns, "trigger", label=name))
        return JSONResponse({"t_ns": t_ns, "recorded": self.desk.sitting.recording.is_on})

    async def _stream(self, socket: WebSocket) -> None:
        """Gaze and events as JSON, for programs with the streaming key."""
        await self._look_on(socket, Client("stream"))

    async def _overlay(self, socket: WebSocket) -> None:
        """Gaze for /overlay, which OBS opens with the streaming key in its fragment."""
        await self._look_on(socket, Client("overlay"))

    async def _look_on(self, socket: WebSocket, client: Client) -> None:
        """Sends to somebody who only listens, if that is switched on and they have the key; ends when they
        leave."""
        has_key = self.keys.is_program(socket.headers, socket.query_params.get("key", ""))
        if WEBSOCKET not in self.desk.sitting.streams or not (has_key or self.keys.is_page(socket.headers)):
            await socket.close(NOT_ALLOWED, "not switched on in Live, or the streaming key is missing")
            return
        await socket.accept()
        if client.audience == "overlay" and self.desk.sitting.screen is not None:
            client.put(as_text({"type": "screen", **self.desk.sitting.screen_message()}))
        self.hub.add(client)
        sending = asyncio.create_task(_send(client, socket))
        try:
            while True:
                await socket.receive_text()
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass
        finally:
            self.hub.remove(client)
            sending.cancel()

    # --- the page's own connection ---

    async def _talk(self, socket: WebSocket) -> None:
        """One page at a time; a second one may take over (?take=1)."""
        if not self.keys.is_page(socket.headers):
            await socket.close(NOT_ALLOWED, "open the address that the command printed")
            return
        await socket.accept()
        if self._page is not None:
            if socket.query_params.get("take") != "1":
                await socket.close(BUSY, "another page has this sitting")
                return
            client, other = self._page
            self.hub.remove(client)
            with contextlib.suppress(RuntimeError):
                await other.close(TAKEN_OVER, "another page took over")
        client = Client("page")
        self._page = client, socket
        self.hub.add(client)
        sending = asyncio.create_task(_send(client, socket))
        try:
            self._greet(client)
            await self._listen(socket, client)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.hub.remove(client)
            sending.cancel()
            if self._page is not None and self._page[0] is client:
                self._page = None
                self._alone_since_s = time.monotonic()
                with contextlib.suppress(TinytrackerError):
                    self.desk.nothing_is_shown()

    def _greet(self, client: Client) -> None:
        sitting = self.desk.sitting
        greeting = {
            "type": "hello",
            "demo": self.is_demo,
            "thorough": self.is_thorough,
            "browser_camera": self.browser_camera is not None,
            "model": sitting.network.name,
            "camera": {"source": sitting.camera.source, "problem": sitting.camera_problem},
            "cameras": None if self.desk.use_camera is None else [asdict(one) for one in list_cameras()],
            "screen": None if sitting.screen is None else sitting.screen_message(),
            "calibration": sitting.calibration_message(),
            "check": sitting.calibrating.check_message(),
            "streams": sorted(sitting.streams),
            "stimuli": self.desk.stimuli.listed(),
            "streaming_key": self.keys.streaming,
            "smoothing": self.desk.smoothing.name,
            "smoothings": [*FILTERS, NONE],
        }
        client.put(as_text(greeting))
        sitting.recording.tell()

    async def _listen(self, socket: WebSocket, client: Client) -> None:
        rate = Rate(MESSAGES_PER_S, MESSAGES_AT_ONCE)
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not rate.allows():
                await socket.close(TOO_MUCH, "too many messages")
                return
            text = message.get("text")
            try:
                if text is None:
                    raise TinytrackerError("frames belong to /frames, not here")
                self._do(Command(text), client)
            except TinytrackerError as error:
                client.put(as_text({"type": "error", "why": str(error)}))

    def _do(self, command: Command, client: Client) -> None:
        if command.name == "ping":
            client.put(
                as_text(
                    {
                        "type": "pong",
                        "t": command.number("t", largest=1e15),
                        "ours": time.monotonic_ns() / 1e6,
                    }
                )
            )
            return
        if command.name == "preview":
            client.wants_preview = command.flag("on")
            return
        self.desk.obey(command)
        if command.name == "page":
            if not self._tracks:
                self._tracks = True
                self.tracking.start()
            self.desk.sitting.calibrating.show_anew()
        if (
            command.name == "clock"
            and self.browser_camera is not None
            and self.desk.sitting.clock is not None
        ):
            self.browser_camera.page_offset_ms = self.desk.sitting.clock.offset_ms

    async def _frames(self, socket: WebSocket) -> None:
        """JPEG frames of the browser's camera, each answered by its number before the next may come."""
        if not self.keys.is_page(socket.headers) or self.browser_camera is None:
            await socket.close(NOT_ALLOWED, "frames are not wanted here; start with --camera browser")
            return
        await socket.accept()
        rate = Rate(FRAMES_PER_S, FRAMES_AT_ONCE)
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not rate.allows():
                    await socket.close(TOO_MUCH, "too many frames")
                    return
                try:
                    number = self.browser_camera.push(message.get("bytes") or b"")
                    await socket.send_text(as_text({"type": "taken", "number": number}))
                except TinytrackerError as error:
                    await socket.send_text(as_text({"type": "refused", "why": str(error)}))
        except (WebSocketDisconnect, RuntimeError):
            return


async def _send(client: Client, socket: WebSocket) -> None:
    """Sends what waits for a client until it is gone."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while not client.is_lost:
            for message in await client.taken():
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_text(message)
        await socket.close(TOO_MUCH, "the page does not read what it is sent")
