import numpy as np
import pytest

from tinytracker.evaluation.intervals import mean_over_frames, mean_over_people, ratio_of_means

PEOPLE = np.array(["a", "a", "a", "b"])
VALUES = np.array([1.0, 2.0, 3.0, 6.0])


def test_means_weigh_frames_or_people() -> None:
    assert mean_over_frames(VALUES, PEOPLE).value == pytest.approx(3.0)
    assert mean_over_people(VALUES, PEOPLE).value == pytest.approx(4.0)


def test_ratio() -> None:
    assert ratio_of_means(VALUES, np.full(4, 6.0), PEOPLE).value == pytest.approx(0.5)


@pytest.mark.parametrize("mean", [mean_over_frames, mean_over_people])
def test_interval_covers_the_truth_nineteen_times_in_twenty(mean) -> None:
    """40 people whose own levels differ far more than their frames: an interval over frames would be far
    too small."""
    random = np.random.default_rng(3)
    trials, frames = 200, 25
    people = np.repeat(np.arange(40), frames)
    hits = 0
    for _ in range(trials):
        values = 5 + np.repeat(random.normal(0, 2, 40), frames) + random.normal(0, 0.1, len(people))
        estimate = mean(values, people)
        hits += estimate.low <= 5 <= estimate.high
    assert 0.90 <= hits / trials <= 0.98


def test_interval_is_the_same_each_time() -> None:
    assert mean_over_frames(VALUES, PEOPLE, seed=1) == mean_over_frames(VALUES, PEOPLE, seed=1)
    assert mean_over_frames(VALUES, PEOPLE, seed=1).low <= mean_over_frames(VALUES, PEOPLE).value


def test_ratio_of_a_thing_to_itself_is_certain() -> None:
    estimate = ratio_of_means(VALUES, VALUES, PEOPLE)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("mean", [mean_over_frames, mean_over_people])
def test_unknown_values_count_in_nothing(mean) -> None:
    values = np.append(VALUES, np.nan)
    assert mean(values, np.append(PEOPLE, "c")) == mean(VALUES, PEOPLE)


@pytest.mark.parametrize("mean", [mean_over_frames, mean_over_people])
def test_one_person_has_no_interval_and_none_no_value(mean) -> None:
    one = mean(np.ones(3), np.array(["a", "a", "a"]))
    assert one.value == 1
    assert np.isnan([one.low, one.high]).all()
    assert np.isnan(mean(np.array([np.nan]), np.array(["a"])).value)
