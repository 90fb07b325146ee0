import numpy as np
import pytest

from tinytracker.evaluation import metrics


def test_errors_are_euclidean() -> None:
    predicted = np.array([[3.0, 4.0], [1.0, 1.0], [np.nan, np.nan]])
    truth = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert metrics.errors_cm(predicted, truth) == pytest.approx([5, 0, np.nan], nan_ok=True)


def test_errors_in_degrees() -> None:
    """d cm away an error of d * tan(5 deg) is 5 degrees; without a distance it is unknown."""
    shift = 40 * np.tan(np.radians(5))
    angle = metrics.errors_deg(
        np.array([[shift, 0.0], [0.0, -shift]]), np.zeros((2, 2)), np.array([40.0, np.nan])
    )
    assert angle == pytest.approx([5, np.nan], nan_ok=True)


def test_bias_and_correlation() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(0, 5, (200, 2))
    predicted = truth * [0.5, -1] + [2, -3]
    x_bias, y_bias = metrics.bias_cm(predicted, truth)
    assert x_bias == pytest.approx(2 - 0.5 * truth[:, 0].mean())
    assert y_bias == pytest.approx(-3 - 2 * truth[:, 1].mean())
    assert metrics.correlation(predicted, truth) == pytest.approx((1, -1))


def test_correlation_of_a_constant_is_unknown() -> None:
    truth = np.random.default_rng(0).normal(size=(10, 2))
    assert np.isnan(metrics.correlation(np.full((10, 2), 3.0), truth)).all()


def test_jitter_is_the_spread_within_dots_not_the_bias() -> None:
    random = np.random.default_rng(1)
    fixation = np.repeat(np.arange(300), 10)
    dots = random.uniform(-5, 5, (300, 2))
    predicted = dots[fixation] + 7 + random.normal(0, 0.3, (3000, 2))  # a large bias and sigma = 0.3 per axis
    spread = metrics.jitter_cm(predicted, fixation)
    assert spread.shape == (300,)
    assert np.sqrt((spread**2).mean()) == pytest.approx(0.3 * np.sqrt(2), rel=0.03)


def test_jitter_leaves_out_dots_seen_once() -> None:
    assert metrics.jitter_cm(
        np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]]), np.array([0, 0, 1])
    ) == pytest.approx([np.sqrt(0.5)])


def test_fixations_are_dots_of_one_recording() -> None:
    recording = np.array(["a", "a", "a", "b", "b"])
    truth = np.array([[1, 2], [1, 2 + 1e-7], [3, 2], [1, 2], [1, 2]], np.float32)
    index = metrics.fixations(recording, truth)
    assert index[0] == index[1] != index[2]
    assert index[3] == index[4] != index[0]
    assert len(set(index.tolist())) == 3


def test_medians_of_people() -> None:
    values = np.array([1, 2, 9, 5, np.nan])
    assert metrics.medians_of_people(values, np.array(["a", "a", "a", "b", "b"])).tolist() == [2, 5]
