"""Muon: steps are orthogonal and of the size asked for, and it takes the right weights."""

import pytest
import torch
from torch import nn

from tinytracker.models import create_model
from tinytracker.training.muon import RMS, Muon, hidden_weights, orthogonal


@pytest.mark.parametrize("shape", [(16, 16), (20, 75), (75, 20), (64, 432)])
def test_a_matrix_made_orthogonal_keeps_its_singular_vectors(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix) @ right.T
    values = found.diagonal()
    assert ((values > 0.3) & (values < 1.3)).all()  # the smallest of a square matrix comes up last
    assert values.median() == pytest.approx(0.95, abs=0.25)
    assert (found - values.diag()).abs().max() < 1e-3


def test_a_step_has_the_size_asked_for_and_weights_decay():
    torch.manual_seed(0)
    layer = nn.Conv2d(24, 48, 3)
    before = layer.weight.detach().clone()
    optimiser = Muon(
        [{"params": [layer.weight], "weight_decay": 0.5, "orthogonal": True}, {"params": [layer.bias]}], 1e-2
    )
    layer(torch.randn(8, 24, 9, 9)).square().mean().backward()
    bias = layer.bias.detach().clone()
    optimiser.step()
    moved = layer.weight.detach() - before * (1 - 1e-2 * 0.5)
    assert moved.square().mean().sqrt() == pytest.approx(1e-2 * RMS, rel=0.25)
    assert (layer.bias.detach() - bias).abs().median() == pytest.approx(1e-2, rel=1e-3)  # Adam's first step


@pytest.mark.parametrize(
    "model",
    ["tinytracker", "tinytracker_s", "itracker", "tinytracker_eyes", "eye_locator", "tinytracker_imx"],
)
def test_it_is_for_hidden_layers_that_mix_channels(model):
    network = create_model(model)
    hidden = {id(weight) for weight in hidden_weights(network)}
    outputs = 14 if network.spec.output == "eyes" else 2
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        depthwise = getattr(layer, "groups", 1) > 1
        if depthwise or len(layer.weight) == outputs:
            assert id(layer.weight) not in hidden, name
        elif len(layer.weight) >= 24:
            assert id(layer.weight) in hidden, name


def test_matrices_of_one_shape_are_made_orthogonal_together_as_alone():
    batch = torch.randn(5, 24, 60, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(orthogonal(batch), torch.stack([orthogonal(one) for one in batch]), atol=1e-5)
    tall = batch.mT
    assert torch.allclose(orthogonal(tall), torch.stack([orthogonal(one) for one in tall]), atol=1e-5)


def test_layers_alike_move_together_as_alone():
    torch.manual_seed(0)
    layers = [nn.Conv2d(16, 16, 3, bias=False) for _ in range(3)] + [nn.Linear(16, 32, bias=False)]
    gradients = [torch.randn_like(layer.weight) for layer in layers]
    moved = []
    for together in (True, False):
        weights = [layer.weight.detach().clone().requires_grad_() for layer in layers]
        groups = [weights] if together else [[weight] for weight in weights]
        optimisers = [Muon([{"params": group, "orthogonal": True}], 1e-2) for group in groups]
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient.clone()
        for optimiser in optimisers:
            optimiser.step()
        moved.append(weights)
    for one, other in zip(*moved, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
