"""`tinytracker models` on released networks made for the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker import zoo
from tinytracker.cards import InputSpec, ModelCard, write_card
from tinytracker.cli.app import run
from tinytracker.errors import ModelError


@pytest.fixture(autouse=True)
def two_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "RELEASED", tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name, output in (("small-gaze", "gaze"), ("small-eyes", "eyes")):
        (tmp_path / f"{name}.tflite").write_bytes(b"x" * 1234)
        card = ModelCard(
            name,
            "test",
            (InputSpec("face", "face", 112, 96, position="channels"), InputSpec("face_box", "face_box")),
            output=output,  # type: ignore[arg-type]
            counts={"parameters": 454321, "macs": 11839208},
            results={"test": {"error_cm": 1.93456, "how": "measured"}},
            caution="Real faces need calibration [or training].",
        )
        write_card(card, tmp_path / f"{name}.json")


def test_the_table_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if "small-gaze" in line)
    for expected in ("face 96x112 rgb+xy, face_box", "gaze", "454,321", "11,839,208", "1,234"):
        assert expected in line
    assert "small-eyes" in out


def test_a_card_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "small_gaze"]) == 0
    out = capsys.readouterr().out
    for expected in (
        "error_cm: 1.935",
        "how: measured",
        "Real faces need calibration [or training].",
        "Apache-2.0",
    ):
        assert expected in out


def test_json_is_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["models", "small-eyes", "--json"]) == 0
    assert capsys.readouterr().out == (tmp_path / "small-eyes.json").read_text()


def test_an_unknown_name_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "huge"]) == ModelError.exit_code
    assert "small-eyes, small-gaze" in capsys.readouterr().err
