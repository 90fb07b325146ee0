"""How far any network could get without calibration: the error of an observer who misses nothing that a picture shows.

    tinytracker synth people --seed 3 --people 526 --frames 12 --heads both --ict-path ICT-FaceKit/FaceXModel
    tinytracker prepare people dataset
    python benchmarks/observer.py dataset

The observer is told exactly what a network has to measure in pixels: eye corners and iris centres, the openness of the lids,
head pose, distance, frame. It is a small network, trained on the training people and scored on the test people. What it
still gets wrong is what differs between people and hardly shows: where an eyeball sits behind its lids, and the angle
between the optical and the visual axis. A gaze network beside it (any that `tinytracker evaluate` takes) shows what is left
to gain by seeing better; everybody's own mean offset taken away, what is left to gain by calibration.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from tinytracker.data.dataset import Dataset
from tinytracker.evaluation.evaluate import Frames, frames_of, predict

EYES = ("left", "right")
BATCH, HIDDEN = 512, 192
REACH_CM = 10.0
REACH = 0.2  # of the distance


class Observer(nn.Module):
    """Measurements (n, features) and distances (n,) -> gaze (n, 2) cm, as an offset plus an angle times the distance."""

    def __init__(self, measurements: Tensor) -> None:
        super().__init__()
        self.mean, self.deviation = measurements.mean(0), measurements.std(0) + 1e-3
        sizes = (measurements.shape[1], HIDDEN, HIDDEN, HIDDEN)
        layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.SiLU())]
        self.layers = nn.Sequential(*layers, nn.Linear(HIDDEN, 4))

    def forward(self, measurements: Tensor, distance_cm: Tensor) -> Tensor:
        out = self.layers((measurements - self.mean) / self.deviation)
        return out[:, :2] * REACH_CM + out[:, 2:] * REACH * distance_cm[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", help="datasets of rendered people")
    parser.add_argument("--model", default="tinytracker-eyes", help="the gaze network beside it")
    parser.add_argument("--steps", type=int, default=6000)
    arguments = parser.parse_args()
    torch.manual_seed(0)

    dataset = Dataset.open(arguments.data)
    observer = trained(*measured(dataset, dataset.split("train")), arguments.steps)
    frames, indices = frames_of(dataset, "test")
    with torch.inference_mode():
        seen, distance_cm, _ = measured(dataset, indices)
        observed_cm = observer(seen, distance_cm).numpy()
    always_mean = np.broadcast_to(frames.mean_cm, frames.truth_cm.shape)

    title = f"{dataset.name}, test: {len(np.unique(frames.person))} people, {len(indices)} frames (measured)"
    table = Table("", "error cm", "share of the mean", "phones, cm", "x, cm", "y, cm", "own offset known, cm", title=title)
    for name, gaze_cm in {
        "always the mean": always_mean,
        arguments.model: predict(arguments.model, dataset, indices),
        "perfect observer": observed_cm,
    }.items():
        table.add_row(name, *figures(gaze_cm, frames, always_mean))
    Console().print(table)


def measured(dataset: Dataset, indices: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """What the observer is told (n, features), distances (n,) and gaze (n, 2), both cm."""

    def columns(*names: str) -> np.ndarray:
        return np.stack([dataset.labels[name][indices] for name in names], axis=1).astype(np.float64)

    def points(name: str) -> np.ndarray:
        return columns(*(f"truth_{eye}_{name}_{axis}_px" for eye in EYES for axis in "xy")).reshape(-1, 2, 2)

    inner, outer, iris = points("inner"), points("outer"), points("centre")
    middles = (inner + outer) / 2
    apart = np.linalg.norm(middles[:, 0] - middles[:, 1], axis=1)[:, None, None]
    distance_cm = columns("truth_distance_cm")
    parts = (
        ((iris - middles) / apart).reshape(-1, 4),
        ((outer - inner) / apart).reshape(-1, 4),
        middles.mean(axis=1) / columns("frame_width_px", "frame_height_px"),
        columns("frame_width_px", "frame_height_px") / 640,
        np.log(distance_cm),
        np.log(apart[:, 0]),
        columns(*(f"truth_head_{axis}_deg" for axis in ("yaw", "pitch", "roll"))),
        columns(*(f"truth_{eye}_openness" for eye in EYES)),
    )
    gaze_cm = columns("gaze_x_cm", "gaze_y_cm")
    seen, distances, gaze = (torch.from_numpy(array).float() for array in (np.concatenate(parts, 1), distance_cm[:, 0], gaze_cm))
    return seen, distances, gaze


def trained(seen: Tensor, distance_cm: Tensor, gaze_cm: Tensor, steps: int) -> Observer:
    """An observer that minimises the mean distance in cm."""
    observer = Observer(seen)
    optimiser = torch.optim.AdamW(observer.parameters(), 2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.005, steps)
    for _ in range(steps):
        some = torch.randint(len(seen), (BATCH,))
        loss = (observer(seen[some], distance_cm[some]) - gaze_cm[some]).norm(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return observer


def figures(gaze_cm: np.ndarray, frames: Frames, always_mean: np.ndarray) -> tuple[str, ...]:
    """A row's cells."""
    misses = gaze_cm - frames.truth_cm
    errors = np.linalg.norm(misses, axis=1)
    of_mean = np.linalg.norm(always_mean - frames.truth_cm, axis=1).mean()
    phones = frames.groups["device_kind"] == "phone"
    centred = misses.copy()
    for person in np.unique(frames.person):
        own = frames.person == person
        centred[own] -= misses[own].mean(axis=0)
    across, along = np.abs(misses).mean(axis=0)
    cells = (errors.mean(), errors[phones].mean(), across, along, np.linalg.norm(centred, axis=1).mean())
    error, *rest = (f"{value:.2f}" for value in cells)
    return error, f"{errors.mean() / of_mean:.0%}", *rest


if __name__ == "__main__":
    main()
