"""How far the compiling of the renderer's kernels is.

It happens once, at the first picture that is ever rendered here; afterwards they come from numba's cache in a
second. One kernel takes more than half of the time and says nothing meanwhile, so what is told goes by the
clock inside a kernel, and by what each kernel's share was when measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tinytracker.extras import need

KERNELS_S = {
    "deepest": 0.9,
    "relaxed": 0.4,
    "noise_at": 0.5,
    "smooth_field": 0.3,
    "scan_horizons": 0.5,
    "_paint": 4.2,
    "open_sky": 0.2,
    "illuminate": 0.9,
    "move": 0.5,
    "place": 0.7,
    "rasterise": 2.4,
    "resolve": 24.0,
    "expose": 3.4,
}
"""In the order of the first picture: what compiling each took on one core (measured). Only the ratios count:
how fast this machine is, shows at the first kernels."""

_MOST_OF_A_KERNEL = 0.97


class CompilingWatch:
    """Where the compiling stands. clock: seconds, monotonic.

    >>> now = 0.0
    >>> watch = CompilingWatch(lambda: now)
    >>> watch.has_begun
    False
    >>> watch.begins("rasterise"); now = 2.4; watch.ends("rasterise"); watch.begins("resolve"); now = 14.4
    >>> round(watch.share, 2), round(watch.left_s)
    (0.6, 15)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._names = list(KERNELS_S)
        self._now = ""
        self._began_s = 0.0
        self._place = 0  # in KERNELS_S: all before it are there
        self._took_s = self._expected_s = 0.0  # of the kernels that were compiled whole
        self.has_begun = False

    def begins(self, kernel: str) -> None:
        """A kernel is being compiled."""
        if kernel not in KERNELS_S:
            return
        self.has_begun, self._now, self._began_s = True, kernel, self._clock()
        self._place = self._names.index(kernel)

    def ends(self, kernel: str) -> None:
        """It is."""
        if kernel != self._now:
            return
        self._took_s += self._clock() - self._began_s
        self._expected_s += KERNELS_S[kernel]
        self._now, self._place = "", self._place + 1

    @property
    def share(self) -> float:
        """Of all that is to be compiled, 0 to 1."""
        return self._behind_s / sum(KERNELS_S.values())

    @property
    def left_s(self) -> float:
        """At the speed of this machine so far."""
        return (sum(KERNELS_S.values()) - self._behind_s) * self._slowness

    @property
    def _slowness(self) -> float:
        return self._took_s / self._expected_s if self._expected_s else 1.0

    @property
    def _behind_s(self) -> float:
        """In seconds of KERNELS_S."""
        behind_s = sum(KERNELS_S[name] for name in self._names[: self._place])
        if self._now:
            at_hand_s = (self._clock() - self._began_s) / max(self._slowness, 1e-3)
            behind_s += min(at_hand_s, _MOST_OF_A_KERNEL * KERNELS_S[self._now])
        return behind_s


@contextmanager
def watch_compiling() -> Iterator[CompilingWatch]:
    """Watches what numba compiles in this process meanwhile, in any thread."""
    need("numba", "synth")
    from numba.core import event

    watch = CompilingWatch()

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            watch.begins(_name_of(event))

        def on_end(self, event: Any) -> None:
            watch.ends(_name_of(event))

    with event.install_listener("numba:compile", Listener()):
        yield watch


def _name_of(event: Any) -> str:
    return str(getattr(event.data.get("dispatcher"), "__name__", ""))
