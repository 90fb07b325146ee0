"""What a step of training costs where: batches made with OpenCV on the host, and on the device that trains
(training/on_device.py); Muon's layers one by one and those of one shape together.

    python benchmarks/training.py                     (a CPU; made-up pixels, a minute)
    python benchmarks/training.py --device cuda       (the step recorded as a CUDA graph)

Times are medians of single steps on one thread; ratios are against the first line of each part.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tinytracker.domain import LANDMARKS
from tinytracker.models import create_model
from tinytracker.models.network import NetworkSpec
from tinytracker.training.batches import AUXILIARY, BatchMaker
from tinytracker.training.heads import WithHeads
from tinytracker.training.muon import Muon, hidden_weights
from tinytracker.training.on_device import PixelsOnDevice
from tinytracker.training.optimiser import make_optimiser
from tinytracker.training.recipe import load_recipe
from tinytracker.training.samples import MARGIN, Samples
from tinytracker.training.step import CudaGraphs, TrainingStep, numbers_of

SAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="tinytracker-eyes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--times", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    device, recipe = torch.device(arguments.device), load_recipe(arguments.recipe)
    table = Table(
        "part", "how", "ms", "to the first", title=f"{recipe.name}, {device}, batches of 64 (measured)"
    )

    def add(part: str, ways: dict[str, Callable[[], object]]) -> None:
        first = 0.0
        for how, work in ways.items():
            took_ms = median_ms(work, arguments.times, device)
            first = first or took_ms
            table.add_row(part, how, f"{took_ms:.1f}", f"{took_ms / first:.2f}")

    network = create_model(recipe.model, **recipe.options).to(device, memory_format=torch.channels_last)
    samples = made_up(network.spec)
    maker = BatchMaker(samples, network.spec, recipe, seed=0)
    pixels = PixelsOnDevice(samples, network.spec, recipe, maker, device)
    numbers = pixels.numbers(maker.draw(0))
    there = {name: torch.from_numpy(array).to(device) for name, array in numbers.items()}
    add(
        "pictures of a batch",
        {"OpenCV, on the host": lambda: maker.training(1), "on the device": lambda: pixels.crops(there)},
    )

    steps = {}
    for how, store in (("pixels from the host", None), ("pixels on the device", pixels)):
        if store is None:
            batch = numbers_of(maker.training(1), None, None)
        else:
            batch = numbers_of(maker.labelled(maker.draw(1)), None, None) | numbers
        module = WithHeads(network, AUXILIARY, 0).to(device)
        optimiser = make_optimiser(recipe, module, module.network, capturable=device.type == "cuda")
        recorder = CudaGraphs() if device.type == "cuda" else None
        step = TrainingStep(recipe, network, module, optimiser, device, pixels=store, recorder=recorder)
        steps[how] = lambda step=step, batch=batch: step(batch, 1e-3)
    add("a step", steps)

    weights = hidden_weights(network)
    gradients = [torch.randn_like(weight) for weight in weights]
    alone = [Muon([{"params": [weight], "orthogonal": True}], 1e-3) for weight in weights]
    together = [Muon([{"params": weights, "orthogonal": True}], 1e-3)]
    add(
        "Muon",
        {
            "layer by layer": lambda: move(weights, gradients, alone),
            "layers of one shape together": lambda: move(weights, gradients, together),
        },
    )
    Console().print(table)


def move(weights: list[torch.Tensor], gradients: list[torch.Tensor], optimisers: list[Muon]) -> None:
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    for optimiser in optimisers:
        optimiser.step()


def median_ms(work: Callable[[], object], times: int, device: torch.device) -> float:
    """After five that do not count."""
    took = []
    for number in range(times + 5):
        started = time.perf_counter() if device.type == "cuda" else time.thread_time()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
            ended = time.perf_counter()
        else:
            ended = time.thread_time()
        if number >= 5:
            took.append(1e3 * (ended - started))
    return statistics.median(took)


def made_up(spec: NetworkSpec) -> Samples:
    """Samples of noise: what is in the pictures costs nothing."""
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return rng.uniform(0.1, 0.9, (SAMPLES, *shape)).astype(np.float32)

    crops = {
        one.kind: rng.integers(
            0,
            256,
            (
                SAMPLES,
                round(one.box_height_px * MARGIN),
                round(one.width_px * MARGIN),
                3 if one.colour == "rgb" else 1,
            ),
            np.uint8,
        )
        for one in spec.inputs
        if one.height_px
    }
    return Samples(
        crops=crops,
        gaze_cm=numbers(2),
        face_box_px=numbers(4) * 200,
        band_box_px=numbers(4) * 200,
        frame_px=np.tile(np.float32([640, 480]), (SAMPLES, 1)),
        distance_cm=numbers() * 50,
        angles=numbers(7),
        points=numbers(2, 3, 2),
        own_points=numbers(2, 3, 2),
        landmarks=numbers(len(LANDMARKS), 2),
        openness=numbers(2),
    )


if __name__ == "__main__":
    main()
