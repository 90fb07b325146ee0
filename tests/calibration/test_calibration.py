"""The solver: what it learns, what it doubts, what it ignores; and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gazers import CHECK_DEG, LAYOUT_DEG
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.caution import cautious
from tinytracker.calibration.check import Check, DotCheck, check_dots
from tinytracker.calibration.dots import Dot, DotSummary, summarise
from tinytracker.calibration.error import ExpectedError, angle_between_deg, mean_length
from tinytracker.calibration.fit import fit_dots
from tinytracker.calibration.posterior import Posterior, features
from tinytracker.calibration.prior import BROAD, PER_DEG, Prior
from tinytracker.calibration.stage import CalibrationStage
from tinytracker.errors import UsageError

TRUTH = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
Look = Callable[..., Dot]


def test_without_noise_and_prior_it_finds_the_six_numbers(look: Look) -> None:
    rng = np.random.default_rng(0)
    dots = [look(place, TRUTH, rng, noise_deg=0.0) for place in LAYOUT_DEG]
    found = Calibration.fit(dots, replace(BROAD, covariance=1e8 * BROAD.covariance))
    np.testing.assert_allclose(found.coefficients, TRUTH, atol=1e-4)
    np.testing.assert_allclose(
        found.apply(*np.array([dot.raw_deg for dot in found.dots]).T), np.array(LAYOUT_DEG).T, atol=1e-3
    )


def test_it_is_the_posterior_of_the_linear_model(prior: Prior, look: Look) -> None:
    """Against the textbook's information form: covariance = (S^-1 + X' W X)^-1, mean = covariance X' W r."""
    rng = np.random.default_rng(1)
    dots = [summarise(look(place, TRUTH, rng)) for place in LAYOUT_DEG[:5]]
    fitted = fit_dots(dots, prior, robust=False).posterior
    raw = np.array([dot.raw_deg for dot in dots])
    phi = np.column_stack([np.ones(5), raw / PER_DEG])
    for axis in range(2):
        noise = prior.place_variance(*raw.T)[:, axis] + prior.frame_variance[axis] / 20
        covariance = np.linalg.inv(np.linalg.inv(prior.covariance[axis]) + (phi.T / noise) @ phi)
        residuals = np.array([dot.residual_deg[axis] for dot in dots])
        np.testing.assert_allclose(fitted.covariance[axis], covariance, rtol=1e-8)
        np.testing.assert_allclose(fitted.mean[axis], covariance @ (phi.T / noise) @ residuals, rtol=1e-8)


def test_dots_one_by_one_are_dots_together(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(2)
    dots = [summarise(look(place, TRUTH, rng)) for place in LAYOUT_DEG]
    phi = features(*np.array([dot.raw_deg for dot in dots]).T)
    residuals, noise = np.array([dot.residual_deg for dot in dots]), np.full((len(dots), 2), 0.5)
    together = Posterior.of_prior(prior).observed(phi, residuals, noise)
    step = Posterior.of_prior(prior)
    for k in range(len(dots)):
        step = step.observed(phi[k : k + 1], residuals[k : k + 1], noise[k : k + 1])
    np.testing.assert_allclose(step.mean, together.mean, atol=1e-9)
    np.testing.assert_allclose(step.covariance, together.covariance, atol=1e-9)


def test_a_dot_that_was_not_looked_at_hardly_counts(prior: Prior, look: Look) -> None:
    """The eyes were still on the dot before: plain least squares follows it, the weights do not."""
    rng = np.random.default_rng(3)
    good = [look(place, TRUTH, rng) for place in LAYOUT_DEG[:5]]
    spoiled = good.copy()
    spoiled[3] = look(LAYOUT_DEG[3], TRUTH, rng, elsewhere_deg=LAYOUT_DEG[2])
    places = np.array(CHECK_DEG)
    clean, robust = (Calibration.fit(dots, prior) for dots in (good, spoiled))
    plain = fit_dots([summarise(dot) for dot in spoiled], prior, robust=False).posterior
    away = float(np.linalg.norm(np.subtract(clean.apply(*places.T), robust.apply(*places.T)), axis=0).mean())
    away_plain = float(
        np.linalg.norm(plain.correction(*places.T) - clean.posterior.correction(*places.T), axis=1).mean()
    )
    assert away < 0.4
    assert away_plain > 2.0
    assert robust.worst_dots() == [3]
    assert robust.weights[3] < 0.2 < 0.6 < min(robust.weights[:3])


@given(
    st.lists(st.tuples(*[st.floats(-40, 40)] * 4), min_size=1, max_size=13),
    st.integers(1, 200),
)
@settings(max_examples=80, deadline=None)
def test_any_dots_give_finite_numbers_and_a_proper_covariance(
    dots: list[tuple[float, ...]], frames: int
) -> None:
    seen = [DotSummary(0.0, 0.0, (a, b), (c, d), 50.0, frames, 1.0, 0.2) for a, b, c, d in dots]
    found, bold = Calibration.fit(seen), fit_dots(seen, BROAD).posterior
    assert np.isfinite(found.coefficients).all()
    for axis in range(2):
        assert np.linalg.eigvalsh(found.posterior.covariance[axis]).min() > 0
        narrowed = BROAD.covariance[axis] - bold.covariance[axis]
        assert np.linalg.eigvalsh(narrowed).min() > -1e-8  # dots never make less sure
    assert found.expected_error().low_deg > 0


def test_one_dot_moves_by_no_more_than_it_deserves(prior: Prior, look: Look) -> None:
    found = Calibration.fit([look((0.0, -9.0), TRUTH, np.random.default_rng(4))], prior)
    residual, moved = found.dots[0].residual_deg, found.posterior.correction(*found.dots[0].raw_deg)
    assert 0 < moved[0] / residual[0] < 1
    assert 0.8 < moved[1] / residual[1] < 1  # people differ more up and down


def test_a_correction_goes_as_far_as_it_is_sure_to_help(prior: Prior) -> None:
    """People drawn from what a dot leaves possible: the share of them for whom the cautious correction is
    worse than none, over the screen, is the chance that was allowed."""
    x_deg, y_deg = (values.ravel() for values in np.meshgrid(np.linspace(-14, 14, 5), np.linspace(-14, 0, 5)))
    phi, rng = features(x_deg, y_deg), np.random.default_rng(20)
    for residual_deg, shares in ((0.3, (0, 0)), (0.7, (0.5, 0.6)), (6.0, (1, 1))):
        dot = DotSummary(0.0, 0.0, (0.3, -8.0 + residual_deg), (0.0, -8.0), 60.0, 20, 1.0, 0.2)
        bold = fit_dots([dot], prior).posterior
        found = cautious(bold, x_deg, y_deg)
        assert shares[0] <= found.share <= shares[1]
        np.testing.assert_allclose(found.posterior.mean, found.share * bold.mean)
        drawn = [rng.multivariate_normal(bold.mean[a], bold.covariance[a], 40_000) @ phi.T for a in range(2)]
        away = [(drawn[a] - phi @ found.posterior.mean[a]) for a in range(2)]
        worse = sum((part**2).sum(axis=1) for part in away) > sum((part**2).sum(axis=1) for part in drawn)
        assert worse.mean() == pytest.approx(0.1587, abs=0.01) if 0 < found.share < 1 else worse.mean() < 0.16
        told = found.posterior.variance(x_deg, y_deg)
        np.testing.assert_allclose(told, np.stack([(part**2).mean(axis=0) for part in away], 1), rtol=0.05)


def test_a_dot_that_says_little_leaves_the_gaze_alone(prior: Prior, look: Look) -> None:
    dot = Dot.of_angles((0.0, -9.0), np.tile([0.1, -8.8], (15, 1)))
    found = Calibration.fit([dot], prior)
    assert np.all(found.coefficients == 0)
    assert not found.corrects
    check = found.check([look(place, np.zeros((2, 3)), np.random.default_rng(21)) for place in CHECK_DEG])
    assert not check.helps
    assert check.sentence.startswith("Calibrating made no difference")
    many = [look(place, TRUTH, np.random.default_rng(22)) for place in LAYOUT_DEG[:5]]
    sure = fit_dots([summarise(dot) for dot in many], prior).posterior
    np.testing.assert_array_equal(Calibration.fit(many, prior).posterior.mean, sure.mean)


def test_more_dots_make_it_surer_and_the_next_dot_lies_where_it_is_not(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(5)
    dots = [look(place, TRUTH, rng) for place in LAYOUT_DEG]
    found = [Calibration.fit(dots[:count], prior) for count in (1, 3, 8)]
    expected = [calibration.expected_error(*np.array(CHECK_DEG).T).deg for calibration in found]
    assert expected[0] > expected[1] > expected[2]
    places_cm = [(0.0, -10.0), (16.0, -1.0), (5.0, -8.0)]
    assert found[0].next_dot(places_cm) == 1


def test_check_measures_other_dots_and_says_it_in_one_sentence(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(6)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG[:5]], prior)
    check = found.check([look(place, TRUTH, rng) for place in CHECK_DEG])
    assert check.helps
    assert check.error_deg < 0.8 < 2.5 < check.uncalibrated_deg
    assert check.expected.low_deg < check.expected.deg < check.expected.high_deg
    assert min(check.error_deg, 1.0) < check.expected.deg < 2.0  # drawn from the measured towards the usual
    assert check.sentence.startswith("Expect to be off by about ")
    assert f"without calibration {check.uncalibrated_deg:.1f}" in check.sentence


def test_a_calibration_that_does_not_help_says_so_and_is_not_used(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(7)
    at_ease, squinting = np.zeros((2, 3)), np.array([[2.0, 0.0, 0.0], [4.0, 0.0, 0.0]])
    found = Calibration.fit([look(place, squinting, rng) for place in LAYOUT_DEG[:5]], prior)
    check = found.check([look(place, at_ease, rng) for place in CHECK_DEG])
    assert not check.helps
    assert "did not help" in check.sentence
    assert "not used" in check.sentence
    stage = CalibrationStage(found.with_check(check))
    assert stage.apply(3.0, -4.0, 0) == (3.0, -4.0)
    assert stage.calibration_id == ""


def test_no_gaze_at_the_check_is_no_figure(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(8)
    found = Calibration.fit([look((0.0, -9.0), TRUTH, rng)], prior)
    with pytest.raises(UsageError, match="no check dot has a frame with a gaze"):
        found.check([Dot.of_angles((1.0, 1.0), np.full((5, 2), np.nan))])
    with pytest.raises(UsageError, match="at least one dot"):
        Calibration.fit([Dot.of_angles((1.0, 1.0), np.full((5, 2), np.nan))])


def test_recentring_follows_a_shift_and_undo_takes_it_back(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(9)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG], prior)
    moved = TRUTH + np.array([[1.0, 0, 0], [-2.5, 0, 0]])
    later = [look(place, moved, rng) for place in CHECK_DEG]
    recentred = found.recentred(look((0.0, -9.0), moved, rng))
    assert recentred.check(later).error_deg < 0.5 * found.check(later).error_deg
    np.testing.assert_allclose(recentred.coefficients[:, 1:], found.coefficients[:, 1:], atol=0.06)
    assert recentred.undone().id == found.id != recentred.id
    with pytest.raises(UsageError, match="no re-centring to take back"):
        found.undone()


def test_recentring_gain_is_the_kalman_filters(prior: Prior) -> None:
    """At the camera, from a sure calibration of the people's mean: gain q / (q + s^2 / n), with q what
    sittings leave open of an offset; thought possible only, less; in the same sitting, none."""
    sure = Posterior(np.zeros((2, 3)), np.stack([np.eye(3) * 1e-9] * 2))
    fitted = Calibration(sure, prior, (DotSummary(0, 0, (0.0, 0.0), (0.0, 0.0), 60.0, 20, 1.0, 0.2),), (1.0,))
    dot = DotSummary(0.0, 0.0, (0.3, 0.3), (0.0, 0.0), 60.0, 20, 1.0, 0.2)
    moved = fitted.recentred(dot, new_sitting=1.0).recentrings[0].moved_deg
    noise = prior.dot_variance[:, 0] + prior.frame_variance / 20
    people, own = prior.covariance[:, 0, 0], prior.sitting_variance[:, 0]
    left_open = people * (1 - (1 - own / people) ** 2)
    np.testing.assert_allclose(moved, 0.3 * left_open / (left_open + noise), rtol=1e-6)
    perhaps = fitted.recentred(dot, new_sitting=0.5).recentrings[0].moved_deg
    assert (np.abs(perhaps) < 0.5 * np.abs(moved)).all()
    same = fitted.recentred(dot, new_sitting=0.0).recentrings[0]
    assert max(np.abs(same.moved_deg)) < 1e-3  # nothing has had time to change
    with pytest.raises(UsageError, match=r"a chance between 0 and 1, not 1\.5"):
        fitted.recentred(dot, new_sitting=1.5)


def test_recentring_of_somebody_who_has_not_moved_does_little_harm(prior: Prior, look: Look) -> None:
    """Dots that err as places do: where nothing changed, one of them moves a calibration by nine by much less
    than if a new sitting were taken for granted, and by nearly as much where something did."""
    rng, harm = np.random.default_rng(23), {0.5: [], 1.0: []}
    moved = TRUTH + np.array([[2.5, 0, 0], [-3.5, 0, 0]])
    for _ in range(20):
        found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG], prior)
        missed = np.outer(rng.normal(0, np.sqrt(prior.dot_variance[:, 0])), [1, 0, 0])
        others = [look(place, TRUTH, rng) for place in CHECK_DEG]
        for chance, errors in harm.items():
            again = found.recentred(look((0.0, -9.0), TRUTH + missed, rng), chance)
            errors.append(again.check(others).error_deg - found.check(others).error_deg)
    assert np.mean(harm[0.5]) < 0.5 * np.mean(harm[1.0])
    later = [look(place, moved, rng) for place in CHECK_DEG]
    unsure, sure = (
        found.recentred(look((0.0, -9.0), moved, rng), chance).check(later).error_deg for chance in harm
    )
    assert unsure < sure + 0.15


def test_wider_offsets_are_no_wider_gains(prior: Prior) -> None:
    wider = prior.with_offsets_wider(4.0)
    sds, known = (np.sqrt(np.diagonal(one.covariance, axis1=1, axis2=2)) for one in (wider, prior))
    np.testing.assert_allclose(sds / known, [[2, 1, 1]] * 2)
    np.testing.assert_allclose(wider.sitting_variance / prior.sitting_variance, [[4, 1, 1]] * 2)


def test_another_sitting_keeps_what_persists(prior: Prior, look: Look) -> None:
    """Against people drawn: regression of a sitting's numbers on those of the one before, and what it
    leaves."""
    rng, own = np.random.default_rng(24), prior.sitting_variance[:, :, None] * np.eye(3)
    known = Posterior(TRUTH * [1, PER_DEG, PER_DEG], prior.covariance / 50)
    told = known.in_new_sitting(prior)
    for axis in range(2):
        person = rng.multivariate_normal(np.zeros(3), prior.covariance[axis] - own[axis], 100_000)
        first, later = (person + rng.multivariate_normal(np.zeros(3), own[axis], 100_000) for _ in range(2))
        regressed = np.linalg.lstsq(first, later, rcond=None)[0].T
        np.testing.assert_allclose(prior.persistence[axis], regressed, atol=0.02)
        np.testing.assert_allclose(told.mean[axis], regressed @ known.mean[axis], atol=0.1)
        left = np.cov((later - first @ regressed.T).T) + regressed @ known.covariance[axis] @ regressed.T
        np.testing.assert_allclose(told.covariance[axis], left, atol=0.1)
    wild = replace(prior, sitting_variance=3 * prior.sitting_variance + 9).persistence
    assert np.linalg.eigvals(wild).real.min() >= -1e-9  # whatever a card says, nothing turns round


def test_in_another_sitting_only_what_lasts_is_used(prior: Prior) -> None:
    """Drawn people of whose horizontal numbers nothing lasts and of whose vertical ones nearly all: a profile
    used as it was doubles the horizontal error; carried over it does not, and keeps the vertical gain."""
    rng, covariance = np.random.default_rng(31), prior.covariance
    share = np.array([1.0, 0.1])
    prior = replace(prior, sitting_variance=share[:, None] * np.diagonal(covariance, axis1=1, axis2=2))
    phi = features(*np.array(CHECK_DEG).T)
    squares: dict[str, list[np.ndarray]] = {"none": [], "as it was": [], "carried": []}
    for _ in range(300):
        person, first, later = (
            np.stack([rng.multivariate_normal(np.zeros(3), part * covariance[axis]) for axis, part in parts])
            for parts in (enumerate(1 - share), enumerate(share), enumerate(share))
        )
        dots = [
            DotSummary(0, 0, (0.0, 0.0), place, 60.0, 20, 1.0, 0.2)
            for place in LAYOUT_DEG  # raw; what must be added comes as the target
        ]
        told = [
            replace(dot, target_deg=tuple(np.add(dot.raw_deg, features(*dot.raw_deg) @ (person + first).T)))
            for dot in dots
        ]
        fitted = Calibration.fit(told, prior)
        truth = phi @ (person + later).T
        for name, used in (("as it was", fitted), ("carried", fitted.carried_over(1.0))):
            squares[name].append((truth - used.posterior.correction(*np.array(CHECK_DEG).T)) ** 2)
        squares["none"].append(truth**2)
    none, as_it_was, carried = (np.sqrt(np.mean(each, axis=(0, 1))) for each in squares.values())
    assert as_it_was[0] > 1.25 * none[0]
    np.testing.assert_allclose(carried[0], none[0], rtol=0.05)
    assert carried[1] < 0.6 * none[1]
    assert carried[1] < 1.02 * as_it_was[1]


def test_carried_over_is_unsurer_until_a_dot_tells(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(32)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG], prior)
    found = found.judged([look(place, TRUTH, rng) for place in CHECK_DEG])
    assert found.validation is not None
    assert found.error_to_come == found.validation.expected
    carried, middle = found.carried_over(), look((0.0, -9.0), TRUTH, rng)
    assert carried.id == found.id  # the same profile, used with care
    assert carried.error_to_come.deg > 1.2 * found.error_to_come.deg
    assert carried.check([middle]).expected.high_deg > found.check([middle]).expected.high_deg
    moved = carried.recentred(middle)
    assert moved.id == found.recentred(middle).id
    assert moved.error_to_come.deg < carried.error_to_come.deg
    again = carried.with_check(carried.check([look(place, TRUTH, rng) for place in CHECK_DEG]))
    assert again.validation is not None
    assert again.error_to_come == again.validation.expected  # what was checked is what is used
    with pytest.raises(UsageError, match="of several sittings"):
        carried.judged([middle])
    with pytest.raises(UsageError, match="a chance between 0 and 1"):
        found.carried_over(2.0)


def test_check_dots_teach_once_they_have_judged(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(25)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG[:3]], prior, created="then")
    held_out = [look(place, TRUTH, rng) for place in CHECK_DEG]
    judged, check = found.judged(held_out), found.check(held_out)
    together = Calibration.fit([*found.dots, *map(summarise, held_out)], prior, created="then")
    np.testing.assert_array_equal(judged.coefficients, together.coefficients)
    assert judged.validation is not None
    assert (judged.validation.dots, judged.validation.error_deg) == (check.dots, check.error_deg)
    assert judged.validation.expected.deg < check.expected.deg  # it has learnt since
    assert judged.is_useful
    with pytest.raises(UsageError, match="of several sittings learns no more"):
        found.recentred(held_out[0]).judged(held_out)


def test_every_dot_left_out_in_turn_decides(prior: Prior, look: Look) -> None:
    """Two check dots of four erred by chance; the others, and those of the fit, say that it helps."""
    rng = np.random.default_rng(26)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG], prior)
    good = [look(place, TRUTH, rng) for place in CHECK_DEG[:2]]
    erring = [look(place, -0.5 * TRUTH, rng) for place in CHECK_DEG[2:]]
    assert not found.check(erring).helps
    judged = found.judged([*good, *erring])
    assert judged.validation is not None
    left_out = judged.validation.left_out
    assert left_out is not None
    assert judged.is_useful
    by_hand = []
    for number, dot in enumerate(judged.dots):
        others = Calibration.fit([*judged.dots[:number], *judged.dots[number + 1 :]], prior)
        by_hand.append(angle_between_deg(dot.target_deg, np.stack(others.apply(*dot.raw_deg))))
    assert left_out.error_deg == pytest.approx(np.mean(by_hand))
    assert left_out.uncalibrated_deg == pytest.approx(
        np.mean([angle_between_deg(dot.target_deg, dot.raw_deg) for dot in judged.dots])
    )


def test_a_glance_elsewhere_hardly_recentres(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(10)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG], prior)
    elsewhere = found.recentred(look((0.0, -9.0), TRUTH, rng, elsewhere_deg=(14.0, -2.0))).recentrings[0]
    assert elsewhere.surprise > 3
    assert np.hypot(*elsewhere.moved_deg) < 0.35 * np.hypot(14.0, 7.0)


def test_stage_gives_what_apply_gives_and_takes_exchange(prior: Prior, look: Look) -> None:
    rng = np.random.default_rng(11)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG[:3]], prior)
    stage = CalibrationStage(found)
    for x, y in rng.uniform(-20, 20, (20, 2)):
        np.testing.assert_allclose(stage.apply(x, y, 0), found.apply(x, y), atol=1e-12)
    assert stage.calibration_id == found.id
    stage.calibration = None
    assert stage.apply(1.0, 2.0, 0) == (1.0, 2.0)
    assert stage.calibration_id == ""


def test_apply_keeps_shapes(prior: Prior, look: Look) -> None:
    found = Calibration.fit([look((0.0, -9.0), TRUTH, np.random.default_rng(12))], prior)
    x, y = found.apply(np.zeros((3, 4)), np.ones((3, 4)))
    assert x.shape == y.shape == (3, 4)


@given(st.floats(0.01, 9), st.floats(0.01, 9))
@settings(max_examples=30, deadline=None)
def test_mean_length_is_that_of_drawn_vectors(first: float, second: float) -> None:
    drawn = np.random.default_rng(0).normal(0, np.sqrt([first, second]), (200_000, 2))
    assert mean_length([first, second]) == pytest.approx(np.linalg.norm(drawn, axis=1).mean(), rel=0.01)


def test_angles_between_directions() -> None:
    assert angle_between_deg((0.0, 0.0), (3.0, 0.0)) == pytest.approx(3.0)
    assert angle_between_deg((0.0, 0.0), (3.0, 4.0)) == pytest.approx(
        np.degrees(np.arctan(np.hypot(np.tan(np.radians(3)), np.tan(np.radians(4)))))
    )


def test_expected_error_is_an_interval_of_ratios() -> None:
    expected = ExpectedError.of_log(0.0, np.log(2))
    assert (expected.low_deg, expected.deg, expected.high_deg) == pytest.approx((0.5, 1.0, 2.0))


def test_a_surprising_check_counts_more_than_what_was_expected(prior: Prior) -> None:
    """Somebody whose gaze stays in the middle: four dots off by 6 degrees, 1.5 were expected."""
    dots = [Dot.of_angles(place, np.zeros((12, 2))) for place in ((-7, 3), (7, 4), (5, -5), (-5, -6))]
    check = check_dots(dots, lambda x, y: (x, y), (np.log(1.5), 0.35), prior.check_log_sd)
    assert check.expected.low_deg < check.error_deg < check.expected.high_deg
    assert not check.follows
    mild = check_dots(dots, lambda x, y: (x, y), (np.log(6.0), 0.35), prior.check_log_sd)
    variances = 0.35**2, prior.check_log_sd**2 / 4  # as expected: weighed by how sure each is
    weighed = (np.log(6.0) / variances[0] + np.log(check.error_deg) / variances[1]) / (
        1 / variances[0] + 1 / variances[1]
    )
    assert np.log(mild.expected.deg) == pytest.approx(weighed)


def test_who_sees_nothing_is_told_so() -> None:
    dot = DotCheck((0.0, 0.0), (1.0, 1.0), 6.0, 6.0, 9.0, 9.0, 10, ((1.0, 0.0), (0.0, 1.0)), 60.0)
    check = Check((dot,) * 4, 6.0, 6.0, 9.0, 9.0, 6.2, ExpectedError(5.5, 4.5, 6.6), px_per_cm=40.0)
    told = "The gaze hardly follows the dots, though: always their middle would be as good."
    assert check.sentence.endswith(f"without calibration 9.0. {told}")
    expected = "Expect to be off by about 220 px, likely 180 to 264; without calibration 360."
    assert check.sentence_in_px == f"{expected} {told}"
    assert replace(check, centre_deg=9.0).sentence.endswith("without calibration 9.0.")
    worse = replace(check, uncalibrated_deg=4.0, uncalibrated_cm=4.0)
    assert worse.sentence_in_px.startswith("Calibrating did not help: off by 240 px with it, 160 without.")


def test_check_knows_pixels_where_a_screen_is_known() -> None:
    check = Check((), 1.0, 2.0, 3.0, 6.0, 9.0, ExpectedError(1.1, 0.9, 1.4), px_per_cm=40.0)
    assert check.error_px == 80.0
    assert check.sentence == (
        "Expect to be off by about 1.1 degrees (2.2 cm, 88 px), likely 0.9 to 1.4; without calibration 3.0."
    )
