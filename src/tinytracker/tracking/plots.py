"""Pictures of a tracked clip: gaze over time against the truth, and where the gaze went. Needs matplotlib
(extra "demo")."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tinytracker.extras import need
from tinytracker.files import written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAZE_COLOUR, TRUTH_COLOUR = "#2364aa", "#e07a00"
CELLS = 160  # of the heatmap, along its longer side
SPREAD_CM = 1.0  # deviation by which a gaze point is smeared, about a degree of arm's length


def plot_gaze_against_truth(
    path: Path, times_s: np.ndarray, gaze_cm: np.ndarray, truth_cm: np.ndarray, title: str
) -> None:
    """Writes a PNG of x and y over time, and of the paths on the plane of the camera.

    times_s: (n,). gaze_cm, truth_cm: (n, 2), prediction space; NaN where there is no gaze.
    """
    figure = _figure(11, 5.2)
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 1))
    for row, axis in enumerate("xy"):
        over_time = figure.add_subplot(grid[row, 0])
        over_time.plot(times_s, truth_cm[:, row], color=TRUTH_COLOUR, lw=2.5, alpha=0.8, label="the dot")
        over_time.plot(times_s, gaze_cm[:, row], color=GAZE_COLOUR, lw=1.2, label="tracked gaze")
        over_time.set_ylabel(f"{axis} (cm, {'right' if axis == 'x' else 'up'})")
        over_time.grid(alpha=0.25)
        if row == 0:
            over_time.set_title(title, loc="left")
            over_time.legend(loc="upper right", ncols=2, fontsize=8)
    over_time.set_xlabel("time (s)")
    plane = figure.add_subplot(grid[:, 1])
    plane.plot(*truth_cm.T, color=TRUTH_COLOUR, lw=2, alpha=0.6)
    plane.scatter(gaze_cm[:, 0], gaze_cm[:, 1], color=GAZE_COLOUR, s=6)
    _mark_camera(plane)
    plane.set_aspect("equal")
    plane.margins(0.12)
    plane.set_xlabel("x (cm)")
    plane.set_ylabel("y (cm)")
    _save(figure, path)


def plot_heatmap(
    path: Path, gaze_cm: np.ndarray, screen_cm: tuple[float, float, float, float] | None, title: str
) -> None:
    """Writes a PNG of where the gaze went, in cm from the camera.

    gaze_cm: (n, 2), prediction space, NaN where there is none. screen_cm: left, right, bottom, top of the
    screen, drawn as a frame.
    """
    points = gaze_cm[np.isfinite(gaze_cm).all(axis=1)]
    left, right, bottom, top = _extent(points, screen_cm)
    cell_cm = max(right - left, top - bottom) / CELLS
    shape = max(2, round((right - left) / cell_cm)), max(2, round((top - bottom) / cell_cm))
    counts, _, _ = np.histogram2d(
        points[:, 0], points[:, 1], bins=shape, range=((left, right), (bottom, top))
    )
    density = cv2.GaussianBlur(counts.T, (0, 0), SPREAD_CM / cell_cm, borderType=cv2.BORDER_CONSTANT)
    figure = _figure(7, 1.2 + 6 * (top - bottom) / (right - left))
    plane = figure.add_subplot()
    plane.imshow(
        density, origin="lower", extent=(left, right, bottom, top), cmap="magma", interpolation="bilinear"
    )
    if screen_cm is not None:
        x = [screen_cm[0], screen_cm[1], screen_cm[1], screen_cm[0], screen_cm[0]]
        y = [screen_cm[2], screen_cm[2], screen_cm[3], screen_cm[3], screen_cm[2]]
        plane.plot(x, y, color="white", lw=1, alpha=0.8)
    _mark_camera(plane)
    plane.set_xlabel("cm to the right of the camera, as the person sees it")
    plane.set_ylabel("cm above the camera")
    plane.set_title(title, loc="left")
    _save(figure, path)


def _extent(
    points: np.ndarray, screen_cm: tuple[float, float, float, float] | None
) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of what is shown: the points, the camera, the screen, and some room."""
    rows = [points, np.zeros((1, 2))]
    if screen_cm is not None:
        rows.append(np.array([[screen_cm[0], screen_cm[2]], [screen_cm[1], screen_cm[3]]]))
    everything = np.concatenate(rows)
    (left, bottom), (right, top) = everything.min(axis=0) - 3, everything.max(axis=0) + 3
    return float(left), float(right), float(bottom), float(top)


def _mark_camera(plane: Any) -> None:
    plane.plot(0, 0, marker="s", color="grey", ms=5)
    plane.annotate("camera", (0, 0), (4, 4), textcoords="offset points", fontsize=8, color="grey")


def _figure(width: float, height: float) -> Figure:
    need("matplotlib.figure", "demo")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=120)
