"""What a map from pupil to gaze is fitted to: when somebody looked where."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import CalibrationError, UsageError
from tinytracker.events.labels import Labels
from tinytracker.pupils.follow import PupilSample
from tinytracker.pupils.polynomial import UNITS

SETTLING_US = 300_000
FEWEST_SAMPLES = 5
FASTEST_DEG_PER_S = 20.0
SHORTEST_FIXATION_US = 120_000
MOST_DOTS = 10_000


@dataclass(frozen=True, slots=True)
class ShownDot:
    """A dot: from start_us to end_us, on the clock of the events, somebody looked at (x, y). is_check: it is
    held out of the fit, and tells how good that is. name: what a user calls it, such as "dot 3"."""

    start_us: int
    end_us: int
    x: float
    y: float
    is_check: bool = False
    name: str = ""


def read_dots(path: Path, first_us: int) -> tuple[list[ShownDot], str]:
    """Dots of a CSV file, and their unit: columns start_s, end_s, x_deg, y_deg (or x_cm, y_cm; x_px, y_px),
    and, if there is one, use (fit or check). Seconds count from the first event, at first_us; of each dot the
    first 0.3 s, in which the eye is on its way, do not count.

    Raises CalibrationError for a file of something else.
    """
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        rows = list(table)
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{path} is no CSV file: {error}") from error
    names = set(table.fieldnames or ())
    unit = next((unit for unit in UNITS if {f"x_{unit}", f"y_{unit}", "start_s", "end_s"} <= names), None)
    if unit is None:
        held = f"has columns {', '.join(sorted(names))}" if names else "is empty"
        raise CalibrationError(f"{path} {held}; expected start_s,end_s,x_deg,y_deg")
    if len(rows) > MOST_DOTS:
        raise CalibrationError(f"{path} has {len(rows)} dots; expected at most {MOST_DOTS}")
    dots = []
    for line, row in enumerate(rows, start=2):
        if None in row:  # a decimal comma makes two numbers of one
            raise CalibrationError(f"{path}, line {line}: more values than the {len(names)} columns")
        try:
            start_s, end_s, x, y = (
                float(row[name] or "") for name in ("start_s", "end_s", f"x_{unit}", f"y_{unit}")
            )
        except (TypeError, ValueError):
            raise CalibrationError(f"{path}, line {line}: expected numbers") from None
        if not (0 <= start_s < end_s < 1e6 and abs(x) < 1e6 and abs(y) < 1e6):
            raise CalibrationError(f"{path}, line {line}: a dot from {start_s} to {end_s} s at {x}, {y}")
        use = (row.get("use") or "fit").strip()
        if use not in ("fit", "check"):
            raise CalibrationError(f"{path}, line {line}: use is {use!r}, expected fit or check")
        start_us = first_us + round(start_s * 1e6) + SETTLING_US
        end_us, name = first_us + round(end_s * 1e6), f"dot {line - 1} at {x:g}, {y:g} {unit}"
        dots.append(ShownDot(start_us, end_us, x, y, use == "check", name))
    return dots, unit


def fixations_of(labels: Labels) -> list[ShownDot]:
    """Where labels say the gaze rests, as dots in degrees (yaw, pitch); every fourth is held out.

    A rest: slower than 20 degrees a second for 0.12 s or longer, with open eyes. Raises UsageError if labels
    do not say the gaze.
    """
    known = labels[np.isfinite(labels["gaze_yaw_deg"]) & np.isfinite(labels["gaze_pitch_deg"])]
    if len(known) < 2:
        raise UsageError("its labels do not say where the eye looked; give --dots")
    gaze = np.stack([known["gaze_yaw_deg"], known["gaze_pitch_deg"]], 1).astype(float)
    step_s = np.maximum(np.diff(known["t_us"]), 1) / 1e6
    rests = np.linalg.norm(np.diff(gaze, axis=0), axis=1) / step_s < FASTEST_DEG_PER_S
    rests &= ~(known["closed"][1:] | known["closed"][:-1])
    dots: list[ShownDot] = []
    for first, end in _runs(rests):
        start_us, end_us = int(known["t_us"][first]), int(known["t_us"][end])
        if end_us - start_us >= SHORTEST_FIXATION_US:
            x, y = np.median(gaze[first : end + 1], axis=0)
            name = f"rest {len(dots) + 1} at {x:.1f}, {y:.1f} deg"
            dots.append(ShownDot(start_us, end_us, float(x), float(y), len(dots) % 4 == 3, name))
    return dots


def pupils_at(
    dots: Sequence[ShownDot], samples: Sequence[PupilSample]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Where the pupil was while each dot was looked at: the median, (n, 2) pixels; and which dots it was seen
    in often enough (the others are NaN)."""
    seen = [sample for sample in samples if sample.is_valid]
    t_us = np.array([sample.t_us for sample in seen], np.int64)
    places = np.array([(sample.x_px, sample.y_px) for sample in seen], float).reshape(-1, 2)
    pupils = np.full((len(dots), 2), np.nan)
    for row, dot in enumerate(dots):
        first, end = np.searchsorted(t_us, [dot.start_us, dot.end_us])
        if end - first >= FEWEST_SAMPLES:
            pupils[row] = np.median(places[first:end], axis=0)
    return pupils, np.asarray(np.isfinite(pupils).all(1))


def why_unseen(dot: ShownDot, samples: Sequence[PupilSample]) -> str:
    """Why the pupil was not seen in a dot often enough, in words; "" if it was."""
    if dot.end_us <= dot.start_us:
        return f"shown no longer than the {SETTLING_US / 1e6:g} s that the eye is on its way"
    if not samples or dot.end_us <= samples[0].t_us or dot.start_us > samples[-1].t_us:
        lasts_s = (samples[-1].t_us - samples[0].t_us) / 1e6 if samples else 0.0
        return f"not within the recording, which lasts {lasts_s:.1f} s"
    during = [sample for sample in samples if dot.start_us <= sample.t_us < dot.end_us]
    seen = sum(sample.is_valid for sample in during)
    if seen >= FEWEST_SAMPLES:
        return ""
    reasons = Counter(sample.reason for sample in during if not sample.is_valid)
    of = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
    return f"the pupil was seen in {seen} of {len(during)} estimates{of}; {FEWEST_SAMPLES} are needed"


def _runs(rests: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rests, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
