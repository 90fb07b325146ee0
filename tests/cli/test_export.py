"""What `tinytracker export` refuses, before anything is converted."""

from __future__ import annotations

import pytest

from tinytracker.cli.app import run


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "best.safetensors"], 2, "give --data DATASET, or --float-only"),
        (["export", "nothing.safetensors", "--float-only"], 3, "nothing"),
    ],
)
def test_refusals(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best.safetensors").touch()
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
