import numpy as np
import pytest
import torch

from tinytracker.models import create_model
from tinytracker.training import losses
from tinytracker.training.average import MovingAverage


def test_euclidean_is_the_distance_and_weighs_by_the_persons():
    predicted, target = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.zeros(2, 2)
    assert losses.euclidean(predicted, target) == pytest.approx((5 + losses.ROUNDING_CM) / 2, abs=2e-3)
    far = losses.euclidean(predicted[:1], target[:1], torch.tensor([70.0]))
    assert far == pytest.approx(2.5, abs=1e-3)
    unknown = losses.euclidean(predicted[:1], target[:1], torch.tensor([float("nan")]))
    assert unknown == pytest.approx(5.0, abs=2e-3)


def test_eye_points_are_distances_plus_openness():
    target = torch.zeros(1, 14)
    predicted = target.clone()
    predicted[0, 0], predicted[0, 13] = 0.6, 0.2
    assert losses.eye_points(predicted, target) == pytest.approx(0.1 + 0.1, abs=0.01)


def test_auxiliary_ignores_what_is_not_known():
    target = torch.tensor([[1.0, float("nan")], [float("nan"), 3.0]])
    predicted = torch.zeros(2, 2, requires_grad=True)
    loss = losses.auxiliary(predicted, target)
    assert loss.item() == pytest.approx(2.0)
    loss.backward()
    assert np.array_equal(predicted.grad != 0, [[True, False], [False, True]])
    nothing = losses.auxiliary(predicted, torch.full((2, 2), float("nan")))
    assert nothing.item() == 0
    assert torch.isfinite(nothing)


def test_the_average_follows_and_lags():
    network = create_model("tinytracker_s", size_px=32)
    average = MovingAverage(network, 0.9)
    first = average.network.head[4].bias.clone()
    with torch.no_grad():
        network.head[4].bias += 1
    average.update(10**6)
    assert torch.allclose(average.network.head[4].bias, first + 0.1)
    assert not average.network.training
    exact = MovingAverage(network, 0.0)
    with torch.no_grad():
        network.head[4].bias += 1
    exact.update(5)
    assert torch.equal(exact.network.head[4].bias, network.head[4].bias)
