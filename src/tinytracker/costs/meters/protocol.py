"""What a meter is, and recording with one beside other work."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import DeviceError

POLL_S = 0.002


class Meter(Protocol):
    """A meter of power. Opening it finds it, reads its calibration and powers what it supplies; leaving it
    powers down and closes.

    name: with serial number and firmware, as far as the meter tells. rate_hz: nominal samples a second.
    supply_v: of what is metered, None if the meter does not know it.

        with open_meter("ppk2", supply_v=3.3) as meter, Recording(meter) as recording:
            ...
        trace = recording.trace
    """

    name: str
    rate_hz: float
    supply_v: float | None

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def start(self) -> None:
        """Begins to sample; what was sampled before is forgotten. Raises DeviceError."""

    def poll(self) -> None:
        """Takes in what has come since the last call; to be called every few milliseconds. Raises DeviceError
        if the meter is gone or talks nonsense; what came before is kept."""

    def stop(self) -> Trace:
        """Ends sampling and gives all of it. Raises DeviceError if nothing usable came."""


class Recording:
    """Polls a meter in a thread of its own from entering to leaving, while the caller runs the board.

    A meter that fails in between does not interrupt the caller's work: leaving raises its DeviceError, and
    `trace` holds what came until then (with a remark), or None if nothing did.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="meter", daemon=True)
        self._failure: DeviceError | None = None
        self._began_s = 0.0
        self._blocks: list[Window] = []
        self.trace: Trace | None = None

    def __enter__(self) -> Self:
        self._meter.start()
        self._began_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            trace = self._meter.stop()
            if self._blocks and (trace.marks is None or trace.marks.min() == trace.marks.max()):
                trace = replace(trace, blocks=tuple(self._blocks))
            if self._failure is not None:
                trace = replace(trace, remarks=(*trace.remarks, f"the recording broke off: {self._failure}"))
            self.trace = trace
        except DeviceError as stopped:
            self._failure = self._failure or stopped
        if self._failure is not None and error is None:
            raise self._failure

    @property
    def failed(self) -> bool:
        """Whether the meter is gone, so that further work would go unmetered."""
        return self._failure is not None

    def now_s(self) -> float:
        """Seconds since the recording began, by this computer's clock."""
        return time.monotonic() - self._began_s

    def add_block(self, window: Window) -> None:
        """A block by this computer's clock; used where no marker is wired to the meter."""
        self._blocks.append(window)

    def _poll(self) -> None:
        try:
            while not self._ended.is_set():
                self._meter.poll()
                self._ended.wait(POLL_S)
            self._meter.poll()
        except DeviceError as error:
            self._failure = error
