"""Errors of gaze networks on rendered people of different ages: children, adults, old people.

    tinytracker synth people --seed 22 --people 4100 --frames 12 --split test
    tinytracker prepare people dataset
    python benchmarks/ages.py dataset tinytracker-eyes tinytracker tinytracker-s

No label says how old somebody is; a rendered person's name does: SEED-INDEX draws the same person again
(heads makehuman, the default of `synth`). Brackets hold the 95 % interval over people.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.data.dataset import Dataset
from tinytracker.errors import DatasetError, TinytrackerError
from tinytracker.evaluation.evaluate import frames_of, predict
from tinytracker.evaluation.intervals import mean_over_frames
from tinytracker.synthetic import people
from tinytracker.synthetic.writer import generator

AGES_YEARS = {"children, 6 to 15": (0, 16), "16 to 39": (16, 40), "40 to 59": (40, 60), "60 to 85": (60, 200)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a dataset with test people of makehuman heads")
    parser.add_argument("models", nargs="*", default=["tinytracker-eyes"])
    arguments = parser.parse_args()

    dataset = Dataset.open(arguments.data)
    frames, indices = frames_of(dataset, "test")
    if set(frames.groups.get("truth_heads", ())) != {"makehuman"}:
        raise DatasetError(f"{arguments.data} holds other heads than makehuman ones, whose ages nobody knows")
    years = {name: years_of(name) for name in np.unique(frames.person)}
    age = np.array([years[name] for name in frames.person])
    errors = {}
    for model in arguments.models:
        with progress_bar(f"Running {model}") as progress:
            gaze_cm = predict(model, dataset, indices, progress=progress)
        errors[model] = np.linalg.norm(gaze_cm - frames.truth_cm, axis=1)

    table = Table(
        "years", "people", "frames", *(f"{model}, cm" for model in errors), title=f"{dataset.name} (measured)"
    )
    for group, (least, most) in AGES_YEARS.items():
        own = (age >= least) & (age < most)
        cells = []
        for missed_cm in errors.values():
            error = mean_over_frames(missed_cm[own], frames.person[own])
            cells.append(f"{error.value:.2f} [{error.low:.2f}, {error.high:.2f}]")
        table.add_row(group, str(len(np.unique(frames.person[own]))), str(own.sum()), *cells)
    Console().print(table)


def years_of(person: str) -> float:
    """The age that a person's name, SEED-INDEX, stands for."""
    seed, index = (int(part) for part in person.split("-"))
    _, figure = people.draw(int(generator(seed, index, 0).integers(1 << 62)))
    return figure.years


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
