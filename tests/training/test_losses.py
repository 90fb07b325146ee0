import pytest
import torch

from tinytracker.models import create_model
from tinytracker.training import losses
from tinytracker.training.average import MovingAverage
from tinytracker.training.batches import AUXILIARY


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
    assert losses.eye_points(predicted, target) == pytest.approx(0.1 + 3 * 0.1, abs=0.01)  # shut: thrice
    target[0, 12:] = 0.2
    predicted[0, 12:] = torch.tensor([0.2, 0.4])
    assert losses.eye_points(predicted, target) == pytest.approx(0.1 + 0.1, abs=0.01)  # usually open: once


def test_auxiliary_ignores_what_is_not_known():
    predicted = torch.zeros(2, AUXILIARY, requires_grad=True)
    target = torch.full((2, AUXILIARY), float("nan"))
    target[0, 0], target[1, 1] = 1.0, 3.0  # two of the four gaze angles
    target[1, 19] = 0.5  # the distance
    loss = losses.auxiliary(predicted, target)
    of_angles, _, _, of_distance, *_ = losses.AUXILIARY_WEIGHTS
    assert loss.item() == pytest.approx(of_angles * (1 + 3) / 4 + of_distance * 0.5)
    loss.backward()
    assert torch.equal(predicted.grad != 0, torch.isfinite(target))
    nothing = losses.auxiliary(predicted, torch.full((2, AUXILIARY), float("nan")))
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
