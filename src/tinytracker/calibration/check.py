"""The honest figure: whole dots that took no part in the fit, the error at each, and one sentence for the
person.

Frames of one dot err alike, so dots are held out, never frames. A few dots tell an error roughly; the prior
knows roughly what to expect; both together give the figure and its interval (normal in the logarithm of the
error).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.dots import Dot, used_frames
from tinytracker.calibration.error import ExpectedError, angle_between_deg
from tinytracker.errors import UsageError
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg

Floats = NDArray[np.float64]
MORE_DOTS = 12
"""An expected error is that of the mean over so many dots to come."""
NO_DIFFERENCE_DEG = 0.05
"""What a person is told in tenths of a degree looks the same."""
FEWEST_APART, AS_GOOD = 3, 0.9
"""From so many checked dots on, and from so much of the middle's error on, nothing is seen."""
SURPRISE_NU = 4.0
"""Degrees of freedom of how far a measured error lies from the expected one: the more surprising it is, the
less what was expected counts."""

Correct = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class DotCheck:
    """One held-out dot.

    target_cm, screen_px: where it was. gaze_cm: mean calibrated gaze, cm in prediction space. error_deg,
    error_cm: mean error of its frames, calibrated; uncalibrated_deg, uncalibrated_cm: before. centre_deg: of
    always saying the screen's middle. ellipse_deg2: (2, 2), covariance of the frames' calibrated directions.
    frames: how many.
    """

    target_cm: tuple[float, float]
    gaze_cm: tuple[float, float]
    error_deg: float
    error_cm: float
    uncalibrated_deg: float
    uncalibrated_cm: float
    frames: int
    ellipse_deg2: tuple[tuple[float, float], tuple[float, float]]
    distance_cm: float
    screen_px: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Every dot of a calibration judged by what the others alone teach: mean errors over the dots, with it
    (error_deg) and without (uncalibrated_deg)."""

    error_deg: float
    uncalibrated_deg: float


@dataclass(frozen=True, slots=True)
class Check:
    """What held-out dots say of a calibration.

    error_*: mean over the dots, calibrated; uncalibrated_*: without. centre_deg: of always guessing the
    middle of the checked dots: who is no better sees nothing. px_per_cm: None without a screen. expected: the
    person's error to come, from these dots and the prior. left_out: of a calibration that learnt from the
    check's dots, too, after they had judged it (`Calibration.judged`). usual_log: the logarithm of the error,
    degrees, that was usual for one as sure as the calibration then was; None in profiles of before it
    was kept.
    """

    dots: tuple[DotCheck, ...]
    error_deg: float
    error_cm: float
    uncalibrated_deg: float
    uncalibrated_cm: float
    centre_deg: float
    expected: ExpectedError
    px_per_cm: float | None = None
    left_out: LeftOut | None = None
    usual_log: float | None = None

    @property
    def helps(self) -> bool:
        """Whether the calibrated gaze was nearer to the dots that took no part: if known, to all of them,
        each left out in turn (`LeftOut`). If not, it must not be used."""
        if self.left_out is not None:
            return self.left_out.error_deg < self.left_out.uncalibrated_deg
        return self.error_deg < self.uncalibrated_deg

    @property
    def error_px(self) -> float | None:
        return None if self.px_per_cm is None else self.error_cm * self.px_per_cm

    @property
    def follows(self) -> bool:
        """False for a gaze that does not tell the checked dots apart: their middle would be as good."""
        return len(self.dots) < FEWEST_APART or self.error_deg < AS_GOOD * self.centre_deg

    @property
    def sentence(self) -> str:
        """What the person is told."""
        expected = self.expected
        sizes = [f"{expected.deg * self.error_cm / self.error_deg:.1f} cm"]
        if self.px_per_cm is not None:
            sizes.append(f"{expected.deg * self.error_cm / self.error_deg * self.px_per_cm:.0f} px")
        error_deg, uncalibrated_deg = self._compared_deg
        return self._words(
            error=f"{error_deg:.1f} degrees",
            uncalibrated=f"{uncalibrated_deg:.1f}",
            expected=f"{expected.deg:.1f} degrees ({', '.join(sizes)}), likely {expected.low_deg:.1f} to "
            f"{expected.high_deg:.1f}",
        )

    @property
    def sentence_in_px(self) -> str:
        """The same where the screen's size is a guess, so that degrees and centimetres mean nothing."""
        if self.px_per_cm is None:
            return self.sentence
        px_per_deg = self.px_per_cm * self.error_cm / self.error_deg
        low, middle, high = (
            px_per_deg * deg for deg in (self.expected.low_deg, self.expected.deg, self.expected.high_deg)
        )
        error_deg, uncalibrated_deg = self._compared_deg
        return self._words(
            error=f"{px_per_deg * error_deg:.0f} px",
            uncalibrated=f"{px_per_deg * uncalibrated_deg:.0f}",
            expected=f"{middle:.0f} px, likely {low:.0f} to {high:.0f}",
        )

    @property
    def _compared_deg(self) -> tuple[float, float]:
        """With and without: what decided."""
        decided = self.left_out or self
        return decided.error_deg, decided.uncalibrated_deg

    def _words(self, error: str, uncalibrated: str, expected: str) -> str:
        error_deg, uncalibrated_deg = self._compared_deg
        if not self.helps and error_deg - uncalibrated_deg < NO_DIFFERENCE_DEG:
            return (
                f"Calibrating made no difference: off by {error} with it and without. It is not used; more "
                "dots may help, or go on without."
            )
        if not self.helps:
            return (
                f"Calibrating did not help: off by {error} with it, {uncalibrated} without. It is not used; "
                "calibrate again, or go on without."
            )
        blind = (
            ""
            if self.follows
            else " The gaze hardly follows the dots, though: always their middle would be as good."
        )
        return f"Expect to be off by about {expected}; without calibration {uncalibrated}.{blind}"


def check_dots(
    dots: Sequence[Dot],
    correct: Correct,
    predicted_log: tuple[float, float],
    check_log_sd: float,
    px_per_cm: float | None = None,
) -> Check:
    """Measures held-out dots.

    correct: raw directions (n,), (n,) in degrees -> calibrated ones. predicted_log: mean and deviation of the
    logarithm of the error that was expected at these dots. check_log_sd: of a dot's error about the person's
    (`Prior`). Raises UsageError if no dot has a frame with a gaze.
    """
    seen = [dot for dot in dots if used_frames(dot).any()]
    if not seen:
        raise UsageError(
            "no check dot has a frame with a gaze, so there is no figure; check again with the face in view"
        )
    checked = tuple(_check_dot(dot, correct) for dot in seen)
    error_deg = float(np.mean([dot.error_deg for dot in checked]))
    return Check(
        dots=checked,
        error_deg=error_deg,
        error_cm=float(np.mean([dot.error_cm for dot in checked])),
        uncalibrated_deg=float(np.mean([dot.uncalibrated_deg for dot in checked])),
        uncalibrated_cm=float(np.mean([dot.uncalibrated_cm for dot in checked])),
        centre_deg=_error_of_the_middle(checked),
        expected=_expected(predicted_log, error_deg, len(checked), check_log_sd),
        px_per_cm=px_per_cm,
    )


def _expected(
    predicted_log: tuple[float, float], measured_deg: float, dots: int, check_log_sd: float
) -> ExpectedError:
    """What was expected and what was measured, weighed by how sure each is; the interval is of the mean over
    more dots."""
    measured_log = math.log(max(measured_deg, 1e-3))
    measured_variance, (expected_log, expected_sd) = check_log_sd**2 / dots, predicted_log
    surprise = (measured_log - expected_log) ** 2 / (expected_sd**2 + measured_variance)
    expected_weight = min(1.0, (SURPRISE_NU + 1) / (SURPRISE_NU + surprise)) / expected_sd**2
    total = expected_weight + 1 / measured_variance
    log_deg = (expected_weight * expected_log + measured_log / measured_variance) / total
    return ExpectedError.of_log(log_deg, math.sqrt(1 / total + check_log_sd**2 / MORE_DOTS))


def _check_dot(dot: Dot, correct: Correct) -> DotCheck:
    used = used_frames(dot)
    distances = dot.distance_cm[used]
    raw = np.stack([dot.x_deg[used], dot.y_deg[used]], axis=1)
    calibrated = np.stack(correct(raw[:, 0], raw[:, 1]), axis=1)
    target = np.stack(visual_angle_deg(dot.x_cm, dot.y_cm, distances), axis=1)
    place = np.array([dot.x_cm, dot.y_cm])
    points, raw_points = (
        np.stack(point_at_angle_cm(angles[:, 0], angles[:, 1], distances), axis=1)
        for angles in (calibrated, raw)
    )
    mean = points.mean(axis=0)
    spread = np.cov(calibrated.T) if len(calibrated) > 1 else np.zeros((2, 2))
    return DotCheck(
        target_cm=(float(dot.x_cm), float(dot.y_cm)),
        gaze_cm=(float(mean[0]), float(mean[1])),
        error_deg=float(angle_between_deg(target, calibrated).mean()),
        error_cm=float(np.linalg.norm(points - place, axis=1).mean()),
        uncalibrated_deg=float(angle_between_deg(target, raw).mean()),
        uncalibrated_cm=float(np.linalg.norm(raw_points - place, axis=1).mean()),
        frames=int(used.sum()),
        ellipse_deg2=(
            (float(spread[0, 0]), float(spread[0, 1])),
            (float(spread[1, 0]), float(spread[1, 1])),
        ),
        distance_cm=float(np.median(distances)),
        screen_px=dot.screen_px,
    )


def _error_of_the_middle(dots: Sequence[DotCheck]) -> float:
    places = np.array([dot.target_cm for dot in dots])
    distances = np.array([dot.distance_cm for dot in dots])
    middle = places.mean(axis=0)
    targets = np.stack(visual_angle_deg(places[:, 0], places[:, 1], distances), axis=1)
    guesses = np.stack(visual_angle_deg(middle[0], middle[1], distances), axis=1)
    return float(angle_between_deg(targets, guesses).mean())
