"""Files and reports that a page fetches: what can be shown, recorded sessions, and how good they are.

/stimuli, /stimuli/NAME                what can be shown; POST /stimuli?name=NAME adds a file
/sessions, /sessions/NAME/WHAT         recordings (`replay.Replay.answer`)
/sessions/NAME/areas   POST            areas of interest: measured, and kept
/sessions/NAME/stimuli/FILE            what was shown then
/screen                POST            a piece of the screen's video, for the recording that goes on
/report                                the check of the calibration at hand, as a page of its own
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tinytracker.errors import TinytrackerError
from tinytracker.session.check_report import check_report_html
from tinytracker.web.guard import Keys
from tinytracker.web.obeying import Desk
from tinytracker.web.replay import REPORT_POLICY, Replay

# A page somebody brings along: it may look as it likes and do nothing. Its frame is ours alone.
STIMULUS_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:; "
    "frame-ancestors 'self'; sandbox"
)
Answer = Callable[[Request], Awaitable[Response]]


class Library:
    """The routes; each answers only to the page."""

    def __init__(self, keys: Keys, desk: Desk, replay: Replay) -> None:
        self._keys, self._desk, self._replay = keys, desk, replay

    @property
    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/stimuli", self._only_page(self._stimuli)),
            Route("/stimuli", self._only_page(self._add_stimulus), methods=["POST"]),
            Route("/stimuli/{name}", self._only_page(self._stimulus)),
            Route("/sessions", self._only_page(self._sessions)),
            Route("/sessions/{name}/areas", self._only_page(self._areas), methods=["POST"]),
            Route("/sessions/{name}/stimuli/{file}", self._only_page(self._shown_stimulus)),
            Route("/sessions/{name}/{what}", self._only_page(self._session)),
            Route("/screen", self._only_page(self._take_screen), methods=["POST"]),
            Route("/report", self._only_page(self._report)),
        ]

    def _only_page(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            if not self._keys.is_page(request.headers):
                return PlainTextResponse("open the address that the command printed", 403)
            try:
                return await answer(request)
            except TinytrackerError as error:
                return PlainTextResponse(str(error), 404)

        return guarded

    async def _stimuli(self, request: Request) -> Response:
        return JSONResponse(self._desk.stimuli.listed())

    async def _add_stimulus(self, request: Request) -> Response:
        try:
            await self._desk.stimuli.receive(request.query_params.get("name", ""), request.stream())
        except ClientDisconnect:
            return PlainTextResponse("the file did not come whole", 400)
        return JSONResponse(self._desk.stimuli.listed())

    async def _stimulus(self, request: Request) -> Response:
        stimulus = self._desk.stimuli.of(request.path_params["name"])
        return FileResponse(
            stimulus.path,
            headers={"content-security-policy": STIMULUS_POLICY} if stimulus.kind == "page" else None,
        )

    async def _sessions(self, request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._replay.list))

    async def _session(self, request: Request) -> Response:
        return await asyncio.to_thread(
            self._replay.answer, request.path_params["name"], request.path_params["what"]
        )

    async def _areas(self, request: Request) -> Response:
        try:
            wish = json.loads(await request.body())
        except (ValueError, RecursionError):
            return PlainTextResponse("expected areas as JSON", 400)
        return await asyncio.to_thread(self._replay.measure_areas, request.path_params["name"], wish)

    async def _shown_stimulus(self, request: Request) -> Response:
        path = self._replay.stimulus(request.path_params["name"], request.path_params["file"])
        is_page = path.suffix.lower() in (".html", ".htm")
        return FileResponse(path, headers={"content-security-policy": STIMULUS_POLICY} if is_page else None)

    async def _take_screen(self, request: Request) -> Response:
        piece, sitting = await request.body(), self._desk.sitting

        def take() -> None:
            with sitting.lock:
                sitting.recording.take_screen(piece)

        await asyncio.to_thread(take)
        return Response(status_code=204)

    async def _report(self, request: Request) -> Response:
        with self._desk.sitting.lock:
            sitting = self._desk.sitting
            html = check_report_html(
                sitting.calibrating.candidate or sitting.calibrating.stage.calibration,
                sitting.size_is_known,
            )
        return HTMLResponse(html, headers={"content-security-policy": REPORT_POLICY})
