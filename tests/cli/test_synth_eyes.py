"""`tinytracker synth eyes` beside `tinytracker synth OUT`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.events.recordings import read_recording


def test_eyes_are_written_and_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "eyes"
    arguments = [
        "-q",
        "synth",
        "eyes",
        str(out),
        "--seconds",
        "0.1",
        "--sensor",
        "speck,davis346",
        "--jobs",
        "1",
    ]
    assert run([*arguments, "--people", "1"]) == 0
    assert f"1 recordings of 0.1 s written to {out}" in capsys.readouterr().out.replace("\n", "")
    assert run([*arguments, "--people", "2"]) == 0
    assert "1 were there already" in " ".join(capsys.readouterr().out.split())
    sensors = [read_recording(out / name).sensor for name in ("00000-00000", "00000-00001")]
    assert sensors == ["speck", "davis346"]


def test_a_format_brings_its_sensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "-q",
        "synth",
        "eyes",
        str(tmp_path),
        "--people",
        "1",
        "--format",
        "3et",
        "--sensor",
        "speck",
    ]
    assert run(arguments) == 2
    assert "3et is recorded with a dvxplorer, not speck" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--sensor", "kodak"], "davis346, dvxplorer, speck"),
        (["--fixed", "nose"], "pose, leds, lids, slip, sensor"),
        (["--seconds", "0"], "0.05 to 600"),
        (["--split", "all"], "train, val or test"),
        (["--jobs", "0"], "--jobs must be at least 1"),
    ],
)
def test_mistakes_are_one_line(
    wrong: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-q", "synth", "eyes", str(tmp_path / "out"), "--people", "1", *wrong]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_faces_are_still_what_synth_alone_renders(tmp_path: Path) -> None:
    """A folder of theirs may be called eyes, too: as ./eyes."""
    out = tmp_path / "eyes"
    assert run(["-q", "synth", str(out), "--people", "1", "--frames", "1", "--jobs", "1"]) == 0
    assert (out / "00000" / "info.json").exists()


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synth", "eyes", "--help"]) == 0
    told = capsys.readouterr().out
    assert "tinytracker synth eyes [OPTIONS]" in told
    for option in ("--sensor", "--label-hz", "--format", "--fixed", "--shifted", "Examples:"):
        assert option in told
