"""The loops over events, compiled by numba; `windows.py`, `builder.py` and `volumes.py` say what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.extras import need
from tinytracker.kernel_cache import tend

tend(Path(__file__).parent)
need("numba", "events")
from numba import njit  # noqa: E402  (a clear line first, if it is not there)

OUTSIDE = -1
NEWEST_US, OLDEST_US, COUNT, NUMBER = 0, 1, 2, 3  # rows of `about`


@njit(cache=True)
def cell_of(x_px: Any, y_px: Any, crop: Any) -> Any:
    """Row * size + column of a pixel's cell, or OUTSIDE."""
    left_px, top_px, scale, size = crop
    across, down = int(x_px) - left_px, int(y_px) - top_px
    if across < 0 or down < 0:
        return OUTSIDE
    column, row = across // scale, down // scale
    if column >= size or row >= size:
        return OUTSIDE
    return row * size + column


@njit(cache=True)
def counts_among(cell: Any, size: Any, among: Any, number: Any, latest: Any) -> Any:
    """Whether an event counts (`windows.Window.among`), and notes it. number: of this event, from 1, of those
    inside the crop. latest: int64 (size + 2, size + 2), the number of each cell's latest one, 0 for none, an
    empty border about them."""
    row, column = cell // size + 1, cell % size + 1
    first = number - among
    close = False
    for other in range(row - 1, row + 2):
        for beside in range(column - 1, column + 2):
            close = close or latest[other, beside] >= max(first, 1)
    latest[row, column] = number
    return close


@njit(cache=True)
def _cells(events: Any, crop: Any, among: Any) -> Any:
    """The cell of every event, or OUTSIDE; and whether it counts."""
    t_us, x_px, y_px, _ = events
    size = crop[3]
    cells, counts = np.empty(len(t_us), np.int32), np.ones(len(t_us), np.bool_)
    latest, number = np.zeros((size + 2, size + 2), np.int64), 0
    for event in range(len(t_us)):
        cell = cell_of(x_px[event], y_px[event], crop)
        cells[event] = cell
        if among and cell != OUTSIDE:
            number += 1
            counts[event] = counts_among(cell, size, among, number, latest)
    return cells, counts


@njit(cache=True)
def cut_windows(events: Any, ends: Any, crop: Any, window: Any, planes: Any, about: Any) -> None:
    """From each of the places `ends` back to where the window is full. planes: (n, 2, cells), of zeros."""
    t_us, _, _, on = events
    most_cells, reach_us, by_majority, among = window
    cells, counts = _cells(events, crop, among)
    balance = [0] * planes.shape[2]
    for place in range(len(ends)):
        falling, rising = planes[place, 0], planes[place, 1]
        count, newest_us, oldest_us, reached_us = 0, -1, -1, 0
        for event in range(ends[place] - 1, -1, -1):
            cell = cells[event]
            if cell == OUTSIDE:
                continue
            newest_us = max(newest_us, t_us[event])
            if not counts[event]:
                continue
            if count == 0:
                reached_us = t_us[event] - reach_us
            elif t_us[event] < reached_us:
                break
            if not (falling[cell] or rising[cell]):
                if count == most_cells:
                    break
                count += 1
                oldest_us = t_us[event]
                planes[place, int(on[event]), cell] = 1
                balance[cell] = 0
            balance[cell] += 1 if on[event] else -1
        if by_majority:
            for cell in range(planes.shape[2]):
                if falling[cell] or rising[cell]:
                    rising[cell] = balance[cell] >= 0
                    falling[cell] = balance[cell] < 0
        about[NEWEST_US, place], about[OLDEST_US, place], about[COUNT, place] = newest_us, oldest_us, count


@njit(cache=True)
def push_events(
    events: Any, crop: Any, window: Any, chain: Any, spoke_us: Any, planes: Any, latest: Any, about: Any
) -> None:
    """Events into the chain of cells in the order in which they spoke last.

    chain: int32 (2, cells + 1), of each cell the next older and the next newer one; the last column stands
    for both ends. spoke_us: int64 (cells,), when each spoke last. planes: (2, cells). latest: see
    `counts_among`. about: int64 (4,), the last the number of events inside the crop.
    """
    t_us, x_px, y_px, on = events
    most_cells, reach_us, among = window
    older, newer = chain[0], chain[1]
    ends = len(older) - 1
    falling, rising = planes[0], planes[1]
    count = about[COUNT]
    for event in range(len(t_us)):
        cell = cell_of(x_px[event], y_px[event], crop)
        if cell == OUTSIDE:
            continue
        now_us = t_us[event]
        about[NEWEST_US] = now_us
        if among:
            about[NUMBER] += 1
            if not counts_among(cell, crop[3], among, about[NUMBER], latest):
                continue
        if falling[cell] or rising[cell]:
            newer[older[cell]], older[newer[cell]] = newer[cell], older[cell]
        else:
            count += 1
        older[cell], newer[cell] = older[ends], ends
        newer[older[ends]] = cell
        older[ends] = cell
        spoke_us[cell] = now_us
        rising[cell], falling[cell] = on[event], not on[event]
        while count > most_cells or now_us - spoke_us[newer[ends]] > reach_us:
            silent = newer[ends]
            newer[ends] = newer[silent]
            older[newer[silent]] = ends
            rising[silent] = falling[silent] = 0
            count -= 1
    about[COUNT] = count
    if count:
        about[OLDEST_US] = spoke_us[newer[ends]]


@njit(cache=True)
def push_into_volume(events: Any, crop: Any, bin_us: Any, volume: Any, newest_bin: Any) -> Any:
    """Events into a ring of time bins, uint8 (bins, 2, cells), each counting up to 255; the newest bin after
    them. newest_bin: the one before, -1 for none yet."""
    t_us, x_px, y_px, on = events
    bins = volume.shape[0]
    for event in range(len(t_us)):
        now = t_us[event] // bin_us
        if newest_bin < 0 or now - newest_bin >= bins:
            volume[:] = 0
        else:
            for passed in range(newest_bin + 1, now + 1):
                volume[passed % bins] = 0
        newest_bin = now
        cell = cell_of(x_px[event], y_px[event], crop)
        if cell != OUTSIDE:
            seen = volume[now % bins, int(on[event]), cell]
            volume[now % bins, int(on[event]), cell] = min(seen + 1, 255)
    return newest_bin
