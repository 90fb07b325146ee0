"""What each step of int8 quantisation is worth, and which tensors cost most.

    python benchmarks/quantization.py runs/tinytracker/best.safetensors dataset

Everything is fitted on training people, as `tinytracker export` does, and measured on validation people by
simulated rounding in torch: the mean distance between int8's and the float network's answers (drift, in cm)
and its mean square, which is what adds up: a drift of squared distance d costs about d / (3 x error) cm of
error. Then the tensors (activations alone, weights in float) whose rounding costs most.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from terminal import progress_bar
from torch import Tensor

from tinytracker.data.dataset import Dataset
from tinytracker.models.checkpoint import load_network
from tinytracker.models.network import Network
from tinytracker.quantization.balance import balance
from tinytracker.quantization.clip import best_ranges
from tinytracker.quantization.fake_quant import Simulation, to_tensors
from tinytracker.quantization.fold import fold
from tinytracker.quantization.samples import FloatSamples, evenly
from tinytracker.quantization.weights import round_weights

BATCH = 100
COSTLIEST = 8

Ranges = dict[str, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, nargs="+", help="datasets with training and validation people")
    parser.add_argument("--samples", type=int, default=1024, help="training samples to fit on")
    parser.add_argument("--check", type=int, default=1000, help="validation samples to measure on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    dataset, network = Dataset.open(arguments.data), load_network(arguments.checkpoint)
    samples = FloatSamples(dataset, network.spec.inputs)
    fitting, checking = (
        to_tensors(samples.read(evenly(dataset.split(split), count)))
        for split, count in (("train", arguments.samples), ("val", arguments.check))
    )
    folded = fold(network)
    with progress_bar("Balancing channels") as progress:
        balanced = balance(folded, fitting, progress)
    with progress_bar("Choosing ranges") as progress:
        ranges = best_ranges(balanced, fitting, progress)
    with progress_bar("Rounding weights") as progress:
        rounded = round_weights(balanced, ranges, fitting, progress)

    wanted = outputs(lambda inputs: folded(*inputs), checking)
    scale = network.spec.output_scale_cm if network.spec.output == "gaze" else 1.0
    table = Table("", "drift", "mean square", title=f"{arguments.checkpoint}, simulated (measured)")
    for name, stage, of in (
        ("min/max", folded, extremes(folded, fitting)),
        ("channels balanced", balanced, extremes(balanced, fitting)),
        ("ranges cut", balanced, ranges),
        ("weights rounded so that errors cancel", rounded, ranges),
    ):
        table.add_row(name, *apart(Simulation(stage, of), checking, wanted, scale))
    Console().print(table)

    exact = Simulation(balanced, ranges)
    exact.finish()  # its weights are those of the float network again
    rows = []
    for name in ranges:
        exact.set(rounding=False)
        exact.roundings[name].rounding = True
        rows.append((name, *apart(exact, checking, wanted, scale)))
    table = Table("tensor", "drift", "mean square", title="rounded alone")
    for row in sorted(rows, key=lambda row: -float(row[2]))[:COSTLIEST]:
        table.add_row(*row)
    Console().print(table)


def extremes(network: Network, inputs: tuple[Tensor, ...]) -> Ranges:
    simulation = Simulation(network)
    for start in range(0, len(inputs[0]), BATCH):
        simulation.observe(tuple(tensor[start : start + BATCH] for tensor in inputs))
    return {name: rounding.range for name, rounding in simulation.roundings.items()}


def apart(
    simulation: Simulation, inputs: tuple[Tensor, ...], wanted: Tensor, scale: float
) -> tuple[str, str]:
    """Drift and mean square of the distance between a simulation's outputs and those wanted."""
    distance = (outputs(simulation, inputs) - wanted).norm(dim=1) * scale
    return f"{float(distance.mean()):.4f}", f"{float(distance.square().mean()):.5f}"


def outputs(network: object, inputs: tuple[Tensor, ...]) -> Tensor:
    assert callable(network)
    with torch.no_grad():
        return torch.cat(
            [
                network(tuple(tensor[start : start + BATCH] for tensor in inputs))
                for start in range(0, len(inputs[0]), BATCH)
            ]
        )


if __name__ == "__main__":
    main()
