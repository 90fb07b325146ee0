"""Pictures of an evaluation: gaze against truth, and where on the screen the errors are. Needs matplotlib
(extra: plot)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytracker.errors import UsageError
from tinytracker.evaluation.metrics import correlation, errors_cm
from tinytracker.extras import need
from tinytracker.files import written_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf", ".jpg")
POINTS_DRAWN = 4000  # a scatter of more is a blot
CELL_CM = 2.0
CELL_FRAMES = 3  # fewer say nothing about a place


def refuse_other_formats(path: Path) -> None:
    """Raises UsageError if `path` does not end like a picture that can be drawn."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"cannot draw to {path}: expected a name ending in one of {', '.join(FORMATS)}")


def plot_models(
    predictions: Mapping[str, np.ndarray], truth_cm: np.ndarray, path: Path, title: str = "", seed: int = 0
) -> None:
    """Draws one column per model and writes it to `path` (.png, .svg, .pdf or .jpg).

    predictions: per model float (n, 2) cm; truth_cm: float (n, 2) cm, both in prediction space. Rows: x
    against true x, y against true y, and the mean error by true position. `seed` picks the points that are
    drawn when there are many.
    """
    need("matplotlib.figure", "plot")
    from matplotlib.figure import Figure

    refuse_other_formats(path)

    figure = Figure(figsize=(1.2 + 3.3 * len(predictions), 9.6), layout="constrained")
    axes = figure.subplots(3, len(predictions), squeeze=False)
    shown = np.random.default_rng(seed).permutation(len(truth_cm))[:POINTS_DRAWN]
    worst_cm = _worst_cell_cm(predictions, truth_cm)
    for column, (name, predicted_cm) in enumerate(predictions.items()):
        _scatter(axes[0, column], predicted_cm[shown], truth_cm[shown], axis=0)
        _scatter(axes[1, column], predicted_cm[shown], truth_cm[shown], axis=1)
        mesh = _error_map(axes[2, column], predicted_cm, truth_cm, worst_cm)
        r_x, r_y = correlation(predicted_cm, truth_cm)
        error_cm = np.nanmean(errors_cm(predicted_cm, truth_cm))
        axes[0, column].set_title(f"{name}\nerror {error_cm:.2f} cm\nx: r = {r_x:.2f}", fontsize=10)
        axes[1, column].set_title(f"y: r = {r_y:.2f}", fontsize=10)
        axes[2, column].set_title("mean error by place", fontsize=10)
    figure.colorbar(mesh, ax=axes[2, :].tolist(), label="cm")
    figure.suptitle(title)
    _save(figure, path)


def _scatter(axes: Axes, predicted_cm: np.ndarray, truth_cm: np.ndarray, axis: int) -> None:
    name = "xy"[axis]
    axes.plot(truth_cm[:, axis], predicted_cm[:, axis], ".", markersize=2, alpha=0.3)
    low, high = truth_cm[:, axis].min(), truth_cm[:, axis].max()
    axes.plot([low, high], [low, high], color="black", linewidth=0.8)
    axes.set_xlabel(f"true {name} (cm from the camera)")
    axes.set_ylabel(f"estimated {name} (cm)")
    axes.set_aspect("equal", adjustable="datalim")


def _cells(truth_cm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of cells of CELL_CM that cover the targets, for x and y."""
    low = np.floor(truth_cm.min(axis=0) / CELL_CM) * CELL_CM
    high = truth_cm.max(axis=0) + CELL_CM
    return np.arange(low[0], high[0] + 1e-9, CELL_CM), np.arange(low[1], high[1] + 1e-9, CELL_CM)


def error_by_place(
    predicted_cm: np.ndarray, truth_cm: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean error per cell of true position: (x edges (a+1,), y edges (b+1,), float (a, b) cm, NaN where
    too few frames)."""
    x_edges, y_edges = _cells(truth_cm)
    error_cm = errors_cm(predicted_cm, truth_cm)
    known = np.isfinite(error_cm)
    places = truth_cm[known].T
    sums, _, _ = np.histogram2d(places[0], places[1], bins=(x_edges, y_edges), weights=error_cm[known])
    counts, _, _ = np.histogram2d(places[0], places[1], bins=(x_edges, y_edges))
    return x_edges, y_edges, np.where(counts >= CELL_FRAMES, sums / np.maximum(counts, 1), np.nan)


def _worst_cell_cm(predictions: Mapping[str, np.ndarray], truth_cm: np.ndarray) -> float:
    """One colour scale for all models: up to the 95th percentile of their cells."""
    cells = np.concatenate(
        [error_by_place(predicted_cm, truth_cm)[2].ravel() for predicted_cm in predictions.values()]
    )
    cells = cells[np.isfinite(cells)]
    return float(np.percentile(cells, 95)) if len(cells) else 1.0


def _error_map(axes: Axes, predicted_cm: np.ndarray, truth_cm: np.ndarray, worst_cm: float) -> Any:
    x_edges, y_edges, mean_cm = error_by_place(predicted_cm, truth_cm)
    mesh = axes.pcolormesh(x_edges, y_edges, mean_cm.T, vmin=0, vmax=worst_cm, cmap="viridis")
    axes.plot(0, 0, "r^", markersize=6)  # the camera
    axes.set_xlabel("true x (cm; the camera is the triangle)")
    axes.set_ylabel("true y (cm)")
    axes.set_aspect("equal", adjustable="datalim")
    return mesh


def _save(figure: Figure, path: Path) -> None:
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=110)
