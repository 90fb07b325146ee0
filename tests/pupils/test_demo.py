"""`demo events`, with a network as it is before training: every piece of it is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.pupils.eyes import random_network
from tinytracker.cli.app import run
from tinytracker.events.recordings import read_recording


def test_the_demo_leaves_a_video_and_an_error_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = str(random_network(tmp_path / "pupil.safetensors"))
    out = tmp_path / "demo"
    command = ["-q", "demo", "events", "--sensor", "speck", "--seconds", "0.5", "--slow", "2"]
    (out / "eye").mkdir(parents=True)  # of a run before, which gives way
    (out / "eye" / "old").touch()
    assert run([*command, "--model", network, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "events of a rendered eye before a speck" in said
    assert "px of the sensor, by" in said
    recording = read_recording(out / "eye")
    with (out / "pupil.csv").open() as file:
        assert len(list(csv.DictReader(file))) == int(recording.events.duration_us * 200 / 1e6)
    assert (out / "pupil.mp4").read_bytes()[4:8] == b"ftyp"
    assert (out / "error.png").read_bytes().startswith(b"\x89PNG")
