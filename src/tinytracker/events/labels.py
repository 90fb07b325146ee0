"""Where the pupil was, and when: a structured array, one row a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LABEL = np.dtype(
    [
        ("t_us", "i8"),
        ("x_px", "f4"),
        ("y_px", "f4"),
        ("major_px", "f4"),
        ("minor_px", "f4"),
        ("angle_deg", "f4"),
        ("openness", "f4"),
        ("closed", "?"),
        ("gaze_yaw_deg", "f4"),
        ("gaze_pitch_deg", "f4"),
    ]
)
"""A label.

t_us: on the clock of the recording's events.
x_px, y_px: centre of the pupil as the sensor sees it, refracted by the cornea; pixels of the sensor, whose
top left corner is (0, 0): the middle of the first pixel is (0.5, 0.5).
major_px, minor_px: full axes of the pupil's ellipse. angle_deg: from the image's x towards y (down) to the
major axis.
openness: height over width of the opening between the lids. closed: the lids hide the pupil.
gaze_yaw_deg, gaze_pitch_deg: the visual axis in the camera's frame.

A number is NaN where a set does not say."""

Labels = NDArray[np.void]
"""An array of LABEL, in the order of t_us."""


def labels_of(t_us: Any, **columns: Any) -> Labels:
    """Labels from the columns a set has; the others are NaN, `closed` False.

    Raises ValueError for a column that LABEL has not, or of another length.

    >>> labels_of([0, 40], x_px=[3.5, 4.0], y_px=2.0)["openness"]
    array([nan, nan], dtype=float32)
    """
    times = np.asarray(t_us, np.int64)
    labels = np.zeros(times.shape, LABEL)
    for name in labels.dtype.names or ():
        if labels.dtype[name].kind == "f":
            labels[name] = np.nan
    labels["t_us"] = times
    for name, values in columns.items():
        labels[name] = values
    return labels


def refuse_bad_labels(labels: Labels) -> None:
    """Raises ValueError unless labels are of LABEL and their time never goes back."""
    if labels.dtype != LABEL or labels.ndim != 1:
        raise ValueError(f"labels are {labels.dtype} {labels.shape}, expected rows of {LABEL.names}")
    backwards = np.flatnonzero(labels["t_us"][1:] < labels["t_us"][:-1])
    if len(backwards):
        raise ValueError(f"time goes back at label {int(backwards[0]) + 1}")


def at_times(labels: Labels, t_us: NDArray[np.int64], longest_gap_us: int) -> Labels:
    """The labels in force at times: numbers between two labels on a straight line, `closed` if either is.

    longest_gap_us: between labels further apart than this, and outside of all labels, the numbers are NaN
    and the label counts as open: nobody knows where the pupil was. The angle turns the short way (an
    ellipse is the same after 180 degrees).

    >>> labels = labels_of([0, 1000], x_px=[1, 3], y_px=[0, 0], angle_deg=[170, 10])
    >>> [round(float(at_times(labels, np.array([500]), 5000)[name][0])) for name in ("x_px", "angle_deg")]
    [2, 0]
    """
    times = np.asarray(t_us, np.int64)
    found = labels_of(times)
    if not len(labels):
        return found
    known = labels["t_us"]
    after = np.searchsorted(known, times, side="left").clip(0, len(labels) - 1)
    is_hit = known[after] == times
    before = np.where(is_hit, after, after - 1)
    inside = (before >= 0) & (times <= known[-1]) & (known[after] - known[before] <= longest_gap_us)
    first, second = labels[before[inside]], labels[after[inside]]
    span = np.maximum(second["t_us"] - first["t_us"], 1)
    share = (times[inside] - first["t_us"]) / span
    rows = found[inside]
    for name in found.dtype.names or ():
        if found.dtype[name].kind != "f":
            continue
        step = second[name] - first[name]
        if name == "angle_deg":
            step = (step + 90.0) % 180.0 - 90.0
        # At a label itself its own value holds, whatever its neighbour lacks.
        rows[name] = np.where(share > 0, first[name] + share * step, first[name])
    rows["angle_deg"] %= 180.0
    rows["closed"] = first["closed"] | (second["closed"] & (share > 0))
    found[inside] = rows
    return found
