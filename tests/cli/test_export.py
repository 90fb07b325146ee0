"""What `tinytracker export` refuses, before anything is converted."""

from __future__ import annotations

import pytest

from tinytracker.cli.app import run
from tinytracker.models import checkpoint, create_model


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "best.safetensors"], 2, "give --data DATASET, or --float-only"),
        (["export", "nothing.safetensors", "--float-only"], 3, "nothing"),
        (["export", "tinytracker-s"], 3, "tinytracker-s is an int8 network already, which boards' targets"),
        (["export", "tinytracker-s", "--target", "imx500"], 3, "is an int8 network already"),
        (["export", "."], 3, "a .safetensors file that `tinytracker train` wrote, not .; give best.safeten"),
        (["export", "state.safetensors"], 3, "is what --resume needs, no network; give best.safetensors"),
        (["lint", ".", "--target", "coral"], 3, "or a released network's name; give best.safetensors"),
    ],
)
def test_refusals(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    for name in ("best", "state"):
        (tmp_path / f"{name}.safetensors").touch()
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("target", [["--float-only"], ["--target", "onnx"]])
def test_the_checkpoints_card_is_not_replaced(tmp_path, capsys, target):
    network = create_model("tinytracker_s")
    checkpoint.save_network(network, network.card("mine"), tmp_path / "mine.safetensors")
    assert run(["export", str(tmp_path / "mine.safetensors"), "--out", str(tmp_path), *target]) == 2
    assert "give another --out or --name" in capsys.readouterr().err
