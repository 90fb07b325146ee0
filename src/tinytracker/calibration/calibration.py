"""A person's calibration: fitted to dots, applied to gaze, checked on other dots, re-centred by one, kept in
a file.

    dots = [Dot.of_samples(x_cm, y_cm, samples, t_shown_ns) for ...]
    calibration = Calibration.fit(dots, prior=card_prior, conditions=conditions)
    x_deg, y_deg = calibration.apply(x_deg, y_deg)
    calibration = calibration.judged(other_dots)
    print(calibration.validation.sentence)
    calibration.save(Path("me.json"))

A calibration never changes: re-centring it, or taking that back, gives another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytracker.calibration.caution import cautious
from tinytracker.calibration.check import MORE_DOTS, Check, LeftOut, check_dots
from tinytracker.calibration.conditions import Conditions
from tinytracker.calibration.dots import Dot, DotSummary, summarise, used_frames
from tinytracker.calibration.drift import ANOTHER_START, Recentring, recentre
from tinytracker.calibration.error import ExpectedError, angle_between_deg, mean_length
from tinytracker.calibration.fit import fit_dots, noise_weight
from tinytracker.calibration.posterior import Posterior, features
from tinytracker.calibration.prior import BROAD, COEFFICIENTS, PER_DEG, Prior
from tinytracker.calibration.profile import content_id, read_profile, write_profile
from tinytracker.errors import UsageError

Floats = NDArray[np.float64]
_POSSIBLE = np.random.default_rng(0).standard_normal((128, 2, COEFFICIENTS))
"""Draws from which possible people are made; always the same, as nothing told may hang on luck."""


@dataclass(frozen=True)
class Calibration:
    """What is known of one person before one screen, camera and network.

    fitted: the six numbers and their covariance, after the dots. prior: what they were shrunk to. dots,
    weights: what it was fitted to, and what each dot counted. conditions: what it holds for. created: UTC,
    ISO 8601. recentrings: since then, oldest first. validation: the held-out check, if there was one.
    another_sitting: the chance that the person has sat down anew since the last dot (`carried_over`).

    >>> dots = [Dot.of_angles((x, y), [(x - 1.0, y + 3.0)] * 15) for x, y in ((0, -8), (-12, -2), (12, -14))]
    >>> calibration = Calibration.fit(dots)
    >>> x_deg, y_deg = calibration.apply([-1.0, 5.0], [-5.0, -1.0])
    >>> [round(float(angle)) for angle in (*x_deg, *y_deg)]  # where the person looked: (0, -8) and (6, -4)
    [0, 6, -8, -4]
    """

    fitted: Posterior
    prior: Prior
    dots: tuple[DotSummary, ...]
    weights: tuple[float, ...]
    conditions: Conditions = field(default_factory=Conditions)
    created: str = ""
    recentrings: tuple[Recentring, ...] = ()
    validation: Check | None = None
    another_sitting: float = 0.0

    @classmethod
    def fit(
        cls,
        dots: Sequence[Dot | DotSummary],
        prior: Prior | None = None,
        conditions: Conditions | None = None,
        created: str = "",
    ) -> Calibration:
        """Fits one dot or more; any number works, as what dots do not say is taken from what people are like.

        prior: the network's (`tracking.calibrating.prior_of`); None: `BROAD`. Dots without a single frame
        that counts are left out. A correction of which few dots are not sure is held back (`caution`).
        Raises UsageError if no dot remains.
        """
        summaries = tuple(
            dot if isinstance(dot, DotSummary) else summarise(dot)
            for dot in dots
            if isinstance(dot, DotSummary) or used_frames(dot).any()
        )
        fitted = fit_dots(summaries, prior or BROAD)
        boldly = cls(
            fitted=fitted.posterior,
            prior=prior or BROAD,
            dots=summaries,
            weights=tuple(float(weight) for weight in fitted.weights),
            conditions=conditions or Conditions(),
            created=created or datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return replace(boldly, fitted=cautious(boldly.fitted, *boldly._places_deg()).posterior)

    @cached_property
    def posterior(self) -> Posterior:
        """The six numbers as they stand now: after all re-centrings, and, where the person may have sat down
        anew, as far as they are to be expected then."""
        if not self.another_sitting:
            return self._by_dots
        each = [self._by_dots, self._by_dots.in_new_sitting(self.prior)]
        return Posterior.mixed(each, np.array([1 - self.another_sitting, self.another_sitting]))

    @property
    def _by_dots(self) -> Posterior:
        """As the last dot left them."""
        return self.recentrings[-1].posterior if self.recentrings else self.fitted

    @property
    def coefficients(self) -> Floats:
        """(2, 3): for the horizontal and the vertical axis, degrees to add, and degrees to add per degree
        along x and y.

        calibrated = raw + coefficients @ (1, x_deg, y_deg): the six numbers a board takes.
        """
        return np.asarray(self.posterior.mean / np.array([1.0, PER_DEG, PER_DEG]))

    @property
    def corrects(self) -> bool:
        """False if the dots said too little to correct anything (`caution`)."""
        return bool(np.any(self.posterior.mean))

    def apply(self, x_deg: ArrayLike, y_deg: ArrayLike) -> tuple[Floats, Floats]:
        """Raw directions in degrees, of any one shape -> calibrated ones of that shape."""
        x, y = np.broadcast_arrays(np.asarray(x_deg, np.float64), np.asarray(y_deg, np.float64))
        moved = self.posterior.correction(x, y)
        return x + moved[..., 0], y + moved[..., 1]

    def expected_error(self, x_deg: ArrayLike | None = None, y_deg: ArrayLike | None = None) -> ExpectedError:
        """The mean error of single frames to expect, before any check; at raw directions, or over the screen.

        From the posterior there and the prior's noise; the interval, for the mean over `MORE_DOTS`, from how
        unsure the six numbers are (after one dot much, after nine little) and how people's errors differed
        from what was expected of them.
        """
        if x_deg is None or y_deg is None:
            x_deg, y_deg = self._places_deg()
        log_deg, log_sd = self.predicted_error_log(x_deg, y_deg)
        return ExpectedError.of_log(log_deg, math.hypot(log_sd, self.prior.check_log_sd / MORE_DOTS**0.5))

    @property
    def error_to_come(self) -> ExpectedError:
        """The mean error of single frames to expect from now on: what the last check told, and by how much
        more (or less) the six numbers are unsure since; without a check as `expected_error`."""
        check = self.validation
        if check is None:
            return self.expected_error()
        usual_then = check.usual_log
        if usual_then is None:  # of a profile of before this was kept
            usual_then = replace(self, recentrings=(), another_sitting=0.0)._usual_log
        gained = usual_then - self._usual_log
        return check.expected.bettered(gained) if gained else check.expected

    def predicted_error_log(self, x_deg: ArrayLike, y_deg: ArrayLike) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of the mean error, degrees, at raw directions (n,).

        As `usual_error_log`, for how far this person's dots scattered: what is told of that is weighed
        against how much people differ.
        """
        usual_log, unsure = self.usual_error_log(x_deg, y_deg)
        noise_log, weight = self.noise_told
        left = self.prior.error_log_sd * math.sqrt(1 - weight)
        return usual_log + weight * noise_log, math.hypot(unsure, left)

    @cached_property
    def noise_told(self) -> tuple[float, float]:
        """How far the dots scattered about the fit against what is usual (logarithm), and what that is worth
        (0 to 1)."""
        fitted = fit_dots(self.dots, self.prior)
        return fitted.noise_log, noise_weight(fitted.freedom, self.prior.error_log_sd)

    def usual_error_log(self, x_deg: ArrayLike, y_deg: ArrayLike) -> tuple[float, float]:
        """The same of a person whose dots scatter as is usual; the deviation is that of the people whom the
        dots leave possible."""
        noise = mean_length(self.prior.place_variance(x_deg, y_deg) + self.prior.frame_variance)
        possible = math.sqrt(self.prior.unsure_share) * (
            self.posterior.drawn(_POSSIBLE) - self.posterior.mean
        )
        away = possible @ features(x_deg, y_deg).T  # (people, axis, place)
        logs = np.log(np.sqrt((away**2).sum(axis=1) + noise**2).mean(axis=1))
        return float(logs.mean()) + self.prior.error_log_mean, float(logs.std())

    @cached_property
    def _usual_log(self) -> float:
        """The logarithm of the error that is usual for one as sure as this, over the screen."""
        return self.usual_error_log(*self._places_deg())[0]

    def next_dot(self, places_cm: ArrayLike) -> int:
        """Which of the places (n, 2), cm in prediction space, would teach most: where the correction is least
        sure."""
        places = np.asarray(places_cm, np.float64).reshape(-1, 2)
        if not len(places):
            raise UsageError("next_dot needs at least one place to choose from")
        x_deg, y_deg = np.degrees(np.arctan2(places, self._distance_cm())).T
        return int(np.argmax(self.posterior.variance(x_deg, y_deg).sum(axis=-1)))

    def worst_dots(self, count: int = 1) -> list[int]:
        """The numbers of the dots (in `dots`) that fit least, worst first: to be shown again."""
        return [int(index) for index in np.argsort(self.weights)[:count]]

    def check(self, dots: Sequence[Dot]) -> Check:
        """Measures the calibration on dots that took no part in it; raises UsageError if none has a gaze."""
        screen = self.conditions.screen
        px_per_cm = None if screen is None else screen.width_px / screen.width_cm
        check = check_dots(dots, self.apply, self._predicted(dots), self.prior.check_log_sd, px_per_cm)
        return replace(check, usual_log=self._usual_log)

    def judged(self, dots: Sequence[Dot]) -> Calibration:
        """Checked on dots of the same sitting that took no part in it, and, once they have told how good it
        is, fitted to them as well.

        Its `validation` is what they said before, but for two things: `expected` is of what it is since, and
        whether it helps is decided by all dots, each left out in turn. Raises UsageError as `check` does, and
        for one that was re-centred or carried over, whose dots were of several sittings.
        """
        if self.recentrings or self.another_sitting:
            raise UsageError(
                "a calibration of several sittings learns no more from dots; use check and with_check"
            )
        check = self.check(dots)
        held_out = [summarise(dot) for dot in dots if used_frames(dot).any()]
        learnt = Calibration.fit([*self.dots, *held_out], self.prior, self.conditions, self.created)
        places = self._places_deg()
        (usual_before, _), (usual_now, _) = (one.usual_error_log(*places) for one in (self, learnt))
        expected = check.expected.bettered(max(0.0, usual_before - usual_now))
        left_out, usual_log = learnt.left_out(), learnt._usual_log
        return learnt.with_check(replace(check, expected=expected, left_out=left_out, usual_log=usual_log))

    def learnt_from(self, dot: Dot) -> bool:
        """Whether it was fitted to this very dot: the same place, at the same time, with the same gaze."""
        if not used_frames(dot).any():
            return False
        seen = summarise(dot)
        return any(
            (known.x_cm, known.y_cm, known.t_ns) == (seen.x_cm, seen.y_cm, seen.t_ns)
            and np.allclose(known.raw_deg, seen.raw_deg, atol=1e-3)
            for known in self.dots
        )

    def left_out(self) -> LeftOut:
        """Each dot judged by a calibration fitted to all others; raises UsageError for a single dot."""
        errors = []
        for number, dot in enumerate(self.dots):
            others = Calibration.fit(
                [*self.dots[:number], *self.dots[number + 1 :]], self.prior, self.conditions
            )
            gaze = np.array([others.apply(*dot.raw_deg), dot.raw_deg], np.float64)
            errors.append(angle_between_deg(dot.target_deg, gaze))
        calibrated, uncalibrated = np.mean(errors, axis=0)
        return LeftOut(float(calibrated), float(uncalibrated))

    def with_check(self, check: Check | None) -> Calibration:
        """The same with what a check found."""
        return replace(self, validation=check)

    @property
    def is_useful(self) -> bool:
        """False if a check found that it does not help: such a calibration must not be used."""
        return self.validation is None or self.validation.helps

    def carried_over(self, new_sitting: float = ANOTHER_START) -> Calibration:
        """As it is to be used once the person has sat down anew, with this chance, and no dot has told yet:
        as far as people's numbers persist from sitting to sitting (`Prior.persistence`). The first dot
        (`recentred`) then tells more. Raises UsageError for another chance."""
        return replace(self, another_sitting=_chance(new_sitting))

    def recentred(
        self, dot: Dot | DotSummary, new_sitting: float = ANOTHER_START, minutes: float = 0.0
    ) -> Calibration:
        """Moved by one dot at which the person looked just now.

        new_sitting: the chance, 0 to 1, that the person sat down anew since the last dot (another posture,
        light or start of the program): `drift.ANOTHER_START`, `drift.SAME_RUN`. minutes: since then. The dot
        is weighed against both (`drift`). Undo with `undone`. Raises UsageError for another chance.
        """
        summary = dot if isinstance(dot, DotSummary) else summarise(dot)
        step = recentre(self._by_dots, self.prior, summary, _chance(new_sitting), minutes)
        return replace(self, recentrings=(*self.recentrings, step), another_sitting=0.0)

    def undone(self) -> Calibration:
        """Without the last re-centring; raises UsageError if there was none."""
        if not self.recentrings:
            raise UsageError("there is no re-centring to take back")
        return replace(self, recentrings=self.recentrings[:-1])

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of its content: what a gaze row's `calibration_id`
        says."""
        return content_id(self)

    def save(self, path: Path | str) -> None:
        """Writes the profile as JSON, whole or not at all; raises OutputError."""
        write_profile(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Reads a profile; raises CalibrationError, naming the file and the field, if it is none.

        Whether it may be used here is another question: `profile.refuse_other_network`,
        `conditions.differences`.
        """
        content = read_profile(Path(path))
        return cls(**{field.name: getattr(content, field.name) for field in fields(content)})

    def _predicted(self, dots: Sequence[Dot]) -> tuple[float, float]:
        """As `predicted_error_log`, at these dots."""
        raw = np.array([summarise(dot).raw_deg for dot in dots if used_frames(dot).any()]).reshape(-1, 2)
        return self.predicted_error_log(*raw.T) if len(raw) else (0.0, 1.0)

    def _distance_cm(self) -> float:
        return float(np.median([dot.distance_cm for dot in self.dots]))

    def _places_deg(self) -> tuple[Floats, Floats]:
        """A 5 x 5 grid over the screen, or, without one, over 12 degrees to all sides of the dots' middle."""
        shares = np.linspace(0.1, 0.9, 5)
        across, down = (values.ravel() for values in np.meshgrid(shares, shares))
        screen, distance_cm = self.conditions.screen, self._distance_cm()
        if screen is None:
            middle = np.mean([dot.target_deg for dot in self.dots], axis=0)
            return middle[0] + 24 * (across - 0.5), middle[1] + 24 * (down - 0.5)
        x_cm = across * screen.width_cm - screen.camera_to_screen_x_cm
        y_cm = -screen.camera_to_screen_y_cm - down * screen.height_cm
        return np.degrees(np.arctan2(x_cm, distance_cm)), np.degrees(np.arctan2(y_cm, distance_cm))


def _chance(new_sitting: float) -> float:
    if not 0 <= new_sitting <= 1:
        raise UsageError(f"new_sitting is a chance between 0 and 1, not {new_sitting}")
    return float(new_sitting)
