"""A video of events with the pupil drawn: H.264 that browsers play, as slow as one likes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.labels import Labels, at_times
from tinytracker.events.stream import Events
from tinytracker.progress import Progress, no_progress
from tinytracker.pupils.drawing import caption_of, picture_of
from tinytracker.pupils.follow import PupilSample
from tinytracker.retina.sequences import LONGEST_GAP_US
from tinytracker.tracking.video import VideoWriter

FRAMES_PER_S = 30.0
SHOWN_US = 10_000  # a picture shows at least so much, or in slow motion there would be little to see


def refuse_slowness(slow: float) -> None:
    """Raises UsageError unless a video can play so many times slower than life."""
    if not 0.01 <= slow <= 10_000:
        raise UsageError(f"a video that plays {slow:g} times slower; expected 0.01 to 10000")


def write_video(
    path: Path,
    events: Events,
    samples: Sequence[PupilSample],
    crop: SensorCrop,
    labels: Labels | None = None,
    slow: float = 1.0,
    unit: str = "",
    progress: Progress = no_progress,
) -> None:
    """Writes the events of each thirtieth of a second, and the newest estimate in it.

    slow: how many times slower than life it plays. Raises UsageError without events, or for another suffix
    than .mp4; OutputError if it cannot be written.
    """
    if not len(events):
        raise UsageError("there are no events to make a video of")
    refuse_slowness(slow)
    first_us = int(events.t_us[0])
    step_us = 1e6 / FRAMES_PER_S / slow
    count = int(events.duration_us / step_us) + 1
    ends_us = first_us + np.rint(np.arange(1, count + 1) * step_us).astype(np.int64)
    truths = None if labels is None else at_times(labels, ends_us, LONGEST_GAP_US)
    latest = (
        np.searchsorted(np.array([sample.t_us for sample in samples], np.int64), ends_us, side="right") - 1
    )
    with VideoWriter(path) as writer:
        for frame, end_us in enumerate(ends_us.tolist()):
            sample = samples[latest[frame]] if latest[frame] >= 0 else None
            shown = events.between(end_us - max(round(step_us), SHOWN_US), end_us)
            truth = None if truths is None else truths[frame]
            picture = picture_of(shown, sample, truth, crop, caption_of(sample, first_us, unit))
            writer.write_picture(picture, round(frame * 1e9 / FRAMES_PER_S))
            progress(frame + 1, count)
