"""What auxiliary targets move: the gradient that each kind gives the eye and the face tower, beside that of
the gaze error.

    tinytracker synth people --seed 3 --people 526 --frames 12
    tinytracker prepare people dataset
    python benchmarks/auxiliary.py dataset

Norms over a batch, averaged over batches, of the losses as training/losses.py weighs them for a recipe with
auxiliary = 1. A trained network's heads are not kept, so linear ones are fitted first to what its embedding
says of the same people.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from terminal import progress_bar
from torch import Tensor, nn

from tinytracker.data.dataset import Dataset
from tinytracker.models import Network
from tinytracker.models.weights import load_weights
from tinytracker.training import losses
from tinytracker.training.batches import AUXILIARY_SIZES, BatchMaker
from tinytracker.training.recipe import load_recipe
from tinytracker.training.samples import load_samples

KINDS = (
    "gaze angles",
    "head angles",
    "eye points",
    "distance",
    "landmarks",
    "eye points in their crops",
    "openness",
)
FITTED, RIDGE = 40, 5.0  # batches that the heads are fitted to, and how much they are held back
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="datasets of rendered people")
    parser.add_argument(
        "--model", default="tinytracker-eyes", help="a tinytracker-eyes: a released name or a checkpoint"
    )
    parser.add_argument("--batches", type=int, default=20)
    arguments = parser.parse_args()

    network = load_weights(arguments.model)
    samples = load_samples(Dataset.open(arguments.data), "val", network.spec, margin=True)
    maker = BatchMaker(samples, network.spec, load_recipe("tinytracker-eyes"), seed=0)
    head = fitted_head(network, maker)
    towers = {name: list(network.get_submodule(name).parameters()) for name in ("eye", "face")}
    norms: dict[tuple[str, str], list[float]] = defaultdict(list)
    with progress_bar("Differentiating") as progress:
        for step in range(arguments.batches):
            for kind, loss in losses_of(network, head, maker, FITTED + step):
                for tower, parameters in towers.items():
                    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
                    parts = [gradient.flatten() for gradient in gradients if gradient is not None]
                    norms[kind, tower].append(float(torch.cat(parts).norm()))
            progress(step + 1, arguments.batches)

    table = Table(
        "loss",
        "weight",
        "eye tower",
        "face tower",
        title=f"{arguments.model}: gradients, to gaze's (measured)",
    )
    of_gaze = {tower: np.mean(norms["gaze error", tower]) for tower in towers}
    table.add_row("gaze error", "1", *(f"{norm:.2f} = 1" for norm in of_gaze.values()))
    for kind, weight in zip(KINDS, losses.AUXILIARY_WEIGHTS, strict=True):
        table.add_row(
            kind, f"{weight:g}", *(f"{np.mean(norms[kind, tower]) / of_gaze[tower]:.2f}" for tower in towers)
        )
    Console().print(table)


def fitted_head(network: Network, maker: BatchMaker) -> nn.Linear:
    """Auxiliary targets from the embedding, by least squares."""
    batches = [maker.training(step) for step in range(FITTED)]
    with torch.no_grad():
        seen = torch.cat([network.embed(*batch.inputs(network.spec, CPU)) for batch in batches])
    truth = torch.cat([torch.from_numpy(batch.auxiliary) for batch in batches])
    columns = torch.cat([seen, torch.ones(len(seen), 1)], dim=1)
    held = RIDGE * torch.eye(columns.shape[1])
    solution = torch.linalg.solve(columns.T @ columns + held, columns.T @ truth)
    head = nn.Linear(seen.shape[1], truth.shape[1])
    with torch.no_grad():
        head.weight.copy_(solution[:-1].T)
        head.bias.copy_(solution[-1])
    return head


def losses_of(
    network: Network, head: nn.Linear, maker: BatchMaker, step: int
) -> Iterator[tuple[str, Tensor]]:
    """The gaze error of a batch, then each kind of auxiliary loss."""
    batch = maker.training(step)
    embedding = network.embed(*batch.inputs(network.spec, CPU))
    gaze_cm = network.head(embedding) * network.spec.output_scale_cm
    yield (
        "gaze error",
        losses.euclidean(gaze_cm, torch.from_numpy(batch.target), torch.from_numpy(batch.distance_cm)),
    )
    predicted, truth = head(embedding), torch.from_numpy(batch.auxiliary)
    starts = np.cumsum((0, *AUXILIARY_SIZES))
    for kind, start, end in zip(KINDS, starts[:-1], starts[1:], strict=True):
        alone = torch.full_like(truth, torch.nan)
        alone[:, start:end] = truth[:, start:end]
        yield kind, losses.auxiliary(predicted, alone)


if __name__ == "__main__":
    main()
