"""Pictures of a clip: there, of a sensible size, and the heat where the gaze was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinytracker.images import read_image
from tinytracker.tracking.plots import plot_gaze_against_truth, plot_heatmap

pytest.importorskip("matplotlib")


def test_gaze_against_truth(tmp_path: Path) -> None:
    times = np.arange(50) / 10
    truth = np.stack([np.sin(times), np.cos(times)], axis=1) * 8
    gaze = truth + 1
    gaze[10:15] = np.nan
    plot_gaze_against_truth(tmp_path / "gaze.png", times, gaze, truth, "A title")
    image = read_image(tmp_path / "gaze.png")
    assert image.shape[1] > image.shape[0] > 300
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 50


@pytest.mark.parametrize(("x_cm", "side"), [(-12.0, 0), (12.0, 1)])
def test_heat_is_where_the_gaze_was(tmp_path: Path, x_cm: float, side: int) -> None:
    gaze = np.tile([x_cm, -10.0], (40, 1))
    gaze[0] = np.nan
    plot_heatmap(tmp_path / "heat.png", gaze, (-17.0, 17.0, -22.0, -1.0), "Heat")
    image = read_image(tmp_path / "heat.png").astype(int)
    warm = (image[..., 0] > image[..., 2] + 60).nonzero()[1].mean()
    assert (warm > image.shape[1] / 2) == bool(side)


def test_heatmap_without_a_screen(tmp_path: Path) -> None:
    plot_heatmap(tmp_path / "heat.png", np.array([[1.0, -2.0]]), None, "Heat")
    assert (tmp_path / "heat.png").exists()
