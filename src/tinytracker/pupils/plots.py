"""A pupil's estimates against the truth, as a picture. Needs matplotlib (extra "demo")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.events.crops import SensorCrop
from tinytracker.events.labels import Labels
from tinytracker.extras import need
from tinytracker.files import written_aside
from tinytracker.pupils.follow import PupilSample
from tinytracker.pupils.summary import errors_of

PUPIL_COLOUR, TRUTH_COLOUR, CLOSED_COLOUR = "#2364aa", "#e07a00", "#c9c9c9"


def plot_pupil_against_truth(
    path: Path, samples: Sequence[PupilSample], labels: Labels, crop: SensorCrop, title: str
) -> None:
    """Writes a PNG: the pupil's x and y over time beside the true ones, closed eyes in grey, the error in px
    of what the network sees, and how often the error is below what.

    Raises MissingExtraError without matplotlib, OutputError if it cannot be written.
    """
    need("matplotlib", "demo")
    from matplotlib.figure import Figure

    first_us = int(labels["t_us"][0])
    t_s = (np.array([sample.t_us for sample in samples], float) - first_us) / 1e6
    label_s = (labels["t_us"] - first_us) / 1e6
    figure = Figure(figsize=(11, 6), layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=(2.4, 1))
    for row, axis in enumerate("xy"):
        plot = figure.add_subplot(grid[row, 0])
        is_open = ~labels["closed"]
        plot.plot(
            label_s, np.where(is_open, labels[f"{axis}_px"], np.nan), color=TRUTH_COLOUR, lw=2.5, label="true"
        )
        found = [getattr(sample, f"{axis}_px") for sample in samples]
        plot.plot(t_s, np.array(found, float), color=PUPIL_COLOUR, lw=1.0, label="from events")
        plot.fill_between(
            label_s,
            0,
            1,
            where=labels["closed"].tolist(),
            color=CLOSED_COLOUR,
            transform=plot.get_xaxis_transform(),
        )
        plot.set_ylabel(f"{axis} (sensor px)")
        plot.grid(alpha=0.25)
        if row == 0:
            plot.set_title(title, loc="left")
            plot.legend(loc="upper right", ncols=2, fontsize=8)
    errors = errors_of(samples, crop, labels)
    over_time = figure.add_subplot(grid[2, 0])
    over_time.plot(t_s, errors, color=PUPIL_COLOUR, lw=1.0)
    over_time.set_xlabel("time (s)")
    over_time.set_ylabel(f"error (px of {crop.size})")
    over_time.set_ylim(bottom=0)
    over_time.grid(alpha=0.25)
    known = np.sort(errors[np.isfinite(errors)])
    shares = figure.add_subplot(grid[:, 1])
    shares.plot(known, 100 * np.arange(1, len(known) + 1) / max(len(known), 1), color=PUPIL_COLOUR)
    shares.set_xlabel(f"error (px of {crop.size})")
    shares.set_ylabel("estimates below it (%)")
    shares.set_xlim(left=0)
    shares.set_ylim(0, 100)
    shares.grid(alpha=0.25)
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=110, format="png")
