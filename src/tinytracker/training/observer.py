"""The observer, ideal in the sense of vision science: an expert who is told what a picture shows, and nothing
else.

It knows in pixels what a network has to find (eye corners, iris centres, the openness of the lids) and head
pose, distance and frame, all from the renderer's truth. Fitted to the training people, what it says of them
is their gaze without what differs between people and no picture shows: where an eyeball sits behind its lids,
and the angle between the optical and the visual axis. A network that learns from it has less to learn by
heart. Learning from a teacher who knows more than the student ever will: Lopez-Paz et al., Unifying
distillation and privileged information (ICLR 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from tinytracker.data.dataset import Dataset
from tinytracker.progress import Progress, no_progress
from tinytracker.training import losses
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import EYES, choose

BATCH, HIDDEN = 512, 192
STEPS = 6000  # with twice as many it learns by heart what nobody can see
REACH_CM, REACH = 10.0, 0.2  # the outputs' scales: an offset, and a share of the distance
MIRROR = np.array([-1, 1], np.float32)


class IdealObserver(nn.Module):
    """Measurements (n, features) and distances (n,) cm -> gaze (n, 2) cm, as an offset plus an angle times
    the distance."""

    def __init__(self, measurements: Tensor) -> None:
        """measurements: those it will be fitted to."""
        super().__init__()
        self.mean, self.deviation = measurements.mean(0), measurements.std(0) + 1e-3
        sizes = (measurements.shape[1], HIDDEN, HIDDEN, HIDDEN)
        layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.SiLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, 4))

    def forward(self, measurements: Tensor, distance_cm: Tensor) -> Tensor:
        out = self.layers((measurements - self.mean) / self.deviation)
        return out[:, :2] * REACH_CM + out[:, 2:] * REACH * distance_cm[:, None]


def measure(labels: Mapping[str, np.ndarray], mirrored: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """What the observer is told (n, features), distances (n,) and gaze (n, 2), both cm, of a dataset's
    columns; all of them as in a mirror if `mirrored`."""

    def columns(*names: str) -> np.ndarray:
        return np.stack([labels[name] for name in names], axis=1).astype(np.float64)

    frame = columns("frame_width_px", "frame_height_px")
    eyes, sign = (EYES[::-1], -1) if mirrored else (EYES, 1)  # in a mirror the left eye is a right one

    def points(name: str) -> np.ndarray:
        found = columns(*(f"truth_{eye}_{name}_{axis}_px" for eye in eyes for axis in "xy")).reshape(-1, 2, 2)
        return np.stack([frame[:, :1] - found[..., 0], found[..., 1]], -1) if mirrored else found

    inner, outer, iris = points("inner"), points("outer"), points("centre")
    middles = (inner + outer) / 2
    apart = np.linalg.norm(middles[:, 0] - middles[:, 1], axis=1)[:, None, None]
    distance_cm = columns("truth_distance_cm")
    parts = (
        ((iris - middles) / apart).reshape(-1, 4),
        ((outer - inner) / apart).reshape(-1, 4),
        middles.mean(axis=1) / frame,
        frame / 640,
        np.log(distance_cm),
        np.log(apart[:, 0]),
        columns(*(f"truth_head_{axis}_deg" for axis in ("yaw", "pitch", "roll"))) * (sign, 1, sign),
        columns(*(f"truth_{eye}_openness" for eye in eyes)),
    )
    gaze_cm = columns("gaze_x_cm", "gaze_y_cm") * (sign, 1)
    seen, distances, gaze = (
        torch.from_numpy(array).float() for array in (np.concatenate(parts, 1), distance_cm[:, 0], gaze_cm)
    )
    return seen, distances, gaze


def fit(
    labels: Mapping[str, np.ndarray], steps: int = STEPS, seed: int = 0, progress: Progress = no_progress
) -> IdealObserver:
    """An observer with the least mean distance in cm to the gaze of people whose truth is known, mirrored
    ones included."""
    seen, distance_cm, gaze_cm = (
        torch.cat(both) for both in zip(measure(labels), measure(labels, mirrored=True), strict=True)
    )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        observer = IdealObserver(seen)
        optimiser = torch.optim.AdamW(observer.parameters(), 2e-3, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.005, steps)
        for step in range(steps):
            some = torch.randint(len(seen), (BATCH,))
            loss = losses.euclidean(observer(seen[some], distance_cm[some]), gaze_cm[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(step + 1, steps)
    return observer


def observe(observer: IdealObserver, labels: Mapping[str, np.ndarray]) -> np.ndarray:
    """An observer's gaze, float32 (n, 2) cm: the mean of what it says of the person and of the person in a
    mirror."""
    with torch.inference_mode():
        plain, mirrored = (observer(*measure(labels, side)[:2]).numpy() for side in (False, True))
    return (plain + mirrored * MIRROR) / 2


def ask_observer(
    dataset: Dataset, recipe: Recipe, seed: int = 0, progress: Progress = no_progress
) -> np.ndarray | None:
    """Fits an observer to the samples that `recipe` trains on and asks it about them: float32 (2, n, 2) cm,
    plain and mirrored, NaN where the renderer's truth is not known; None if it is known nowhere."""
    indices = choose(dataset, "train", recipe.min_openness)
    known = np.isfinite(
        dataset.labels.get("truth_distance_cm", np.full(len(dataset.labels["frame"]), np.nan))[indices]
    )
    if not known.any():
        return None
    labels = {name: column[indices[known]] for name, column in dataset.labels.items()}
    observer = fit(labels, min(STEPS, 2 * recipe.steps), seed, progress)
    answers = np.full((2, len(indices), 2), np.nan, np.float32)
    answers[0, known] = observe(observer, labels)
    answers[1] = answers[0] * MIRROR
    return answers
