"""The step: recorded and played it is what it is done anew, and pixels may lie on the device. CUDA's graphs
are a fake here that records by remembering; everything around them is ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tinytracker.models import create_model
from tinytracker.models.checkpoint import load_network
from tinytracker.training.batches import AUXILIARY, BatchMaker
from tinytracker.training.heads import WithHeads
from tinytracker.training.on_device import PixelsOnDevice
from tinytracker.training.optimiser import learning_rate, make_optimiser
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import load_samples
from tinytracker.training.step import STEPS_BEFORE_RECORDING, TrainingStep, numbers_of
from tinytracker.training.train import train

CPU = torch.device("cpu")


class Remembers:
    """What is played writes into the tensors of the recording, as a graph does."""

    def __init__(self) -> None:
        self.apart_from_graphs = self.recorded = self.played = 0

    def apart(self, work: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        self.apart_from_graphs += 1
        return work()

    def record(self, work: Callable[[], dict[str, Tensor]]) -> tuple[Callable[[], None], dict[str, Tensor]]:
        self.recorded += 1
        results: dict[str, Tensor] = {}

        def play() -> None:
            self.played += 1
            for name, value in work().items():
                results.setdefault(name, torch.empty_like(value)).copy_(value)

        return play, results


def run(dataset, recipe: Recipe, recorder: Remembers | None, on_device: bool = False) -> list[float]:
    """The loss of every step of a short training."""
    torch.manual_seed(0)
    network = create_model(recipe.model, **recipe.options).to(memory_format=torch.channels_last)
    samples = load_samples(dataset, "train", network.spec, margin=True)
    maker = BatchMaker(samples, network.spec, recipe, 0)
    module = WithHeads(network, AUXILIARY, 0)
    pixels = PixelsOnDevice(samples, network.spec, recipe, maker, CPU) if on_device else None
    optimiser = make_optimiser(recipe, module, module.network)
    step = TrainingStep(recipe, network, module, optimiser, CPU, pixels=pixels, recorder=recorder)
    losses = []
    for number in range(recipe.steps):
        draw = maker.draw(number)
        if pixels is None:
            numbers = numbers_of(maker.training(number), None, None)
        else:
            numbers = numbers_of(maker.labelled(draw), None, None) | pixels.numbers(draw)
        losses.append(float(step(numbers, learning_rate(recipe, number))["loss"]))
    return losses


@pytest.mark.parametrize(("optimiser", "on_device"), [("muon", True), ("adamw", False)])
def test_a_step_that_is_played_is_the_step(dataset, recipe, optimiser: str, on_device: bool) -> None:
    recipe = replace(recipe, optimiser=optimiser, steps=STEPS_BEFORE_RECORDING + 4)
    recorder = Remembers()
    anew = run(dataset, recipe, None, on_device)
    played = run(dataset, recipe, recorder, on_device)
    assert (recorder.apart_from_graphs, recorder.recorded, recorder.played) == (STEPS_BEFORE_RECORDING, 1, 4)
    assert np.allclose(anew, played, rtol=1e-3)
    assert len(set(played)) == recipe.steps  # the batches did arrive


def test_pictures_made_on_the_device_train_as_well(dataset, recipe) -> None:
    """The same draws: the losses are the same but for rounding."""
    here = run(dataset, recipe, None)
    there = run(dataset, recipe, None, on_device=True)
    assert here[0] == pytest.approx(there[0], rel=0.01)
    assert here != there


def test_a_whole_run_on_the_device_resumes_as_any(dataset, recipe, tmp_path) -> None:
    whole = train(recipe, dataset, tmp_path / "whole", pixels_on_device=True)

    def stop_at_5(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, dataset, tmp_path / "parts", pixels_on_device=True, progress=stop_at_5)
    parts = train(recipe, dataset, tmp_path / "parts", pixels_on_device=True, resume=True)
    assert whole.last.read_bytes() == parts.last.read_bytes()
    other = load_network(train(recipe, dataset, tmp_path / "here").last)
    assert any(
        not torch.equal(value, dict(load_network(whole.last).named_parameters())[name])
        for name, value in other.named_parameters()
    )
