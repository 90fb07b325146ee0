"""Presentation times that never go back, whatever the time stamps in a file do."""

from __future__ import annotations

import math

# Beyond it a stamp is an error, and nanoseconds would leave 64 bits.
_FARTHEST_S = 100 * 365 * 86400.0


class ForwardClock:
    """Turns presentation stamps into nanoseconds that grow from frame to frame.

    Stamps that grow are kept, gaps included. One that is missing, repeats or jumps back (two recordings in
    one file, a clock that wraps) goes on by as much as it grew beyond the stamp before it, or else at the
    nominal pace: a filter that saw steps of a nanosecond would freeze. Stamps below zero are counted from the
    first one.

    >>> clock = ForwardClock(25.0)
    >>> [clock.tick(stamp_s) // 10**6 for stamp_s in (0.0, 0.04, 0.08, 0.0, 0.04, None, 0.6)]
    [0, 40, 80, 120, 160, 200, 600]
    >>> clock.jumps
    1
    """

    def __init__(self, frames_per_second: float) -> None:
        self._step_s = 1 / frames_per_second
        self._origin_s = 0.0
        self._stamp_s: float | None = None  # the last one there was
        self._now_s: float | None = None
        self.jumps = 0
        """How often a stamp went back or stood still."""

    def tick(self, stamp_s: float | None) -> int:
        """The next frame's time in nanoseconds; stamp_s: what the file says, None if nothing."""
        if stamp_s is not None and not abs(stamp_s) < _FARTHEST_S:
            stamp_s = None
        before_s, self._stamp_s = self._stamp_s, self._stamp_s if stamp_s is None else stamp_s
        if self._now_s is None:
            self._origin_s = min(0.0, stamp_s or 0.0)
            self._now_s = (stamp_s or 0.0) - self._origin_s
            return round(self._now_s * 1e9)
        grown_s = math.nan if stamp_s is None or before_s is None else stamp_s - before_s
        self.jumps += grown_s <= 0
        if stamp_s is not None and stamp_s - self._origin_s > self._now_s:
            self._now_s = stamp_s - self._origin_s
        else:
            self._now_s += grown_s if grown_s > 0 else self._step_s
        return round(self._now_s * 1e9)
