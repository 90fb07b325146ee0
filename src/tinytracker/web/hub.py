"""From the tracking thread to the pages: reliable messages in order, gaze and pictures only as fresh as a
page can take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from tinytracker.web.messages import as_text

Audience = Literal["page", "overlay", "stream"]
MOST_MESSAGES = 256  # a page that reads none of so many is not there any more
MOST_GAZE = 8  # a quarter of a second at 30 frames/s


class Client:
    """What waits to be sent to one connection. All methods belong to the server's event loop."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.wants_preview = False
        self.is_lost = False
        self._messages: deque[str] = deque()
        self._gaze: deque[str] = deque(maxlen=MOST_GAZE)
        self._preview: bytes | None = None
        self._news = asyncio.Event()

    def put(self, message: str) -> None:
        """A message that must arrive."""
        self.is_lost = self.is_lost or len(self._messages) >= MOST_MESSAGES
        if not self.is_lost:
            self._messages.append(message)
        self._news.set()

    def put_gaze(self, message: str) -> None:
        """A gaze; the oldest waiting one gives way."""
        self._gaze.append(message)
        self._news.set()

    def put_preview(self, jpeg: bytes) -> None:
        """The camera's picture; the waiting one gives way."""
        self._preview = jpeg
        self._news.set()

    def dismiss(self) -> None:
        """Nothing more is for this connection; it is closed."""
        self.is_lost = True
        self._news.set()

    async def taken(self) -> list[str | bytes]:
        """Waits for something to send, and takes all there is."""
        await self._news.wait()
        self._news.clear()
        sending: list[str | bytes] = [*self._messages, *self._gaze]
        if self._preview is not None:
            sending.append(self._preview)
        self._messages.clear()
        self._gaze.clear()
        self._preview = None
        return sending


class Hub:
    """All connections; may be spoken to from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: list[Client] = []

    def begin(self) -> None:
        """Belongs to the running event loop from now on."""
        self._loop = asyncio.get_running_loop()

    def add(self, client: Client) -> None:
        self._clients.append(client)

    def remove(self, client: Client) -> None:
        if client in self._clients:
            self._clients.remove(client)

    @property
    def wants_preview(self) -> bool:
        """Whether any page shows the camera's picture."""
        return any(client.wants_preview for client in self._clients)

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a message that must arrive to the pages."""
        text = as_text(message)
        self._each(lambda client: client.put(text), ("page",))

    def tell_gaze(self, message: dict[str, Any]) -> None:
        """Sends a gaze to pages and overlays."""
        text = as_text(message)
        self._each(lambda client: client.put_gaze(text), ("page", "overlay"))

    def tell_stream(self, message: dict[str, Any]) -> None:
        """Sends a gaze or an event to other programs."""
        text = as_text(message)
        self._each(lambda client: client.put_gaze(text), ("stream",))

    def show(self, jpeg: bytes) -> None:
        """Sends the camera's picture to the pages that show it."""
        self._each(lambda client: client.put_preview(jpeg) if client.wants_preview else None, ("page",))

    def dismiss(self, audiences: tuple[Audience, ...]) -> None:
        """Ends the connections of some kinds."""
        self._each(Client.dismiss, audiences)

    def _each(self, action: Callable[[Client], None], audiences: tuple[Audience, ...]) -> None:
        """Does something with each connection of some kinds, in the event loop."""

        def act() -> None:
            for client in self._clients:
                if client.audience in audiences:
                    action(client)

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)
