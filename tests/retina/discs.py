"""The plainest eyes there are: a dark disc that jumps and rests before a sensor of 128 x 128 pixels, with
noise about it. Enough for a network to learn from within a second; nobody's accuracy is measured on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tinytracker.events.dataset import EventDataset, write_arrays
from tinytracker.events.labels import labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.events.stream import Events
from tinytracker.files import write_text

SIDE_PX = 128
STEP_US = 1000


def disc(
    seed: int, seconds: float = 1.0, split: str = "train", blink_at: float | None = 0.5
) -> EventRecording:
    """A recording of somebody whose pupil is a disc; it is away for 0.1 s from `blink_at` on."""
    rng = np.random.default_rng([18, seed])
    steps = int(seconds * 1e6 / STEP_US)
    centre, radius = _path(rng, steps), rng.uniform(8, 14)
    closed = np.zeros(steps, bool)
    if blink_at is not None:
        closed[int(blink_at * steps) : int(blink_at * steps) + 100] = True
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX] + 0.5
    before = np.zeros((SIDE_PX, SIDE_PX), bool)
    parts = []
    for step in range(steps):
        dark = (columns - centre[step, 0]) ** 2 + (rows - centre[step, 1]) ** 2 < radius**2
        dark &= not closed[step]
        y, x = np.nonzero(dark != before)
        noise_y, noise_x = rng.integers(0, SIDE_PX, (2, rng.poisson(3)))
        times = np.sort(rng.integers(0, STEP_US, len(y) + len(noise_y))) + step * STEP_US
        order = rng.permutation(len(times))
        on = np.concatenate([~dark[y, x], rng.random(len(noise_y)) < 0.5])[order]
        parts.append((times, np.concatenate([x, noise_x])[order], np.concatenate([y, noise_y])[order], on))
        before = dark
    t_us, x_px, y_px, on = (np.concatenate(column) for column in zip(*parts, strict=True))
    labels = labels_of(
        np.arange(steps) * STEP_US,
        x_px=centre[:, 0],
        y_px=centre[:, 1],
        closed=closed,
        openness=np.where(closed, 0.0, 0.4),
    )
    events = Events.of(t_us, x_px, y_px, on, width_px=SIDE_PX, height_px=SIDE_PX)
    name = f"p{seed:03d}"
    return EventRecording(name, name, "speck", events, labels, {"split": split})


def _path(rng: np.random.Generator, steps: int) -> np.ndarray:
    """Rests and jumps, (steps, 2) pixels."""
    place, path = rng.uniform(40, 88, 2), []
    while len(path) < steps:
        rest = place + np.cumsum(rng.normal(0, 0.15, (int(rng.integers(30, 80)), 2)), axis=0)
        goal = rng.uniform(32, 96, 2)
        jump = rest[-1] + (goal - rest[-1]) * np.linspace(0, 1, 20)[1:, None]
        path += [*rest, *jump]
        place = goal
    return np.array(path[:steps])


def write_dataset(
    folder: Path, *, train: int = 6, val: int = 2, test: int = 2, seconds: float = 1.0
) -> EventDataset:
    """A dataset of discs as `prepare` leaves one."""
    entries = {}
    splits = ["train"] * train + ["val"] * val + ["test"] * test
    for seed, split in enumerate(splits):
        recording = disc(seed, seconds, split)
        place = folder / recording.name
        place.mkdir(parents=True)
        write_arrays(place, recording)
        entries[recording.name] = {
            "split": split,
            "person": recording.person,
            "sensor": recording.sensor,
            "width_px": SIDE_PX,
            "height_px": SIDE_PX,
            "events": len(recording.events),
            "labels": len(recording.labels),
            "settings": dict(recording.settings),
        }
    manifest = {"format": 1, "kind": "events", "recordings": entries}
    write_text(folder / "manifest.json", json.dumps(manifest))
    return EventDataset.open(folder)
