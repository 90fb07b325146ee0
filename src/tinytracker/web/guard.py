"""Who may talk to the server: pages of this machine that were handed the token, and nobody else.

A server on 127.0.0.1 is reachable by every page a browser has open. So: the Host header must name this
machine (DNS rebinding), the Origin of whatever changes something must be ours (cross-site requests), and a
cookie is needed that only the page gets that knows the token. The token stands in the URL's fragment, which
browsers send to nobody.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TOKEN_BYTES = 16
LOOPBACK = ("127.0.0.1", "localhost")
LARGEST_BODY = 64 * 1024
# What a page may send there, once it has shown its cookie.
LARGER_BODIES = {"/stimuli": 512 * 1024 * 1024, "/screen": 16 * 1024 * 1024}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=(self), "
    "fullscreen=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Keys:
    """The secrets of one run of the server, 128 bits each.

    token: in the page's address, exchanged for `cookie`. streaming: for other programs, which send no cookie.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self.streaming = secrets.token_urlsafe(TOKEN_BYTES)

    @property
    def cookie_name(self) -> str:
        return (
            f"tinytracker_{self.port}"  # cookies know no ports: two servers must not overwrite each other's
        )

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(f"http://{host}:{self.port}" for host in LOOPBACK)

    @property
    def address(self) -> str:
        """Where the page is, with the token that opens it."""
        return f"http://127.0.0.1:{self.port}/#{self.token}"

    def opens(self, offered: str) -> bool:
        """Whether this is the token, taking the same time for every wrong one."""
        return secrets.compare_digest(offered.encode(), self.token.encode())

    def is_page(self, headers: Headers) -> bool:
        """Whether the request carries the cookie."""
        offered = cookie_parser(headers.get("cookie", "")).get(self.cookie_name, "")
        return secrets.compare_digest(offered.encode(), self.cookie.encode())

    def is_program(self, headers: Headers, query: str = "") -> bool:
        """Whether a program shows the streaming key, as `Authorization: Bearer KEY` or in the address."""
        kind, _, offered = headers.get("authorization", "").partition(" ")
        offered = offered if kind.lower() == "bearer" else query
        return secrets.compare_digest(offered.encode(), self.streaming.encode())


class Guard:
    """ASGI middleware: refuses foreign hosts, foreign origins and large bodies before anything else sees
    them, and adds the security headers to every answer."""

    def __init__(self, app: Any, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return
        taking = _limited(receive, _largest(scope)) if scope["type"] == "http" else receive
        await self._app(scope, taking, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host, _, port = headers.get("host", "").rpartition(":")
        if host not in LOOPBACK or port != str(self._keys.port):
            return 400, "this server answers to 127.0.0.1 and localhost only"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if changes and origin is not None and origin not in self._keys.origins:
            return 403, "requests of other sites are refused"
        if origin is None and scope["type"] == "websocket" and not scope["path"].startswith("/stream"):
            return 403, "a page's connection names its origin"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _largest(scope):
            return 413, f"a request may hold {_largest(scope)} bytes"
        return None


def _largest(scope: Scope) -> int:
    return LARGER_BODIES.get(scope["path"], LARGEST_BODY)


async def _refuse(refusal: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    status, why = refusal
    if scope["type"] == "websocket":  # closed before it was accepted: the client sees 403
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": why})
        return
    await PlainTextResponse(why, status, HEADERS)(scope, receive, send)


def _limited(receive: Receive, largest: int) -> Receive:
    """A body that grows beyond the limit ends the request, whatever length it announced."""
    taken = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > largest else message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in names)]
        await send(message)

    return sending


class Rate:
    """A bucket of `burst` tokens that fills at `per_s`: what may come how often."""

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._tokens, self._last_s = burst, clock()

    def allows(self) -> bool:
        """Whether one more may come now; takes it if so."""
        now_s = self._clock()
        self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_s)
        self._last_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
