"""Retina's spiking network in whole numbers, as a neuromorphic chip computes it: int8 weights, int16
potentials that saturate, additions alone, and every addition counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from tinytracker.errors import ModelError
from tinytracker.models.retina import Retina, SpikingBlock, touched
from tinytracker.quantization.fold import fold

WEIGHT_STEPS = 127
STATE = (-32768, 32767)


@dataclass(frozen=True, slots=True)
class IntegerLayer:
    """A layer of neurons and the weights before it.

    layer: a convolution or fully connected layer whose weights and biases are whole numbers (int8 and int16)
    held as float32, in which their sums are exact. threshold, lowest: of the potentials, in the weights'
    steps. pooled: spikes of 2 x 2 neurons go on together.
    """

    layer: nn.Conv2d | nn.Linear
    threshold: int
    lowest: int
    pooled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IntegerRun:
    """outputs: float32 (T, 160), after the temporal filter, which runs beside the chip. operations: synaptic
    operations of each window, int64 (T,): weights that a spike touched, each one addition. spikes: of each
    layer of neurons, (layers,), all windows together."""

    outputs: NDArray[np.float32]
    operations: NDArray[np.int64]
    spikes: NDArray[np.int64]


class IntegerRetina:
    """A trained network in whole numbers: batch norm folded into weights and biases (its shift too, added
    once a window), each layer's weights rounded to steps of which its threshold is a whole number and its
    largest weight at most 127. Raises ModelError where a weight is too large for that.

        chip = IntegerRetina(load_network(path))
        run = chip.run(track.planes())
    """

    def __init__(self, network: Retina) -> None:
        folded = fold(network)
        decimation = folded.decimation
        self._events_per_spike = int(decimation.neurons.threshold)
        self._filter = folded.filter
        blocks = [cast(SpikingBlock, block) for block in folded.blocks]
        self.layers = [
            _in_steps(block.weighted.conv, block.neurons, not isinstance(block.pool, nn.Identity))
            for block in blocks
        ]
        self.layers.append(_in_steps(cast(nn.Linear, folded.flat[-1]), folded.flat_neurons))
        self.layers.append(_in_steps(folded.last, folded.last_neurons))

    @torch.inference_mode()
    def run(self, planes: NDArray[np.uint8]) -> IntegerRun:
        """Windows (T, 2, size, size) of 0 and 1, one after the other, from rest."""
        spikes = torch.from_numpy(planes.astype(np.float32))[:, None]
        spikes = _fired(spikes, self._events_per_spike, -self._events_per_spike)
        operations = np.zeros(len(planes), np.int64)
        counts = [int(spikes.sum())]
        for one in self.layers:
            if isinstance(one.layer, nn.Linear) and spikes.ndim == 5:
                spikes = spikes.permute(0, 1, 3, 4, 2).flatten(2)  # rows, columns, channels
            operations += touched(one.layer, spikes).numpy().astype(np.int64)
            current = one.layer(spikes.flatten(0, 1))
            spikes = _fired(current.unflatten(0, spikes.shape[:2]), one.threshold, one.lowest)
            counts.append(int(spikes.sum()))
            if one.pooled:
                spikes = 4 * F.avg_pool2d(spikes.flatten(0, 1), 2).unflatten(0, spikes.shape[:2])
        outputs = self._filter(spikes)[:, 0].numpy()
        return IntegerRun(outputs, operations, np.array(counts, np.int64))


def _in_steps(layer: nn.Conv2d | nn.Linear, neurons: nn.Module, pooled: bool = False) -> IntegerLayer:
    """A layer whose largest weight is at most 127 steps, in steps of which the threshold is a whole number:
    rounded, it would make every spike of the layer cheaper or dearer."""
    threshold = float(cast(Tensor, neurons.threshold))
    largest = float(layer.weight.detach().abs().max())
    in_threshold = int(WEIGHT_STEPS * threshold / largest)
    if in_threshold < 1:
        raise ModelError(
            f"a weight of {largest:.3g} is over {WEIGHT_STEPS} thresholds of {threshold:.3g}: expected "
            f"weights that fit int8 beside their threshold; train with a smaller learning rate"
        )
    steps = in_threshold / threshold
    with torch.no_grad():
        layer.weight.copy_((layer.weight * steps).round())
        if layer.bias is not None:
            layer.bias.copy_((layer.bias * steps).round().clamp(*STATE))
    lowest = round(float(cast(Tensor, neurons.lowest)) * steps)
    return IntegerLayer(layer, in_threshold, lowest, pooled)


def _fired(current: Tensor, threshold: int, lowest: int) -> Tensor:
    """Spikes of integrate-and-fire neurons whose potential is an int16: (T, ...) of whole numbers -> the
    same."""
    potential = torch.zeros(current.shape[1:], dtype=torch.int32)
    spikes = []
    for coming in current.to(torch.int32):
        potential = (potential + coming).clamp_(*STATE)
        fired = torch.div(potential, threshold, rounding_mode="floor").clamp_(min=0)
        potential = (potential - fired * threshold).clamp_(min=lowest)
        spikes.append(fired)
    return torch.stack(spikes).to(torch.float32)
