"""A serial device of its own at the other end of a pseudo-terminal: what a meter's fake is made of."""

from __future__ import annotations

import os
import threading
import time
import tty
from typing import Self


class PtyDevice:
    """Answers what is written to `path`; subclasses override `receive` (bytes came) and `tick` (time
    passed)."""

    tick_s = 0.004

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        os.set_blocking(self._master, False)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        time.sleep(3 * self.tick_s)  # for the last words of whoever leaves
        self._ended.set()
        self._thread.join()
        self.unplug()

    def unplug(self) -> None:
        """The device is gone."""
        self._ended.set()
        if self._master >= 0:
            os.close(self._slave)
            os.close(self._master)
            self._master = -1

    def receive(self, data: bytes) -> None:
        raise NotImplementedError

    def tick(self) -> None:
        pass

    def send(self, data: bytes) -> None:
        while data and not self._ended.is_set():
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                time.sleep(1e-4)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.receive(os.read(self._master, 4096))
            except BlockingIOError:
                pass
            except OSError:
                return
            self.tick()
            self._ended.wait(self.tick_s)
