"""Windows along recordings, as an estimate would be asked for every few milliseconds, with what was true:
what networks of pupils learn from and are scored on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.cards import InputSpec
from tinytracker.errors import DatasetError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.dataset import crop_of
from tinytracker.events.labels import at_times
from tinytracker.events.recordings import EventRecording
from tinytracker.events.windows import Window, windows_at
from tinytracker.progress import Progress, no_progress

LONGEST_GAP_US = (
    120_000  # between labels that a pupil in between is told from: real sets label at 10 to 33 Hz
)
LEAST_CELLS_SHARE = 0.5  # of a window's cells: before so many have spoken nothing is asked


def window_of(spec: InputSpec) -> Window:
    """The window that a network's input shows."""
    return Window(cells=spec.window_events, among=spec.window_among)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The windows of one recording, one every `every_us`.

    packed: uint8 (n, bytes), the planes (2, size, size) as bits. at_us: int64 (n,), when each was asked for.
    newest_us: int64 (n,), its newest event, whose label is the window's. centre: float32 (n, 2), the pupil's
    in the window, 0 to 1; NaN where nobody knows. closed: bool (n,), the lids hide the pupil. openness:
    float32 (n,), NaN where a set does not say.
    """

    name: str
    person: str
    sensor: str
    crop: SensorCrop
    sensor_px: tuple[int, int]
    every_us: int
    packed: NDArray[np.uint8]
    at_us: NDArray[np.int64]
    newest_us: NDArray[np.int64]
    centre: NDArray[np.float32]
    closed: NDArray[np.bool_]
    openness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.packed)

    def planes(self, rows: slice | NDArray[np.integer] = slice(None)) -> NDArray[np.uint8]:
        """Windows as (n, 2, size, size) of 0 and 1."""
        return unpacked(self.packed[rows], self.crop.size)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a pupil to find: open, labelled, and inside the window."""
        inside = ((self.centre > 0) & (self.centre < 1)).all(axis=1)
        return np.asarray(inside & ~self.closed)


def unpacked(packed: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Bits of windows, (..., bytes) -> (..., 2, size, size)."""
    bits = np.unpackbits(packed, axis=-1, count=2 * size * size)
    return bits.reshape(*packed.shape[:-1], 2, size, size)


def track_of(recording: EventRecording, window: Window, every_us: int) -> Track:
    """Windows of a recording, from when half of a window's cells have spoken to its last label."""
    events = recording.events
    crop = crop_of(recording)
    labels = recording.labels
    if len(labels) and len(events):
        first = max(int(events.t_us[0]), int(labels["t_us"][0]))
        at_us = np.arange(first + every_us, int(labels["t_us"][-1]) + 1, every_us, dtype=np.int64)
    else:
        at_us = np.empty(0, np.int64)
    cut = windows_at(events, np.searchsorted(events.t_us, at_us, side="right"), crop, window)
    enough = cut.cells >= LEAST_CELLS_SHARE * window.most_cells(crop) if window.cells else cut.cells > 0
    begun = int(np.argmax(enough)) if enough.any() else len(at_us)
    kept = slice(begun, None)
    truth = at_times(labels, cut.newest_us[kept], LONGEST_GAP_US)
    x, y = crop.to_cells(truth["x_px"], truth["y_px"])
    return Track(
        name=recording.name,
        person=recording.person,
        sensor=recording.sensor,
        crop=crop,
        sensor_px=(events.width_px, events.height_px),
        every_us=every_us,
        packed=np.packbits(cut.planes[kept].reshape(len(truth), 2 * crop.size**2), axis=1),
        at_us=at_us[kept],
        newest_us=cut.newest_us[kept],
        centre=(np.stack([x, y], axis=1) / crop.size).astype(np.float32),
        closed=truth["closed"].copy(),
        openness=truth["openness"].copy(),
    )


def tracks_of(
    recordings: Iterable[EventRecording],
    window: Window,
    every_us: int = 5_000,
    progress: Progress = no_progress,
    total: int = 0,
) -> list[Track]:
    """The tracks of recordings that have any; raises DatasetError if none has.

    progress, total: told of every recording, of so many.
    """
    tracks = []
    for done, recording in enumerate(recordings, start=1):
        track = track_of(recording, window, every_us)
        if len(track):
            tracks.append(track)
        progress(done, total)
    if not tracks:
        raise DatasetError("there are no labelled windows of events; expected recordings with labels")
    return tracks
