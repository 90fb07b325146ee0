"""From a recording of dots to a person's own map from pupil to gaze."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import CalibrationError, UsageError
from tinytracker.progress import Progress, no_progress
from tinytracker.pupils.dots import fixations_of, pupils_at, read_dots, why_unseen
from tinytracker.pupils.follow import PupilSample, Rhythm, follow
from tinytracker.pupils.opening import EventSource
from tinytracker.pupils.polynomial import TERMS, GazePolynomial
from tinytracker.retina.model import PupilModel

MOST_TOLD = 4  # dots, in an error's one line


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """What came of it. unseen: of each dot in which the pupil was not seen, which it is and why.
    check_errors: how far each dot that was held out is off, in the polynomial's unit; infinite where it lies
    beyond the dots that were fitted."""

    polynomial: GazePolynomial
    unseen: tuple[str, ...]
    check_errors: NDArray[np.float64]


def calibrate_pupil(
    source: EventSource, model: PupilModel, dots_file: Path | None = None, progress: Progress = no_progress
) -> Calibrated:
    """Follows the pupil through a recording of dots and fits the map.

    dots_file: see `dots.read_dots`; without it, the rests of the gaze that labels say. Raises
    CalibrationError if no map can be fitted, UsageError without dots.
    """
    first_us = int(source.events.t_us[0])
    if dots_file is not None:
        dots, unit = read_dots(dots_file, first_us)
    elif source.labels is None:
        raise UsageError(
            "nobody says where the eye looked: there are no labels beside the events; give --dots"
        )
    else:
        dots, unit = fixations_of(source.labels), "deg"
    rhythm = Rhythm()
    total = len(rhythm.moments(source.events)[0])
    samples: list[PupilSample] = []
    for sample in follow(source.events, model, source.crop, rhythm):
        samples.append(sample)
        progress(len(samples), total)
    pupils, is_seen = pupils_at(dots, samples)
    is_check = np.array([dot.is_check for dot in dots], bool)
    targets = np.array([(dot.x, dot.y) for dot in dots], float).reshape(-1, 2)
    fitted, checked = is_seen & ~is_check, is_seen & is_check
    unseen = tuple(
        f"{dot.name}: {why_unseen(dot, samples)}" for dot, seen in zip(dots, is_seen, strict=True) if not seen
    )
    if fitted.sum() < TERMS:
        told = "; ".join(unseen[:MOST_TOLD]) + ("; ..." if len(unseen) > MOST_TOLD else "")
        raise CalibrationError(
            f"the pupil was seen in {fitted.sum()} of the {(~is_check).sum()} dots to fit; a map needs "
            f"{TERMS}, better nine{f'. {told}' if told else ': show more of them'}"
        )
    sensor_px = (source.events.width_px, source.events.height_px)
    polynomial = GazePolynomial.fit(pupils[fitted], targets[fitted], unit, model.card.name, sensor_px)
    errors = [
        _missed(polynomial.gaze(*pupil), target)
        for pupil, target in zip(pupils[checked].tolist(), targets[checked], strict=True)
    ]
    return Calibrated(polynomial, unseen, np.array(errors))


def _missed(gaze: tuple[float, float] | None, target: NDArray[np.float64]) -> float:
    return float("inf") if gaze is None else float(np.linalg.norm(np.array(gaze) - target))
