"""A prior learnt from people whose numbers are known: it finds how they differ, and what it promises of other
such people holds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gazers import look_at
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.dots import Dot, summarise
from tinytracker.calibration.prior import PER_DEG, Prior
from tinytracker.calibration.teach import LEAST_PEOPLE, TaughtPerson, teach_prior
from tinytracker.errors import UsageError

DOTS_DEG = [(0, -9), (-14, -1), (14, -17), (14, -1), (-14, -17), (0, -1), (0, -17), (-14, -9), (14, -9)]
FRAME_DEG = 0.4  # of single frames, along both axes
_SPREAD = 0.35  # of the logarithm of how far people's errors differ


class People:
    """Drawn from a prior; `look` is what one of them sees of a dot, with an error of the place's own."""

    def __init__(self, prior: Prior, seed: int) -> None:
        self._prior, self._rng = prior, np.random.default_rng(seed)

    def draw(self) -> TaughtPerson:
        rng, prior = self._rng, self._prior
        lasting = prior.covariance - prior.sitting_variance[:, :, None] * np.eye(3)
        person = np.stack([rng.multivariate_normal(prior.mean[a], lasting[a]) for a in range(2)])
        truth, later = (person + rng.normal(0, np.sqrt(prior.sitting_variance)) for _ in range(2))
        for numbers in (truth, later):
            numbers[:, 1:] /= PER_DEG
        errs = float(np.exp(rng.normal(0, _SPREAD)))
        return TaughtPerson(
            [self._look(place, truth, errs, 6) for place in DOTS_DEG],
            [self._look(self._anywhere(), truth, errs, 3) for _ in range(16)],
            [self._look(self._anywhere(), later, errs, 3) for _ in range(16)],
        )

    def _anywhere(self) -> tuple[float, float]:
        x, y = self._rng.uniform([-15, -18], [15, 0])
        return float(x), float(y)

    def _look(self, place: tuple[float, float], truth: np.ndarray, errs: float, frames: int) -> Dot:
        missed = errs * self._rng.normal(0, np.sqrt(self._prior.place_variance(*place)))
        return look_at(place, truth + np.outer(missed, [1, 0, 0]), self._rng, FRAME_DEG, frames)


@pytest.fixture(scope="module")
def taught(prior: Prior) -> Prior:
    people = People(prior, seed=7)
    return teach_prior([people.draw() for _ in range(80)], "drawn")


def test_how_people_differ_is_found_again(prior: Prior, taught: Prior) -> None:
    known, found = (np.sqrt(np.diagonal(one.covariance, axis1=1, axis2=2)) for one in (prior, taught))
    np.testing.assert_allclose(found, known, rtol=0.35)  # 80 people tell a deviation to 8 %
    np.testing.assert_allclose(taught.frame_variance, FRAME_DEG**2, rtol=0.15)
    np.testing.assert_allclose(taught.sitting_variance[:, 0], prior.sitting_variance[:, 0], rtol=0.6)
    offsets = np.array([1.0, 0.0, 0.0])  # of which the person's own share is to be expected again
    found, known = (one.persistence[:, 0] @ offsets for one in (taught, prior))
    np.testing.assert_allclose(found, known, atol=0.15)
    places = np.array(DOTS_DEG, float).T
    of_places = [np.sqrt(one.place_variance(*places).mean(axis=0)) for one in (prior, taught)]
    np.testing.assert_allclose(of_places[1], of_places[0] * np.exp(_SPREAD**2), rtol=0.2)
    assert (taught.people, taught.source) == (80, "drawn")


@pytest.mark.parametrize("dots", [1, 5, 9])
def test_intervals_hold_for_two_thirds_of_other_people(dots: int, prior: Prior, taught: Prior) -> None:
    """Before any check, and after one of four dots; true is the mean over twelve others."""
    people, before, after = People(prior, seed=2), [], []
    for _ in range(60):
        person = people.draw()
        found = Calibration.fit(person.calibration[:dots], taught)
        held_out, others = person.others[:4], person.others[4:]
        judged = found.judged(held_out)
        assert judged.validation is not None
        told = found.expected_error(*np.array([summarise(dot).raw_deg for dot in others]).T)
        for inside, expected, one in (
            (before, told, found),
            (after, judged.validation.expected, judged),
        ):
            inside.append(expected.low_deg <= one.check(others).error_deg <= expected.high_deg)
    assert 0.55 <= np.mean(before) <= 0.82
    assert 0.55 <= np.mean(after) <= 0.82


def test_too_few_people_are_refused(prior: Prior) -> None:
    people = People(prior, seed=3)
    with pytest.raises(UsageError, match=f"at least {LEAST_PEOPLE}, not {LEAST_PEOPLE - 1}"):
        teach_prior([people.draw() for _ in range(LEAST_PEOPLE - 1)])


def test_whose_dots_scatter_is_told_of_a_larger_error(prior: Prior, taught: Prior) -> None:
    """The same nine dots, their residuals twice as far from the fit; one dot alone tells nothing of that."""
    rng = np.random.default_rng(4)
    missed = rng.normal(0, 0.8, (len(DOTS_DEG), 2))

    def told(scale: float, dots: int) -> tuple[float, float]:
        seen = [
            look_at(place, np.outer(scale * miss, [1, 0, 0]), rng, 0.01)
            for place, miss in zip(DOTS_DEG, missed, strict=True)
        ]
        expected = Calibration.fit(seen[:dots], taught).expected_error(*np.array(DOTS_DEG, float).T)
        return expected.deg, expected.high_deg / expected.low_deg

    assert told(2.0, 9)[0] > 1.1 * told(1.0, 9)[0]
    assert told(2.0, 1)[0] == pytest.approx(told(1.0, 1)[0], rel=0.05)
    assert told(1.0, 9)[1] < told(1.0, 1)[1]  # and the more dots, the surer
