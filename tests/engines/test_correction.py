"""What the host computes is what the network was trained with."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tinytracker.engines.correction import Correction
from tinytracker.errors import ModelError
from tinytracker.models import create_model
from tinytracker.models.sensor import correction, sensor_part


@pytest.mark.parametrize("head", ["linear", "sigmoid"])
def test_it_is_the_networks(head):
    torch.manual_seed(1)
    network = create_model("tinytracker_imx", size_px=64, head=head).eval()
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        picture, box = torch.rand(5, 3, 64, 64) * 2 - 1, torch.rand(5, 4) * 2 - 1
        raw, whole = sensor_part(network)(picture).numpy(), network(picture, box).numpy()
    ours = Correction(correction(network))
    assert ours.box_kind == "face_box"
    assert np.allclose(ours.apply(raw, box.numpy()), whole, atol=1e-5)


def test_constants_and_nothing():
    raw = np.array([[0.5, 1.0]], np.float32)
    assert np.array_equal(Correction({}).apply(raw), raw)
    fixed = Correction({"input": "", "scale": {"bias": [2, 2]}, "offset": {"bias": [-1, -1]}})
    assert fixed.apply(raw).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.pop("hidden"),
        lambda card: card["scale"].pop("bias"),
        lambda card: card["offset"].update(bias=[1.0]),
        lambda card: card.update(hidden=3),
        lambda card: card["hidden"].update(weight=[[1, 2], [3]]),
    ],
)
def test_a_broken_one_is_refused(change):
    card = copy.deepcopy(correction(create_model("tinytracker_imx", size_px=64)))
    change(card)
    with pytest.raises(ModelError, match="card's correction"):
        Correction(card)
