from pathlib import Path

import numpy as np
import pytest

from tinytracker.errors import UsageError
from tinytracker.evaluation.plots import error_by_place, plot_models
from tinytracker.images import read_image


def test_error_by_place_is_the_mean_of_each_cell() -> None:
    truth = np.array([[1.0, 1.0]] * 4 + [[3.0, 1.0]] * 4 + [[3.0, 3.0]])
    predicted = truth + np.array([[1.0, 0.0]] * 4 + [[0.0, 2.0]] * 4 + [[9.0, 0.0]])
    x_edges, y_edges, mean_cm = error_by_place(predicted, truth)
    assert x_edges.tolist() == y_edges.tolist() == [0, 2, 4]
    assert mean_cm[0, 0] == 1
    assert mean_cm[1, 0] == 2
    assert np.isnan(mean_cm[0, 1])  # nobody looked there
    assert np.isnan(mean_cm[1, 1])  # too few did


def test_a_picture_comes_out(tmp_path: Path) -> None:
    truth = np.random.default_rng(0).uniform(-5, 5, (300, 2))
    path = tmp_path / "plot.png"
    plot_models({"one": truth + 1, "two": np.zeros((300, 2))}, truth, path, "title")
    picture = read_image(path)
    assert picture.shape[0] > 600
    assert picture.std() > 20
    assert [file.name for file in tmp_path.iterdir()] == ["plot.png"]


def test_an_unknown_kind_of_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a name ending in one of \.png"):
        plot_models({"one": np.zeros((3, 2))}, np.zeros((3, 2)), tmp_path / "plot.gif")
    assert not list(tmp_path.iterdir())
