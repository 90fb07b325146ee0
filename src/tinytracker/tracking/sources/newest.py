"""The newest of what comes at its own pace: whoever is slower than a camera gets no backlog, and notices
its silence."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from tinytracker.errors import DeviceError

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """A place for one item between a thread that reads a device and whoever uses it.

    name: the device's, for messages. timeout_s: how long `take` waits. dropped: items that were replaced
    before they were taken.
    """

    def __init__(self, name: str, timeout_s: float) -> None:
        self.dropped = 0
        self._name = name
        self._timeout_s = timeout_s
        self._news = threading.Condition()
        self._waiting: Item | None = None
        self._failure: str | None = None

    def put(self, item: Item) -> None:
        with self._news:
            self.dropped += self._waiting is not None
            self._waiting = item
            self._news.notify()

    def fail(self, failure: str) -> None:
        """Nothing more will come; failure: what follows the device's name in the message."""
        with self._news:
            self._failure = failure
            self._news.notify()

    def take(self) -> Item:
        """The newest item, each at most once; raises DeviceError when there was a failure, or none comes
        in time."""
        with self._news:
            self._news.wait_for(
                lambda: self._waiting is not None or self._failure is not None, self._timeout_s
            )
            taken, self._waiting = self._waiting, None
        if taken is not None:
            return taken
        if self._failure is not None:
            raise DeviceError(f"{self._name} {self._failure}")
        raise DeviceError(
            f"{self._name} gave no frame for {self._timeout_s:g} s; is another program using it, its shutter "
            "closed, its cable or network loose?"
        )
