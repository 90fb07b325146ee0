"""An int8 .tflite of a network nobody trained: what costs and exactness are measured on, for which any
weights will do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from tinytracker.cards import InputSpec
from tinytracker.inputs import KINDS
from tinytracker.models import Network, create_model, example_inputs
from tinytracker.quantization.calibration import observe
from tinytracker.quantization.convert import to_float_tflite
from tinytracker.quantization.fold import fold
from tinytracker.quantization.int8 import quantize
from tinytracker.quantization.ranges import settle
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.repack import repack

SAMPLES = 8  # to calibrate on
LAST_SPREAD = 0.4  # of the outputs, about, before a tanh


def untrained_int8(model: str, seed: int = 1, **options: Any) -> bytes:
    """`create_model(model, **options)` with random weights through the whole export, calibrated on noise.

    Batch-norm statistics are the network's own, and its last layer spreads the outputs, so that nothing dies
    out or saturates. Raises UsageError for an unknown model or option, MissingExtraError without the
    converters.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = create_model(model, **options)
    _settle_statistics(network, torch.Generator().manual_seed(seed))
    content = to_float_tflite(fold(network))
    ranges = settle(read_graph(content), observe(content, _noise(network, seed)), network.spec.inputs)
    return repack(quantize(content, ranges), [spec.name for spec in network.spec.inputs])


def _settle_statistics(network: Network, generator: torch.Generator) -> None:
    with torch.no_grad():
        for module in network.train().modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
        for _ in range(3):
            network(*example_inputs(network, 8, generator))
        last = [module for module in network.eval().modules() if isinstance(module, torch.nn.Linear)][-1]
        outputs: list[torch.Tensor] = []
        hook = last.register_forward_hook(lambda module, inputs, output: outputs.append(output))
        network(*example_inputs(network, 8, generator))
        hook.remove()
        gain = LAST_SPREAD / outputs[0].std(dim=0).mean().clamp(min=1e-6)
        last.bias.copy_(gain * (last.bias - outputs[0].mean(dim=0)))
        last.weight.mul_(gain)


def _noise(network: Network, seed: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    for _ in range(SAMPLES):
        yield [_noise_for(spec, rng) for spec in network.spec.inputs]


def _noise_for(spec: InputSpec, rng: np.random.Generator) -> np.ndarray:
    kind, shape = KINDS[spec.kind], (1, *spec.shape)
    if kind.planes:
        return (rng.random(shape) < spec.window_events / np.prod(shape)).astype(np.float32)
    if kind.name == "last_output":
        return rng.uniform(0, 1, shape).astype(np.float32)
    if kind.is_picture:
        return (rng.integers(0, 256, shape) / 128 - 1).astype(np.float32)
    return rng.uniform(-1, 1, shape).astype(np.float32)
