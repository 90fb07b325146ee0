"""The networks are the ones published: parameters and multiply-accumulates to the unit, and shapes for
every option."""

import pytest
import torch

from tinytracker.errors import UsageError
from tinytracker.inputs import OUTPUTS
from tinytracker.models import count, create_model, example_inputs, list_models
from tinytracker.models.count import table


def test_registry_lists_every_network():
    assert list_models() == [
        "eye_locator",
        "itracker",
        "pupil",
        "retina",
        "retina_ann",
        "tinytracker",
        "tinytracker_eyes",
        "tinytracker_imx",
        "tinytracker_imx_band",
        "tinytracker_s",
    ]


@pytest.mark.parametrize(("name", "options"), [("tinytrackr", {}), ("tinytracker", {"sise_px": 112})])
def test_unknown_names_are_refused_with_what_there_is(name, options):
    with pytest.raises(UsageError, match=r"tinytracker.*size_px|eye_locator, itracker"):
        create_model(name, **options)


@pytest.mark.parametrize(
    ("padding", "macs", "parameters"), [("keras", 11_839_208, 444_862), ("same", 14_068_680, 446_654)]
)
def test_tinytracker_is_the_papers(padding, macs, parameters):
    counted = count(create_model("tinytracker", padding=padding))
    backbone = [layer for layer in counted.layers if layer.name.startswith("backbone")]
    assert sum(layer.parameters + layer.statistics for layer in backbone) == 441_000
    assert counted.macs == macs
    assert counted.parameters_with_statistics == parameters


def test_tinytracker_at_128_is_the_released_file():
    counted = count(create_model("tinytracker", size_px=128))
    assert (counted.macs, counted.folded) == (16_815_360, 428_486)


def test_tinytracker_s_is_the_released_file():
    counted = count(create_model("tinytracker_s"))
    assert (counted.macs, counted.folded) == (5_229_184, 81_946)


def test_itracker_is_25_megabytes():
    counted = count(create_model("itracker"))
    assert 24e6 < counted.float_bytes < 25.2e6
    assert count(create_model("itracker", norm="lrn")).macs == counted.macs == 1_324_455_808


def test_our_networks_keep_to_their_budgets():
    eyes, locator = count(create_model("tinytracker_eyes")), count(create_model("eye_locator"))
    assert eyes.macs <= 18e6
    assert eyes.parameters <= 450e3
    assert locator.macs <= 3e6


def test_count_agrees_with_torch_and_leaves_the_network_alone():
    network = create_model("tinytracker_s").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    counted = count(network)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert counted.parameters == sum(p.numel() for p in network.parameters())
    assert f"{counted.macs:,}" in table(counted).splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tinytracker", {}),
        ("tinytracker", {"colour": "grey", "position": "none", "size_px": 64}),
        ("tinytracker", {"colour": "grey", "position": "baked", "size_px": (80, 160), "padding": "same"}),
        ("tinytracker_s", {}),
        ("tinytracker_s", {"squeeze_excite": True, "colour": "rgb", "position": "channels", "size_px": 64}),
        ("itracker", {"size_px": 67}),
        ("itracker", {"size_px": 67, "norm": "lrn"}),
        ("tinytracker_eyes", {}),
        ("eye_locator", {}),
        ("eye_locator", {"colour": "rgb"}),
        ("tinytracker_imx", {"size_px": 64}),
        ("tinytracker_imx", {"size_px": 64, "position": "channels", "head": "sigmoid"}),
        ("tinytracker_imx", {"size_px": (64, 96), "position": "baked"}),
        ("tinytracker_imx_band", {"size_px": (64, 128), "head": "sigmoid"}),
        ("tinytracker_imx_band", {"size_px": (64, 128), "correct_by_box": False}),
    ],
)
def test_networks_run_trace_and_train(name, options):
    torch.manual_seed(0)
    network = create_model(name, **options)
    inputs = example_inputs(network, 3)
    outputs = len(OUTPUTS["eyes"]) if name == "eye_locator" else 2
    loss = network.train()(*inputs).square().sum()
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    network.eval()
    expected = network(*inputs)
    assert expected.shape == (3, outputs)
    embedding = network.embed(*inputs)
    assert embedding.shape == (3, *network.embedding_shape)
    assert torch.allclose(network.head(embedding), expected, atol=1e-6)
    assert torch.allclose(torch.fx.symbolic_trace(network)(*inputs), expected, atol=1e-6)


def test_maps_are_flattened_rows_first_channels_last():
    from tinytracker.models.layers import FlattenNHWC

    x = torch.arange(24.0).view(1, 2, 3, 4)
    assert torch.equal(FlattenNHWC()(x)[0].view(3, 4, 2), x[0].permute(1, 2, 0))


def test_eyes_share_a_tower_and_are_told_apart():
    torch.manual_seed(0)
    network = create_model("tinytracker_eyes").eval()
    face, left, right, box = example_inputs(network, 2)
    assert not torch.allclose(network(face, left, right, box), network(face, right, left, box))
    seen = network.embed(face, left, right, box), network.embed(face, right, left, box)
    assert torch.allclose(seen[0][:, :112], seen[1][:, 112:224], atol=1e-6)
