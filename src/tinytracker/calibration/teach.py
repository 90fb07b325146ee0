"""Learning what people are like, from people who are not the user: the prior of a network.

    beta_i ~ N(0, S)            a person's six numbers, shrunk to 0: to the network's own answer
    r_ij = phi_ij . beta_i + e  at their dots, e ~ N(0, v(place) + frame variance / frames)

by expectation and maximisation (Laird and Ware, "Random-effects models for longitudinal data", Biometrics 38,
1982). The noise grows with the distance from the camera: v = c + e * (degrees / 10)^2. A later sitting tells
what of beta is the person's and what the sitting's own:

    beta_is = person_i + own_is, person ~ N(0, P), own ~ N(0, diag(q)), S = P + diag(q)

by the same means. What it all predicts is then compared with what the same people's other dots say, which
gives the widths of the honest intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.dots import Dot, DotSummary, summarise, used_frames
from tinytracker.calibration.error import angle_between_deg
from tinytracker.calibration.fit import dot_noise, fit_dots, noise_weight
from tinytracker.calibration.posterior import features
from tinytracker.calibration.prior import BROAD, COEFFICIENTS, PER_DEG, Prior
from tinytracker.errors import UsageError
from tinytracker.geometry import visual_angle_deg

Floats = NDArray[np.float64]

LEAST_PEOPLE = 8
_ROUNDS, _ROUNDS_OF_SITTINGS = 30, 100
_LEAST_VARIANCE = 0.02  # squared degrees; no network is better than that at a place
_LEAST_ERROR_SD = 0.1  # nobody's error is foretold better than to a tenth
_CALIBRATIONS, _DOTS_OF_A_CHECK = (1, 3, 5, 9, 13), 4
_FOLDS = 4
_UNSURE_SHARES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True, slots=True)
class TaughtPerson:
    """One person's dots. calibration: as a layout shows them, best first. others: of the same sitting,
    anywhere on the screen.
    later: of another sitting; may be empty."""

    calibration: Sequence[Dot]
    others: Sequence[Dot]
    later: Sequence[Dot] = ()


def teach_prior(people: Sequence[TaughtPerson], source: str = "") -> Prior:
    """The prior that these people teach; source: who they were, for the card.

    Raises UsageError for fewer than LEAST_PEOPLE, as covariances of few say nothing.
    """
    if len(people) < LEAST_PEOPLE:
        raise UsageError(f"a prior over people needs at least {LEAST_PEOPLE}, not {len(people)}")
    seen = [_Seen.of(person) for person in people]
    prior = replace(_coefficients_and_noise(seen), people=len(people), source=source)
    return _spreads_of_errors(seen, _persons_and_sittings(seen, prior))


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A person's dots that had a gaze, and what is kept of each: made once, as medians take long."""

    dots: list[Dot]  # of the calibration and the others
    calibration: list[DotSummary]
    others: list[DotSummary]
    later: list[DotSummary]

    @classmethod
    def of(cls, person: TaughtPerson) -> _Seen:
        parts = person.calibration, person.others, person.later
        calibration, others, later = ([dot for dot in dots if used_frames(dot).any()] for dots in parts)
        kept = ([summarise(dot) for dot in dots] for dots in (calibration, others, later))
        return cls([*calibration, *others], *kept)

    @property
    def sitting(self) -> list[DotSummary]:
        """All of the first sitting."""
        return [*self.calibration, *self.others]


def _coefficients_and_noise(people: Sequence[_Seen]) -> Prior:
    """Covariance of the coefficients and the dots' noise, by EM from a broad start."""
    seen = [dots for person in people if (dots := person.sitting)]
    together = [dot for dots in seen for dot in dots]
    first = np.cumsum([0, *(len(dots) for dots in seen)])[:-1]  # each person's first row of those below
    rows = np.repeat(np.arange(len(seen)), [len(dots) for dots in seen])
    raw, residuals = (
        np.array([getattr(dot, name) for dot in together]) for name in ("raw_deg", "residual_deg")
    )
    phi, places = features(*raw.T), (raw**2).sum(axis=1) / PER_DEG**2
    prior = replace(BROAD, frame_variance=_frame_variance(people))
    jitters = prior.frame_variance / np.array([[dot.frames] for dot in together])
    for _ in range(_ROUNDS):
        # Every person's posterior at once: precisions (people, 2, 3, 3) of the dots and of the prior add up.
        noise = dot_noise(together, prior)
        told = np.einsum("di,dj,da->daij", phi, phi, 1 / noise)
        pulls = np.add.reduceat(np.einsum("di,da->dai", phi, residuals / noise), first)
        covariance = np.linalg.inv(np.linalg.inv(prior.covariance) + np.add.reduceat(told, first))
        mean = np.einsum("paij,paj->pai", covariance, pulls)
        left = residuals - np.einsum("di,dai->da", phi, mean[rows])
        unsure = np.einsum("di,daij,dj->da", phi, covariance[rows], phi)
        moments = (covariance + mean[..., :, None] * mean[..., None, :]).mean(axis=0)
        moments = (moments + moments.swapaxes(1, 2)) / 2 + 1e-6 * np.eye(COEFFICIENTS)
        found = _noise_along(left**2 + unsure, places, jitters, noise)
        prior = replace(prior, covariance=moments, dot_variance=found)
    return prior


def _noise_along(squares: Floats, places: Floats, jitters: Floats, widths: Floats) -> Floats:
    """c and e of each axis (2, 2): weighted least squares of what remains, less the jitter, on (1, place)."""
    design = np.column_stack([np.ones_like(places), places])
    found = []
    for axis in range(2):
        weights = design / (widths[:, axis] ** 2)[:, None]
        line = np.linalg.solve(weights.T @ design, weights.T @ (squares - jitters)[:, axis])
        found.append(np.maximum(line, [_LEAST_VARIANCE, 0.0]))
    return np.array(found)


def _frame_variance(people: Sequence[_Seen]) -> Floats:
    """Variance (2,) of single frames about their dot's mean."""
    total, degrees_of_freedom = np.zeros(2), 0
    for person in people:
        for dot in person.dots:
            residuals = _residuals(dot)
            if len(residuals) > 1:
                total += ((residuals - residuals.mean(axis=0)) ** 2).sum(axis=0)
                degrees_of_freedom += len(residuals) - 1
    return np.asarray(np.maximum(total / max(1, degrees_of_freedom), 1e-3))


def _persons_and_sittings(people: Sequence[_Seen], prior: Prior) -> Prior:
    """The covariance over people, from both sittings, and which part of it is a sitting's own, by EM: each
    person's (person, own of the first, own of the later sitting) at once, 9 numbers an axis."""
    if not any(person.later for person in people):
        return prior
    told, pulls = (
        np.array(both)
        for both in zip(
            *(_told(dots, prior) for person in people for dots in (person.sitting, person.later)), strict=True
        )
    )
    parts = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])  # what of the three a sitting's coefficients are
    sizes = len(people), 2, 2, COEFFICIENTS  # person, sitting, axis, coefficient
    count, latent = len(people), 3 * COEFFICIENTS
    told = np.einsum("sk,sl,psaij->pakilj", parts, parts, told.reshape(*sizes, COEFFICIENTS))
    told = told.reshape(count, 2, latent, latent)
    pulls = np.einsum("sk,psai->paki", parts, pulls.reshape(sizes)).reshape(count, 2, latent)
    lasting, own = prior.covariance / 2, np.diagonal(prior.covariance, axis1=1, axis2=2) / 2
    for _ in range(_ROUNDS_OF_SITTINGS):
        before = np.zeros((2, latent, latent))
        before[:, :COEFFICIENTS, :COEFFICIENTS] = np.linalg.inv(lasting)
        for axis in range(2):
            before[axis, COEFFICIENTS:, COEFFICIENTS:] = np.diag(np.tile(1 / own[axis], 2))
        covariance = np.linalg.inv(before + told)
        mean = np.einsum("paij,paj->pai", covariance, pulls)
        moments = (covariance + mean[..., :, None] * mean[..., None, :]).mean(axis=0)
        lasting = moments[:, :COEFFICIENTS, :COEFFICIENTS] + 1e-6 * np.eye(COEFFICIENTS)
        lasting = (lasting + lasting.swapaxes(1, 2)) / 2
        squares = np.diagonal(moments, axis1=1, axis2=2)[:, COEFFICIENTS:]
        own = squares.reshape(2, 2, COEFFICIENTS).mean(axis=1) + 1e-6
    return replace(prior, covariance=lasting + own[:, :, None] * np.eye(COEFFICIENTS), sitting_variance=own)


def _told(dots: Sequence[DotSummary], prior: Prior) -> tuple[Floats, Floats]:
    """What a sitting's dots say of its coefficients: precision (2, 3, 3), and it times their mean (2, 3)."""
    if not dots:
        return np.zeros((2, COEFFICIENTS, COEFFICIENTS)), np.zeros((2, COEFFICIENTS))
    phi = features(*np.array([dot.raw_deg for dot in dots]).T)
    noise = dot_noise(dots, prior)
    residuals = np.array([dot.residual_deg for dot in dots])
    return np.einsum("di,dj,da->aij", phi, phi, 1 / noise), np.einsum("di,da->ai", phi, residuals / noise)


def _spreads_of_errors(people: Sequence[_Seen], taught: Prior) -> Prior:
    """The prior taught with how true errors lie about predicted ones (`unsure_share`, `error_log_mean`,
    `error_log_sd`), and one dot's about the person's (`check_log_sd`).

    For each person what predicts is learnt without their fold, else the prediction would know them.
    """
    fitted, of_dots, errors_log, dots_told = [], [], [], []
    for fold in range(_FOLDS):
        prior = _coefficients_and_noise(
            [person for index, person in enumerate(people) if index % _FOLDS != fold]
        )
        for person, dots in product(people[fold::_FOLDS], _CALIBRATIONS):
            calibration = Calibration.fit(person.calibration[:dots], prior)
            others = person.dots[len(person.calibration) :]
            errors = np.array([_frames_error(calibration, dot) for dot in others])
            fitted.append((calibration, np.array([dot.raw_deg for dot in person.others])))
            errors_log.append(np.log(errors.mean()))
            dots_told.append(len(errors))
            for group in range(len(errors) // _DOTS_OF_A_CHECK):
                held = np.arange(len(errors)) // _DOTS_OF_A_CHECK == group
                unit = (1 / held.sum() + 1 / (~held).sum()) ** -0.5
                of_dots.append(unit * np.log(errors[held].mean() / errors[~held].mean()))
    check_sd = max(0.05, float(np.sqrt(np.mean(np.square(of_dots)))))
    of_few_dots = check_sd**2 / np.array(dots_told)
    scattered = [fit_dots(calibration.dots, calibration.prior) for calibration, _ in fitted]
    noise_log, freedom = np.array([(fit.noise_log, fit.freedom) for fit in scattered]).T
    taught, most_likely = replace(taught, check_log_sd=check_sd), -np.inf
    for share in _UNSURE_SHARES:
        usual_log, unsure = np.array([_usual_error_log(*one, share) for one in fitted]).T
        ratios = np.array(errors_log) - usual_log
        variance = float(np.var(ratios, ddof=1) - (unsure**2 + of_few_dots).mean())
        error_sd = max(_LEAST_ERROR_SD**2, variance) ** 0.5
        weights = np.array([noise_weight(free, error_sd) for free in freedom])
        mean = float((ratios - weights * noise_log).mean())
        widths = (1 - weights) * error_sd**2 + unsure**2 + of_few_dots
        likely = -float((((ratios - mean - weights * noise_log) ** 2) / widths + np.log(widths)).sum())
        if likely > most_likely:
            most_likely = likely
            taught = replace(taught, unsure_share=share, error_log_mean=mean, error_log_sd=error_sd)
    return taught


def _usual_error_log(calibration: Calibration, raw_deg: Floats, share: float) -> tuple[float, float]:
    """`Calibration.usual_error_log` at directions (n, 2), were this the prior's `unsure_share`."""
    prior = replace(calibration.prior, unsure_share=share)
    return replace(calibration, prior=prior).usual_error_log(*raw_deg.T)


def _frames_error(calibration: Calibration, dot: Dot) -> float:
    used = used_frames(dot)
    target = np.stack(visual_angle_deg(dot.x_cm, dot.y_cm, dot.distance_cm[used]), axis=1)
    gaze = np.stack(calibration.apply(dot.x_deg[used], dot.y_deg[used]), axis=1)
    return float(angle_between_deg(target, gaze).mean())


def _residuals(dot: Dot) -> Floats:
    used = used_frames(dot)
    targets = np.stack(visual_angle_deg(dot.x_cm, dot.y_cm, dot.distance_cm[used]), axis=1)
    return np.asarray(targets - np.stack([dot.x_deg[used], dot.y_deg[used]], axis=1))
