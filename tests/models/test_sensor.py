"""Networks for image sensors: what the sensor computes and what the host adds make the whole."""

import pytest
import torch

from tinytracker.errors import UsageError
from tinytracker.models import count, create_model, example_inputs
from tinytracker.models.sensor import SensorNetwork, correction, sensor_part

SMALL = {"size_px": (64, 128)}


def perturbed(name: str, **options) -> SensorNetwork:
    """A network whose correction is no longer what it starts as."""
    torch.manual_seed(3)
    network = create_model(name, **options).eval()
    assert isinstance(network, SensorNetwork)
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize("head", ["linear", "sigmoid"])
def test_the_sensor_sees_the_picture_alone_and_the_host_corrects_by_the_box(head):
    network = perturbed("tinytracker_imx_band", head=head, **SMALL)
    picture, box = example_inputs(network, 5)
    with torch.no_grad():
        raw = sensor_part(network)(picture)
        card = correction(network)
        assert card["input"] == "eye_band_box"
        layer = {
            name: (torch.tensor(card[name]["weight"]), torch.tensor(card[name]["bias"]))
            for name in card
            if name != "input"
        }
        hidden = (box @ layer["hidden"][0].T + layer["hidden"][1]).clamp(min=0)
        scale, offset = (hidden @ layer[name][0].T + layer[name][1] for name in ("scale", "offset"))
        assert torch.allclose(network(picture, box), raw * scale + offset, atol=1e-5)
        if head == "sigmoid":
            assert raw.min() >= 0
            assert raw.max() <= 1
            assert not torch.allclose(network(picture, box), network(picture, -box), atol=1e-3)


def test_a_fresh_networks_correction_changes_nothing():
    network = create_model("tinytracker_imx", size_px=64).eval()
    picture, box = example_inputs(network, 2)
    assert torch.equal(network(picture, box), sensor_part(network)(picture))
    assert correction(create_model("tinytracker_imx", size_px=64, position="baked")) == {}
    sigmoid = correction(create_model("tinytracker_imx", size_px=64, position="baked", head="sigmoid"))
    assert (sigmoid["scale"], sigmoid["offset"], sigmoid["input"]) == (
        {"bias": [2.0, 2.0]},
        {"bias": [-1.0, -1.0]},
        "",
    )


def test_networks_keep_to_their_budgets():
    assert count(create_model("tinytracker_imx")).macs < 20e6
    assert 25e6 < count(create_model("tinytracker_imx_band")).macs < 60e6
    assert count(create_model("tinytracker_imx_band", width=2.0)).macs < 155e6


@pytest.mark.parametrize(
    ("size", "message"), [((90, 256), "multiples of 16"), ((176, 256), "0.625 times as high")]
)
def test_bands_of_impossible_shape_are_refused(size, message):
    with pytest.raises(UsageError, match=message):
        create_model("tinytracker_imx_band", size_px=size)
