"""Each finding names the layer and the remedy, before anything is converted."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tinytracker.errors import ModelError
from tinytracker.models import Network, create_model
from tinytracker.targets.findings import Finding, Severity
from tinytracker.targets.imx500.lint import estimated_memory, lint, lint_network


def findings(network: Network, severity: Severity) -> list[Finding]:
    return [finding for finding in lint_network(network) if finding.severity is severity]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tinytracker_imx", {}),
        ("tinytracker_imx", {"position": "baked", "head": "sigmoid"}),
        ("tinytracker_imx_band", {}),
        ("tinytracker_imx_band", {"size_px": (128, 320), "width": 2.0, "head": "sigmoid"}),
    ],
)
def test_networks_made_for_the_sensor_have_nothing_to_mend(name, options):
    network = create_model(name, **options)
    assert not findings(network, Severity.ERROR)
    assert not findings(network, Severity.WARNING)
    words = " ".join(finding.message for finding in findings(network, Severity.NOTE))
    assert "8,388,480 (estimated)" in words
    assert "ms on the chip (estimated)" in words


@pytest.mark.parametrize(
    ("name", "options", "layer", "message", "remedy"),
    [
        ("tinytracker_s", {}, "face", "1 channel (grey), the sensor feeds 3", 'colour = "rgb"'),
        ("tinytracker_eyes", {}, "face, left_eye, right_eye", "sees 3 pictures", "tinytracker_imx_band"),
        ("tinytracker_eyes", {}, "face_box", "no numbers beside the picture", "on the host"),
        ("eye_locator", {"colour": "rgb"}, "model", "eye locator", "gaze network"),
        ("tinytracker_imx", {"size_px": 48}, "face", "width 48 px, the sensor makes 64 to 640", "size_px"),
        ("tinytracker_imx", {"size_px": (672, 64)}, "face", "height 672 px", "size_px"),
        ("itracker", {"size_px": 67, "norm": "lrn"}, "eye.2", "LocalResponseNorm does not convert", "batch"),
    ],
)
def test_what_the_sensor_cannot_run(name, options, layer, message, remedy):
    found = [one for one in findings(create_model(name, **options), Severity.ERROR) if message in one.message]
    assert found
    assert found[0].layer == layer
    assert remedy in found[0].remedy


def test_what_costs_for_nothing():
    (padding, tanh) = findings(create_model("tinytracker", position="none"), Severity.WARNING)
    assert padding.layer == "face"
    assert "112 x 112 px is padded to 128 x 112: 14 % of memory and time for nothing" in padding.message
    assert tanh.layer == "head.5"
    assert "Tanh after the fully connected head_4 is not fused" in tanh.message or "head.4" in tanh.message
    assert "tinytracker_imx" in tanh.remedy
    (channels,) = findings(create_model("tinytracker_imx", position="channels"), Severity.WARNING)
    assert "5 channels" in channels.message
    assert "--roi" in channels.remedy


def broken(change) -> Network:
    network = create_model("tinytracker_imx_band", size_px=(64, 128))
    change(network)
    return network


def test_normalisations_that_do_not_convert_are_named():
    network = broken(lambda n: setattr(n.features[2], "bn", nn.GroupNorm(4, 48)))
    (finding,) = findings(network, Severity.ERROR)
    assert finding.layer == "features.2.bn"
    assert "GroupNorm does not convert" in finding.message
    assert "batch normalisation" in finding.remedy


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_a_branch_on_a_value_cannot_be_traced():
    (finding,) = findings(broken(lambda n: n.features.append(Branching())), Severity.ERROR)
    assert "cannot trace it" in finding.message
    assert "branches" in finding.remedy


def test_a_network_too_large_for_the_chip():
    network = broken(lambda n: n.features.append(nn.Sequential(nn.Linear(128, 66_000), nn.Linear(66_000, 128))))
    (finding,) = findings(network, Severity.ERROR)
    assert "of 8,388,480 (estimated)" in finding.message


def test_the_memory_estimate_leaves_the_network_as_it_was():
    network = create_model("tinytracker_imx_band").train()
    weights, working = estimated_memory(network)
    assert network.training
    # The first convolution, which takes the padded 3 x 99 x 259, its rows as if 288 wide, and gives 24 x 48 x 128; its
    # pooling reads that and writes a quarter: fewer bytes.
    assert working == 3 * 99 * 288 + 24 * 48 * 128
    assert 490e3 < weights < 500e3
    assert torch.is_grad_enabled()


def test_only_checkpoints_are_taken(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"")
    with pytest.raises(ModelError, match="takes a checkpoint"):
        lint(tmp_path / "a.tflite")
