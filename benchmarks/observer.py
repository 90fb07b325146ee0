"""How far any network could get without calibration: the error of an observer who misses nothing that a
picture shows.

    tinytracker synth people --seed 3 --people 526 --frames 12
    tinytracker prepare people dataset
    python benchmarks/observer.py dataset

The observer is told exactly what a network has to measure in pixels: eye corners and iris centres, the
openness of the lids, head pose, distance, frame. It is a small network, trained on the training people and
scored on the test people. What it still gets wrong is what differs between people and hardly shows: where an
eyeball sits behind its lids, and the angle between the optical and the visual axis. A gaze network beside it
(any that `tinytracker evaluate` takes) shows what is left to gain by seeing better; everybody's own mean
offset taken away, what is left to gain by calibration.

The second observer is told the same with errors, in every frame anew: irises off by half a pixel of the
frame, the head's pitch by 2 degrees, yaw and roll by 1, the distance by 5 % (standard deviations). So little
makes an error like a network's.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.data.dataset import Dataset
from tinytracker.evaluation.evaluate import Frames, frames_of, predict
from tinytracker.training.observer import STEPS, fit, observe

IRIS_PX, PITCH_DEG, YAW_ROLL_DEG, DISTANCE = 0.5, 2.0, 1.0, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="datasets of rendered people")
    parser.add_argument("--model", default="tinytracker-eyes", help="the gaze network beside it")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # products this small are slower on several

    dataset = Dataset.open(arguments.data)
    with progress_bar("Fitting the observer") as progress:
        observer = fit(labels_of(dataset, dataset.split("train")), arguments.steps, progress=progress)
    frames, indices = frames_of(dataset, "test")
    observed_cm = observe(observer, labels_of(dataset, indices))
    with progress_bar("Fitting the one who errs") as progress:
        erring = fit(
            with_errors(labels_of(dataset, dataset.split("train"))), arguments.steps, progress=progress
        )
    observed_with_errors_cm = observe(erring, with_errors(labels_of(dataset, indices)))
    always_mean = np.broadcast_to(frames.mean_cm, frames.truth_cm.shape)

    title = f"{dataset.name}, test: {len(np.unique(frames.person))} people, {len(indices)} frames (measured)"
    table = Table(
        "",
        "error cm",
        "share of the mean",
        "phones, cm",
        "x, cm",
        "y, cm",
        "own offset known, cm",
        title=title,
    )
    for name, gaze_cm in {
        "always the mean": always_mean,
        arguments.model: predict(arguments.model, dataset, indices),
        "perfect observer": observed_cm,
        "observer with errors": observed_with_errors_cm,
    }.items():
        table.add_row(name, *figures(gaze_cm, frames, always_mean))
    Console().print(table)


def labels_of(dataset: Dataset, indices: np.ndarray) -> dict[str, np.ndarray]:
    return {name: column[indices] for name, column in dataset.labels.items()}


def with_errors(labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The labels as somebody measures them who does not see perfectly."""
    rng = np.random.default_rng(0)
    irises = [f"truth_{eye}_centre_{axis}_px" for eye in ("left", "right") for axis in "xy"]
    deviations: dict[str, Any] = dict.fromkeys(irises, IRIS_PX)
    deviations |= {
        "truth_head_pitch_deg": PITCH_DEG,
        "truth_head_yaw_deg": YAW_ROLL_DEG,
        "truth_head_roll_deg": YAW_ROLL_DEG,
    }
    deviations |= {"truth_distance_cm": DISTANCE * labels["truth_distance_cm"]}
    return labels | {
        name: labels[name] + rng.normal(0, deviation, len(labels[name]))
        for name, deviation in deviations.items()
    }


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
