"""`tinytracker screen --measure`: a page on which a bank card says how large a screen is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tinytracker.devices import Device
from tinytracker.errors import TinytrackerError
from tinytracker.extras import need
from tinytracker.tracking.monitors import Monitor, screen_of_monitor
from tinytracker.web.guard import Guard, Keys
from tinytracker.web.messages import Command
from tinytracker.web.screens import CARD_WIDTH_CM
from tinytracker.web.serving import Door, listen, uvicorn_of

if TYPE_CHECKING:
    import uvicorn

STATIC = Path(__file__).parent / "static"
LARGEST_PX = 32_768


class Measuring:
    """A server that waits for one person to measure one screen.

    measuring = Measuring()
    webbrowser.open(measuring.address)
    screen = measuring.run()  # None if nobody did
    """

    def __init__(self, port: int = 0) -> None:
        need("uvicorn", "web")
        self._listener = listen(port)
        self.keys = Keys(self._listener.getsockname()[1])
        self.address = self.keys.address
        self.screen: Device | None = None
        routes = [
            Route("/", self._show),
            Route("/enter", Door(self.keys).enter, methods=["POST"]),
            Route("/measured", self._measured, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        self.app = Starlette(routes=routes, middleware=[Middleware(Guard, keys=self.keys)])
        self._uvicorn: uvicorn.Server | None = None

    def run(self, ready: Callable[[], None] = lambda: None) -> Device | None:
        """Serves until somebody has measured, Ctrl-C or `stop`. ready: called once the page can be opened."""
        self._uvicorn = uvicorn_of(self.app, ready)
        with contextlib.closing(self._listener):
            self._uvicorn.run(sockets=[self._listener])
        return self.screen

    def stop(self) -> None:
        """Ends `run` soon; from any thread."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    async def _show(self, request: Request) -> Response:
        return FileResponse(STATIC / "measure.html")

    async def _measured(self, request: Request) -> Response:
        """{"do": "measured", width, height, scale, left, top, card_px, camera_x_cm (null: the middle),
        camera_y_cm}, in CSS pixels."""
        if not self.keys.is_page(request.headers):
            return PlainTextResponse("open the address that the command printed", 403)
        try:
            self.screen = measured_screen(Command((await request.body()).decode(errors="replace")))
        except TinytrackerError as error:
            return PlainTextResponse(str(error), 400)
        self.stop()
        return PlainTextResponse(f"{self.screen.screen_width_cm:g} x {self.screen.screen_height_cm:g} cm")


def measured_screen(measured: Command) -> Device:
    """What the page has measured, as a screen for --screen; raises UsageError for what is no screen."""
    scale = measured.positive("scale", 20)
    width_px, height_px = measured.positive("width", LARGEST_PX), measured.positive("height", LARGEST_PX)
    monitor = Monitor(
        name="measured with a card",
        x_px=round(measured.number("left", 0)),
        y_px=round(measured.number("top", 0)),
        width_px=round(width_px * scale),
        height_px=round(height_px * scale),
        width_cm=None,
        height_cm=None,
    )
    return screen_of_monitor(
        monitor,
        width_cm=CARD_WIDTH_CM * width_px / measured.positive("card_px"),
        camera_above_cm=measured.number("camera_y_cm", 1.0, largest=300),
        camera_right_cm=None
        if measured.is_missing("camera_x_cm")
        else measured.number("camera_x_cm", largest=300),
    )
