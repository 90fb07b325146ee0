"""What a network sees of a stream of events: windows of its newest ones.

A window is two planes of `size` x `size` cells, 0 or 1: plane 0 where light fell, plane 1 where it rose. In
it are the N cells that spoke last (N distinct cells: where much moves the window is short, in a fixation it
reaches far back), and of those only the ones that spoke within `longest_us` of the newest. So a window of
fixed time is one without a limit to its cells. Where `among` is set, an event counts only if another came
shortly before it close by: what moves is told by many pixels, noise by one. It is the newest event, whether
or not it counts, that a window's label belongs to.

Each window is made in four ways that agree to the bit: `window_at` (numpy: slow, plain, the definition),
`windows_at` (numba: many windows of a recording, for training), `builder.WindowBuilder` (numba: an event in,
an event out, for tracking) and `event_window.c` (the same for boards, targets/mcu/boards/events).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events
from tinytracker.inputs import MOST_AMONG

Planes = NDArray[np.uint8]
"""(2, size, size): 0 or 1."""

Polarity = Literal["newest", "majority"]
OFF, ON = 0, 1
FOR_EVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Window:
    """Which of the newest events make a window.

    cells: how many distinct cells at most; 0: no limit.
    longest_us: cells silent for longer than this before the newest event are left out; 0: no limit.
    polarity: of a cell that spoke more than once. "newest": as it spoke last. "majority": as it spoke more
        often in the window, rising if as often (Retina's; it needs all events of a window, so it is made from
        recordings only).
    among: an event counts only if one of so many before it (inside the crop) fell into its own cell or one of
        the eight about it; 0: all count. (A background activity filter, as of Delbruck 2008, that counts
        events and not time: it needs no clock, no memory of the array, and holds at any rate.)

    Raises UsageError if there is no limit at all, or a negative one.

    >>> Window(cells=300), Window.of_time(25_000).longest_us
    (Window(cells=300, longest_us=0, polarity='newest', among=0), 25000)
    """

    cells: int = 300
    longest_us: int = 0
    polarity: Polarity = "newest"
    among: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.among <= MOST_AMONG:
            raise UsageError(f"an event among {self.among} before it; expected 0 to {MOST_AMONG}")
        if self.cells < 0 or self.longest_us < 0 or not (self.cells or self.longest_us):
            raise UsageError(
                f"a window of {self.cells} cells and {self.longest_us} us; expected one limit above 0"
            )
        if self.polarity not in ("newest", "majority"):
            raise UsageError(f"a polarity of {self.polarity!r}; expected newest or majority")

    @classmethod
    def of_time(cls, longest_us: int) -> Window:
        """All cells that spoke in the last `longest_us`."""
        return cls(cells=0, longest_us=longest_us)

    def most_cells(self, crop: SensorCrop) -> int:
        """How many cells a window of this crop has at most."""
        return min(self.cells or crop.size**2, crop.size**2)

    @property
    def reach_us(self) -> int:
        """How far back the window reaches at most."""
        return self.longest_us or FOR_EVER_US


@dataclass(frozen=True, slots=True, eq=False)
class CutWindows:
    """Windows cut out of a recording.

    planes: uint8 (n, 2, size, size). newest_us: int64 (n,), the time of the newest event inside the crop, to
    which its label belongs. oldest_us: int64 (n,), when the cell silent for longest spoke last. cells: int64
    (n,), how many there are. An empty window has times of -1.
    """

    planes: NDArray[np.uint8]
    newest_us: NDArray[np.int64]
    oldest_us: NDArray[np.int64]
    cells: NDArray[np.int64]


def window_at(events: Events, end: int, crop: SensorCrop, window: Window) -> Planes:
    """The window of the events before place `end`, written to be read: what the fast ones are compared with.

    >>> events = Events.of([1, 2, 3], [0, 1, 0], [0, 0, 0], [True, True, False], width_px=2, height_px=2)
    >>> window_at(events, 3, SensorCrop(0, 0, 1, size=2), Window(cells=1))[OFF].tolist()
    [[1, 0], [0, 0]]
    """
    earlier = events.rows(0, end)
    inside, cells = crop.cells_of(earlier)
    if window.among:
        counts = counted(cells, crop.size, window.among)
        inside, cells = inside[counts], cells[counts]
    planes = np.zeros((2, crop.size**2), np.uint8)
    if len(inside):
        newest_first = slice(None, None, -1)
        times, cells, on = (
            earlier.t_us[inside][newest_first],
            cells[newest_first],
            earlier.on[inside][newest_first],
        )
        in_time = times >= times[0] - window.reach_us
        cells, on = cells[in_time], on[in_time]
        spoke, last_word = np.unique(cells, return_index=True)
        by_age = np.argsort(last_word)
        seen = spoke[by_age][: window.most_cells(crop)]
        if window.polarity == "newest":
            planes[on[last_word[by_age]][: len(seen)].astype(int), seen] = 1
        else:
            beyond = last_word[by_age][len(seen) :]
            until = beyond[0] if len(beyond) else len(cells)
            rose = np.bincount(cells[:until], on[:until], crop.size**2)
            fell = np.bincount(cells[:until], ~on[:until], crop.size**2)
            planes[(rose >= fell)[seen].astype(int), seen] = 1
    return planes.reshape(2, crop.size, crop.size)


def counted(cells: NDArray[np.int64], size: int, among: int) -> NDArray[np.bool_]:
    """Which of the events in these cells (row * size + column), one after the other, count in a window.

    >>> counted(np.array([0, 63, 9, 9, 50, 51]), 8, among=2).tolist()
    [False, False, True, True, False, True]
    """
    rows, columns = cells // size, cells % size
    counts = np.zeros(len(cells), np.bool_)
    for back in range(1, min(among, len(cells) - 1) + 1):
        close = (abs(rows[back:] - rows[:-back]) <= 1) & (abs(columns[back:] - columns[:-back]) <= 1)
        counts[back:] |= close
    return counts


def windows_at(events: Events, ends: NDArray[np.integer], crop: SensorCrop, window: Window) -> CutWindows:
    """The windows of the events before each of the places `ends` (int (n,), 0 to len(events)).

    ends: from times, `np.searchsorted(events.t_us, t_us, side="right")`.
    Raises IndexError for a place outside, MissingExtraError without numba.
    """
    from tinytracker.events.kernels import cut_windows

    places = np.ascontiguousarray(ends, np.int64).reshape(-1)
    if len(places) and not 0 <= places.min() <= places.max() <= len(events):
        raise IndexError(f"places from {places.min()} to {places.max()} in {len(events)} events")
    planes = np.zeros((len(places), 2, crop.size**2), np.uint8)
    about = np.full((3, len(places)), -1, np.int64)
    cut_windows(
        (events.t_us, events.x_px, events.y_px, events.on),
        places,
        (crop.left_px, crop.top_px, crop.scale, crop.size),
        (window.most_cells(crop), window.reach_us, window.polarity == "majority", window.among),
        planes,
        about,
    )
    newest_us, oldest_us, cells = about
    return CutWindows(planes.reshape(len(places), 2, crop.size, crop.size), newest_us, oldest_us, cells)
