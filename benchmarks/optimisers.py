"""What Muon (training/muon.py) saves: the same recipe, data and seed with it and with AdamW, from fresh
weights.

    tinytracker synth people --seed 21 --people 1400 --frames 12
    tinytracker prepare people dataset
    python benchmarks/optimisers.py dataset

Each learning rate is a run of its own, since the two need not share one; steps cost about the same (Muon's a
twentieth more).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.data.dataset import Dataset
from tinytracker.training.recipe import load_recipe
from tinytracker.training.train import train


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="datasets of rendered people")
    parser.add_argument("--recipe", default="tinytracker-eyes")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--learning-rates", type=float, nargs="+", default=[2.5e-3, 5e-3])
    arguments = parser.parse_args()

    dataset = Dataset.open(arguments.data)
    recipe = replace(load_recipe(arguments.recipe), validation_samples=6000).quick(arguments.steps)
    title = (
        f"{recipe.name}, {recipe.steps} steps of {recipe.batch_size} from fresh "
        f"weights, validation (measured)"
    )
    table = Table("optimiser", "learning rate", "error cm", "to the first", "time, to the first", title=title)
    first_cm = first_s = 0.0
    for optimiser in ("adamw", "muon"):
        for rate in arguments.learning_rates:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as out, progress_bar(f"{optimiser} {rate:g}") as progress:
                one = replace(recipe, optimiser=optimiser, learning_rate=rate)
                error_cm = train(one, dataset, Path(out) / "run", progress=progress).last_score.value
            elapsed_s = time.perf_counter() - started
            first_cm, first_s = first_cm or error_cm, first_s or elapsed_s
            table.add_row(
                optimiser,
                f"{rate:g}",
                f"{error_cm:.2f}",
                f"{error_cm / first_cm:.3f}",
                f"{elapsed_s / first_s:.2f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
