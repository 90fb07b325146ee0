"""A server on this machine alone, and the door by which its page comes in."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tinytracker.errors import UsageError
from tinytracker.web.guard import LOOPBACK, Keys, Rate

if TYPE_CHECKING:
    import uvicorn

LARGEST_MESSAGE = 4_000_000  # a frame of the browser's camera


def listen(port: int) -> socket.socket:
    """A socket on this machine alone, 0 for any free port; raises UsageError if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK[0], port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; choose another, or leave --port out"
        ) from error
    listener.listen(64)
    return listener


def uvicorn_of(app: Starlette, ready: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """Ready to `run(sockets=[listener])`; it ends by Ctrl-C, or when its `should_exit` is set.

    ready: called once it answers and Ctrl-C is in its hands. (Said earlier, a Ctrl-C could come while modules
    are still being imported, and get lost there.)
    """
    import uvicorn

    class Serving(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            ready()

    return Serving(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws_max_size=LARGEST_MESSAGE,
            ws_max_queue=4,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
    )


class Door:
    """POST /enter: the token for the cookie; guessing is slow."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._tries = Rate(1.0, 10.0)

    async def enter(self, request: Request) -> Response:
        if not self._tries.allows():
            return PlainTextResponse("too many tries; wait a second", 429)
        try:
            offered = json.loads(await request.body())["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            offered = ""
        if not isinstance(offered, str) or not self._keys.opens(offered):
            return PlainTextResponse(
                "this address is of another run; open the one that the command printed", 403
            )
        answer = Response(status_code=204)
        answer.set_cookie(
            self._keys.cookie_name, self._keys.cookie, httponly=True, samesite="strict", path="/"
        )
        return answer
