"""Ctrl-C as a wish: the frame at hand is finished and all files are closed whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANG_UP = tuple(
    number
    for number in (getattr(signal, "SIGHUP", None),)  # Windows has none
    if number is not None and signal.getsignal(number) != signal.SIG_IGN  # as nohup wants it
)
"""The signal that says that the terminal was closed, unless it is to be ignored."""


_came = False


def interrupt(number: int, frame: FrameType | None) -> None:
    """The handler of Ctrl-C, SIGTERM and SIGHUP: raises KeyboardInterrupt, wherever the program is."""
    global _came
    _came = True
    raise KeyboardInterrupt


def forget() -> None:
    """What interrupted a former command is nothing to the next one in this process."""
    global _came
    _came = False


def raise_if_swallowed() -> None:
    """Raises KeyboardInterrupt anew if one was raised and the program still runs: libraries catch it, where
    it met them loading, as if an import had failed."""
    if _came and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether SIGINT, SIGTERM or SIGHUP (the terminal was closed) has come
    since. A second one raises KeyboardInterrupt.

    Outside the main thread signals are not ours to handle: the function then always says no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    heard = [signal.SIGINT, signal.SIGTERM, *HANG_UP]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
