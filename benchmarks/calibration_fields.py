"""What is left of the error once a person is calibrated, and whether more than six numbers take it away.

    python benchmarks/calibration_fields.py FOLDER

FOLDER as of benchmarks/calibration.py. First the taught and the unseen people, each with all dots of the
first sitting: standard deviations of what remains at dots after a person's own offset, affine and quadratic,
and of single frames about their dot; and the error left by an offset, an affine and a quadratic, the best for
the very frames they are judged by. Then fits from few dots, of the taught people in four folds, as
`calibration.fit` does it (normal prior, Student-t dots, no caution), with other features and with errors that
are alike where dots are near (a Gaussian process over the screen). Degrees.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from calibration import LAYOUTS, Person, read_people, seen
from calibration_people import CALIBRATION, SAME_SITTING

from tinytracker.calibration.fit import NU
from tinytracker.engines.model import GazeModel

FOLDS, ROUNDS = 4, 30
Features = Callable[[np.ndarray], np.ndarray]


def offset(raw: np.ndarray) -> np.ndarray:
    return np.ones((len(raw), 1))


def affine(raw: np.ndarray) -> np.ndarray:
    return np.column_stack([offset(raw), raw / 10])


def pitched(raw: np.ndarray) -> np.ndarray:
    return np.column_stack([affine(raw), (raw[:, 1] / 10) ** 2])


def quadratic(raw: np.ndarray) -> np.ndarray:
    x, y = raw.T / 10
    return np.column_stack([affine(raw), x**2, x * y, y**2])


@dataclass(frozen=True)
class Dots:
    """raw, residual: (n, 2), degrees. frames: (n,), how many each dot has."""

    raw: np.ndarray
    residual: np.ndarray
    frames: np.ndarray

    @classmethod
    def of(cls, person: Person, parts: Sequence[int], numbers: Sequence[int] | None = None) -> Dots:
        dots = [dot for part in parts for dot in seen(person, part)]
        dots = dots if numbers is None else [dots[number] for number in numbers]
        return cls(
            *(
                np.array([getattr(dot, name) for dot in dots])
                for name in ("raw_deg", "residual_deg", "frames")
            )
        )


class Field:
    """residual = features . beta + smooth + e per axis, learnt by EM as `calibration.teach` does.

    lasting: whether beta's mean over people is learnt, too. reach_deg, share: how far errors are alike, and
    which part of a place's variance is.
    """

    def __init__(self, features: Features, lasting: bool = False, reach_deg: float = 0.0, share: float = 0.0):
        self.features, self.lasting, self.reach_deg, self.share = features, lasting, reach_deg, share

    def learn(self, people: Sequence[Person]) -> Field:
        seen_dots = [Dots.of(person, (CALIBRATION, SAME_SITTING)) for person in people]
        self.frame = frame_variance(people)
        size = self.features(seen_dots[0].raw).shape[1]
        self.mean, self.place = np.zeros((2, size)), np.array([[0.5, 0.5], [1.0, 1.0]])
        self.covariance = np.stack([np.diag([25.0] + [9.0] * (size - 1))] * 2)
        for _ in range(ROUNDS):
            for axis in range(2):
                self._learn_axis(seen_dots, axis)
        return self

    def _learn_axis(self, people: Sequence[Dots], axis: int) -> None:
        means, covariances, squares, designs, widths = [], [], [], [], []
        for dots in people:
            phi, prior = self.features(dots.raw), self.covariance[axis]
            innovation = phi @ prior @ phi.T + self._alike(dots.raw, dots.raw, axis)
            innovation += np.diag(self._noise(dots, axis))
            gain = np.linalg.solve(innovation, phi @ prior).T
            mean = self.mean[axis] + gain @ (dots.residual[:, axis] - phi @ self.mean[axis])
            covariance = prior - gain @ phi @ prior
            jitter = self.frame[axis] / dots.frames
            means.append(mean)
            covariances.append(covariance)
            squares.append(
                (dots.residual[:, axis] - phi @ mean) ** 2 + ((phi @ covariance) * phi).sum(1) - jitter
            )
            designs.append(far_out(dots.raw))
            widths.append(designs[-1] @ self.place[axis] + jitter)
        if self.lasting:
            self.mean[axis] = np.mean(means, axis=0)
        apart = np.array(means) - self.mean[axis]
        size = len(self.mean[axis])
        self.covariance[axis] = (np.array(covariances) + apart[:, :, None] * apart[:, None]).mean(axis=0)
        self.covariance[axis] += 1e-6 * np.eye(size)
        design = np.concatenate(designs)
        weighed = design / (np.concatenate(widths) ** 2)[:, None]
        line = np.linalg.solve(weighed.T @ design, weighed.T @ np.concatenate(squares))
        self.place[axis] = np.maximum(line, [0.02, 0.0])

    def fit(self, dots: Dots) -> Callable[[np.ndarray], np.ndarray]:
        """Raw directions (n, 2) -> corrections (n, 2)."""
        phi, weights = self.features(dots.raw), np.ones(len(dots.raw))
        for _ in range(ROUNDS):
            surprise, betas, pulls = np.zeros(len(weights)), [], []
            for axis in range(2):
                noise, alike = self._noise(dots, axis), self._alike(dots.raw, dots.raw, axis)
                innovation = phi @ self.covariance[axis] @ phi.T + alike + np.diag(noise / weights)
                pull = np.linalg.solve(innovation, dots.residual[:, axis] - phi @ self.mean[axis])
                beta = self.mean[axis] + self.covariance[axis] @ phi.T @ pull
                surprise += (dots.residual[:, axis] - phi @ beta - alike @ pull) ** 2 / noise
                betas.append(beta)
                pulls.append(pull)
            weights = (NU + 2) / (NU + surprise)
        return lambda raw: np.column_stack(
            [self.features(raw) @ betas[a] + self._alike(raw, dots.raw, a) @ pulls[a] for a in range(2)]
        )

    def _noise(self, dots: Dots, axis: int) -> np.ndarray:
        return (1 - self.share) * far_out(dots.raw) @ self.place[axis] + self.frame[axis] / dots.frames

    def _alike(self, some: np.ndarray, others: np.ndarray, axis: int) -> np.ndarray:
        if not self.share:
            return np.zeros((len(some), len(others)))
        sds = [np.sqrt(far_out(raw) @ self.place[axis]) for raw in (some, others)]
        apart2 = ((some[:, None] - others[None]) ** 2).sum(axis=-1)
        return self.share * np.outer(*sds) * np.exp(-apart2 / (2 * self.reach_deg**2))


def far_out(raw: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(raw)), (raw**2).sum(axis=1) / 100])


def frame_variance(people: Sequence[Person]) -> np.ndarray:
    total, freedom = np.zeros(2), 0
    for person in people:
        for part in (CALIBRATION, SAME_SITTING):
            for number in np.unique(person.dot[person.part == part]):
                rows = person.frames(part, [number])
                residuals = person.target_deg(rows) - person.raw_deg[rows]
                total += ((residuals - residuals.mean(axis=0)) ** 2).sum(axis=0)
                freedom += len(residuals) - 1
    return total / freedom


def print_left(name: str, people: Sequence[Person]) -> None:
    """What no six numbers reach."""
    fits = {"offset": offset, "affine": affine, "quadratic": quadratic}
    print(
        f"\n{name}, {len(people)}: deviations at dots (across, up) after their own best fit to all dots; "
        "error left by the fit that is best for the judging frames"
    )
    for kind, features in fits.items():
        variances, errors = [], []
        for person in people:
            dots = Dots.of(person, (CALIBRATION, SAME_SITTING))
            phi = features(dots.raw)
            left = dots.residual - phi @ np.linalg.lstsq(phi, dots.residual, rcond=None)[0]
            variances.append((left**2).sum(axis=0) / (len(left) - phi.shape[1]))
            rows = person.frames(SAME_SITTING)
            raw = person.raw_deg[rows]
            phi, wanted = features(raw), person.target_deg(rows) - raw
            beta = np.linalg.lstsq(phi, wanted, rcond=None)[0]
            errors.append(person.errors(rows, raw + phi @ beta).mean())
        x_deg, y_deg = np.sqrt(np.mean(variances, axis=0))
        print(f"{kind:10s} {x_deg:.2f}, {y_deg:.2f}; {np.mean(errors):.2f}")
    print("frames about their dot: {:.2f}, {:.2f}".format(*np.sqrt(frame_variance(people))))


def folds_errors(people: Sequence[Person], make: Callable[[], Field]) -> np.ndarray:
    """(people, layouts): each person by a prior of the other folds."""
    errors = np.zeros((len(people), len(LAYOUTS)))
    for fold in range(FOLDS):
        field = make().learn([person for number, person in enumerate(people) if number % FOLDS != fold])
        for number in range(fold, len(people), FOLDS):
            person = people[number]
            rows = person.frames(SAME_SITTING)
            raw = person.raw_deg[rows]
            for column, dots in enumerate(LAYOUTS.values()):
                correct = field.fit(Dots.of(person, (CALIBRATION,), dots))
                errors[number, column] = person.errors(rows, raw + correct(raw)).mean()
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="tinytracker-eyes")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    model = GazeModel.load(options.model)
    taught, unseen = (read_people(options.folder, group, model) for group in ("taught", "unseen"))
    print_left("taught", taught)
    print_left("unseen", unseen)
    print(f"\ntaught, in folds, after {', '.join(map(str, LAYOUTS))} dots")
    for name, make in {
        "affine": lambda: Field(affine),
        "affine, mean learnt": lambda: Field(affine, lasting=True),
        "and height squared": lambda: Field(pitched),
        "quadratic": lambda: Field(quadratic),
        "quadratic, mean learnt": lambda: Field(quadratic, lasting=True),
        "affine, alike within 8 deg": lambda: Field(affine, reach_deg=8.0, share=0.5),
        "quadratic, alike within 8 deg": lambda: Field(quadratic, reach_deg=8.0, share=0.5),
    }.items():
        errors = folds_errors(taught, make).mean(axis=0)
        print(f"{name:30s}" + "".join(f"{error:7.2f}" for error in errors), flush=True)


if __name__ == "__main__":
    main()
