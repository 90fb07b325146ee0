"""A spiking network -> NAME.nir (Pedersen et al., "Neuromorphic Intermediate Representation", Nature
Communications 15, 2024), which sinabs, snntorch, norse, Lava and others read.

Batch norm is folded into weights and biases. A NIR neuron integrates in continuous time, v' = r * I, and a
simulator with steps of dt adds dt * r * I: the neurons here have r = 1, for a dt of 1 a window. What NIR does
not say goes into the node's metadata: the potentials' lower limit. The temporal filter behind the last
neurons is no neuron; it runs on the host (`models.spiking.TemporalFilter`).
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import nn

from tinytracker.extras import need
from tinytracker.files import write_bytes
from tinytracker.models.retina import Retina, SpikingBlock
from tinytracker.models.spiking import IntegrateAndFire
from tinytracker.quantization.fold import fold


def nir_graph(network: Retina) -> Any:
    """The network as a nir.NIRGraph, a chain from "input" to "output"; raises MissingExtraError without
    nir."""
    need("nir", "nir")
    import nir

    folded = fold(network)
    decimation = folded.decimation
    side = network.spec.inputs[0].height_px
    shape: tuple[int, ...] = (2, side, side)
    nodes: dict[str, Any] = {"input": nir.Input(input_type={"input": np.array(shape)})}
    nodes["decimation"] = _convolution(decimation.conv, shape)
    nodes["decimation_neurons"] = _neurons(decimation.neurons, shape)
    for number, block in enumerate(cast(list[SpikingBlock], list(folded.blocks))):
        nodes[f"block{number}"] = _convolution(block.weighted.conv, shape)
        shape = (block.weighted.conv.out_channels, *block.weighted.out_size)
        nodes[f"block{number}_neurons"] = _neurons(block.neurons, shape)
        if not isinstance(block.pool, nn.Identity):
            two, none = np.array([2, 2]), np.array([0, 0])
            nodes[f"block{number}_pool"] = nir.SumPool2d(kernel_size=two, stride=two, padding=none)
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
    nodes["flatten"] = nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)
    flat = cast(nn.Linear, folded.flat[-1])
    nodes["fully_connected"] = nir.Linear(weight=_rows_last(flat, shape))
    nodes["fully_connected_neurons"] = _neurons(folded.flat_neurons, (flat.out_features,))
    nodes["last"] = nir.Linear(weight=folded.last.weight.detach().numpy())
    nodes["last_neurons"] = _neurons(folded.last_neurons, (folded.last.out_features,))
    nodes["output"] = nir.Output(output_type={"output": np.array([folded.last.out_features])})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)))


def export_nir(network: Retina, path: Path) -> None:
    """Writes the network as a .nir file, whole or not at all."""
    graph = nir_graph(network)
    import nir

    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "network.nir"
        nir.write(str(written), graph)
        write_bytes(path, written.read_bytes())


def _convolution(layer: nn.Conv2d, shape: tuple[int, ...]) -> Any:
    import nir

    bias = np.zeros(layer.out_channels, np.float32) if layer.bias is None else layer.bias.detach().numpy()
    return nir.Conv2d(
        input_shape=(shape[1], shape[2]),
        weight=layer.weight.detach().numpy(),
        stride=layer.stride,
        padding=layer.padding,
        dilation=1,
        groups=1,
        bias=bias,
    )


def _neurons(neurons: IntegrateAndFire, shape: tuple[int, ...]) -> Any:
    import nir

    threshold, lowest = float(neurons.threshold), float(neurons.lowest)
    return nir.IF(
        r=np.ones(shape, np.float32),
        v_threshold=np.full(shape, threshold, np.float32),
        v_reset=np.zeros(shape, np.float32),
        metadata={"lowest": lowest, "reset": "subtract"},
    )


def _rows_last(layer: nn.Linear, shape: tuple[int, ...]) -> np.ndarray:
    """Weights for maps flattened as NIR does, (channel, row, column); ours go (row, column, channel)."""
    channels, height, width = shape
    weight = layer.weight.detach().numpy().reshape(-1, height, width, channels)
    return np.ascontiguousarray(weight.transpose(0, 3, 1, 2).reshape(len(weight), -1))
