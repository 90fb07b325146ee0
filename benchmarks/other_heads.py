"""What gaze networks lose on people with other heads: the same people by number, before the same screens,
once with MakeHuman's heads and once with ICT-FaceKit's. From one kind of rendered people to another: a proxy
for what real ones cost.

    tinytracker synth people --seed 22 --people 4100 --frames 12 --split test
    tinytracker prepare people dataset
    tinytracker synth ict --seed 22 --people 600 --frames 8 --split test --heads ict --ict-path ICT-FaceKit
    tinytracker prepare ict ict-dataset
    python benchmarks/other_heads.py dataset ict-dataset tinytracker-eyes tinytracker tinytracker-s

Errors are means of the people's means, over those who are in both datasets; the ratio's brackets hold its
95 % interval, people drawn for both at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from documents import markdown
from rich.console import Console
from rich.markdown import Markdown
from terminal import progress_bar

from tinytracker.data.dataset import Dataset
from tinytracker.errors import DatasetError, TinytrackerError
from tinytracker.evaluation.evaluate import frames_of, predict
from tinytracker.evaluation.intervals import ratio_of_means


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("usual", type=Path, help="a dataset with test people")
    parser.add_argument("other", type=Path, help="another, of the same seed and other heads")
    parser.add_argument("models", nargs="*", default=["tinytracker-eyes"])
    arguments = parser.parse_args()

    usual, other = Dataset.open(arguments.usual), Dataset.open(arguments.other)
    both = np.intersect1d(*(dataset.labels["person"][dataset.split("test")] for dataset in (usual, other)))
    if not len(both):
        raise DatasetError(f"nobody is in {arguments.usual} and in {arguments.other}; use the same seed")
    rows = []
    for model in arguments.models:
        first, second = (errors_cm(model, dataset, both) for dataset in (usual, other))
        ratio = ratio_of_means(second, first, both)
        cells = f"{first.mean():.2f}", f"{second.mean():.2f}"
        rows.append((Path(model).stem, *cells, f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"))
    console = Console(width=max(110, Console().width))
    console.print(f"{len(both)} people (rendered), errors in cm")
    console.print(Markdown(markdown(("network", f"{usual.name} >", f"{other.name} >", "ratio >"), rows)))


def errors_cm(model: str, dataset: Dataset, people: np.ndarray) -> np.ndarray:
    """The mean error of each of these people, (n,)."""
    frames, indices = frames_of(dataset, "test")
    asked = np.isin(frames.person, people)
    frames, indices = frames.only(asked), indices[asked]
    with progress_bar(f"{model}, {dataset.name}") as progress:
        gaze_cm = predict(model, dataset, indices, progress=progress)
    error = np.linalg.norm(gaze_cm - frames.truth_cm, axis=1)
    return np.array([error[frames.person == person].mean() for person in people])


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
