"""Both read-out modes on the same rendered moments, and what a user is shown of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.targets.imx500.small import write_small_export
from tinytracker.cli.app import run
from tinytracker.domain import Box, Face, Image
from tinytracker.targets.imx500.chip.sensor import MODES, SensorMode
from tinytracker.targets.imx500.readout_study import Seer, read_out, study_readout

pytest.importorskip("numba")
BINNED = MODES["binned"]


def test_binned_pixels_are_means_of_four() -> None:
    image = np.random.default_rng(1).integers(0, 256, (3040, 4056, 3)).astype(np.uint8)
    frame, face = read_out(image, Face(Box(100, 200, 300, 400), Box(8, 8, 4, 4)), BINNED)
    means = image.reshape(1520, 2, 2028, 2, 3).mean(axis=(1, 3))
    assert np.abs(frame - means).max() <= 0.5
    assert (face.box, face.left_eye, face.right_eye) == (Box(50, 100, 150, 200), Box(4, 4, 2, 2), None)
    assert read_out(image, face, MODES["full"])[0] is image


def test_both_modes_see_the_same_moments() -> None:
    """The seer says how bright the face is: binning changes it by rounding alone, and by far less than people
    differ."""
    seen: list[tuple[str, float, float]] = []

    def look(frame: Image, face: Face, mode: SensorMode) -> tuple[float, float]:
        x, y = (int(middle) for middle in face.box.centre_px)
        half = int(face.box.width_px / 4)
        inside = frame[y - half : y + half, x - half : x + half]
        seen.append((mode.name, face.box.width_px / frame.shape[1], float(inside.mean())))
        return 0.0, 0.0

    (found,) = study_readout([Seer("mean", 10**7, look)], [22, 32], frames=2)
    full, binned = (np.array([numbers for name, *numbers in seen if name == mode]) for mode in MODES)
    assert len(full) == len(binned) == len(found.people) == 4
    assert full[:, 0] == pytest.approx(binned[:, 0]), "the same share of the picture"
    assert np.abs(full[:, 1] - binned[:, 1]).max() < 1
    assert full[:, 1].min() > 10, "the face is rendered"
    assert found.binning_costs.value == 0
    assert found.errors_cm["full"].min() > 0, "dots lie off the camera"


def test_simulate_compares_the_modes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    exported = write_small_export(tmp_path / "exported")
    assert run(["-q", "simulate", "imx500", "--model", str(exported), "--readout", "--people", "1"]) == 0
    said = capsys.readouterr().out
    assert "binned" in said
    assert "read-out modes on rendered people, emulated" in " ".join(said.split())
    assert run(["simulate", "imx500", "--model", str(exported), "--readout", "--lag", "1"]) == 2
