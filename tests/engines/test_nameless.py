"""Tensors' names are optional in the format: a released network without any tracks as it does with them, and
Vela takes it."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import card_path
from tinytracker.cli import app
from tinytracker.files import sha256
from tinytracker.images import write_image
from tinytracker.tflite.schema import pack, unpack
from tinytracker.zoo import find


def nameless(name: str, folder: Path) -> Path:
    """A released network's file without names, its card beside it."""
    released = find(name)
    model = unpack(released.path.read_bytes())
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = None
    path = folder / "nameless.tflite"
    path.write_bytes(pack(model))
    card = json.loads(card_path(released.path).read_text()) | {"sha256": sha256(path)}
    card_path(path).write_text(json.dumps(card))
    return path


@pytest.mark.parametrize("name", ["tinytracker-eyes", "tinytracker", "tinytracker-s"])
def test_it_tracks_as_with_names(name: str, tmp_path: Path, portrait: np.ndarray) -> None:
    write_image(tmp_path / "me.png", portrait)
    rows = []
    for model in (name, str(nameless(name, tmp_path))):
        line = [
            "-q",
            "track",
            str(tmp_path / "me.png"),
            "--model",
            model,
            "--csv",
            str(tmp_path / "gaze.csv"),
        ]
        assert app.run(line) == 0
        with (tmp_path / "gaze.csv").open(newline="") as file:
            rows.append(list(csv.DictReader(file)))
    assert rows[0] == rows[1]
    assert rows[0][0]["valid"] == "1"


def test_without_a_card_too(tmp_path: Path, portrait: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "me.png", portrait)
    path = nameless("tinytracker", tmp_path)
    card_path(path).unlink()
    line = ["-q", "track", str(tmp_path / "me.png"), "--model", str(path), "--output-scale-cm", "40"]
    assert app.run(line) == 0, capsys.readouterr().err
    assert "1 with a gaze" in capsys.readouterr().out


@pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela is not installed")
def test_vela_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = nameless("tinytracker-s", tmp_path)
    assert app.run(["-q", "lint", str(path), "--target", "ethos-u"]) == 0, capsys.readouterr().err
    assert app.run(["-q", "export", str(path), "--target", "ethos-u", "--out", str(tmp_path / "npu")]) == 0
    printed = capsys.readouterr()
    assert "nameless_vela.tflite" in printed.out, printed.err
    assert (tmp_path / "npu" / "nameless_vela.tflite").stat().st_size > 50_000
