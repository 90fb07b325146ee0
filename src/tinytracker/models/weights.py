"""A trained network from its weights: a checkpoint, or an int8 .tflite of ours such as the released ones.

An int8 file's weights are real numbers again, times its steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tinytracker.cards import card_path
from tinytracker.errors import CheckpointError
from tinytracker.models.checkpoint import load_network
from tinytracker.models.network import Network, example_inputs
from tinytracker.models.registry import create_model
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import Weights, find

CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}  # of an operator's weights


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or FC and the batch norm behind it, if any. name: the weighted module's."""

    name: str
    weighted: nn.Conv2d | nn.Linear
    norm: nn.BatchNorm2d | None

    @property
    def learns(self) -> bool:
        """Whether its weights are trained: some are constants, which a network has anyhow."""
        return self.weighted.weight.requires_grad

    @property
    def shape(self) -> tuple[object, ...]:
        """What must agree for weights to be taken over."""
        groups = self.weighted.groups if isinstance(self.weighted, nn.Conv2d) else 1
        return (
            type(self.weighted),
            tuple(self.weighted.weight.shape),
            groups,
            self.weighted.bias is None,
            self.norm is None,
        )


def load_weights(source: str | Path) -> Network:
    """A trained network in evaluation mode: a checkpoint, a .tflite that has its card beside it, or a
    released network's name.

    Raises CheckpointError if weights and card do not fit, ModelError without a card or a file.
    """
    weights = find(source, (".safetensors", ".tflite"))
    return _from_tflite(weights) if weights.path.suffix == ".tflite" else load_network(weights.path)


def layers_of(network: Network) -> list[Layer]:
    """In the order of declaration."""
    layers: list[Layer] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers.append(Layer(name, module, None))
        elif isinstance(module, nn.BatchNorm2d):
            layers[-1] = Layer(layers[-1].name, layers[-1].weighted, module)
    return layers


def _from_tflite(weights: Weights) -> Network:
    """The network of an int8 .tflite of ours; its batch norms do no more than add the biases.

    Weights have no names in such a file: they are recognised by the order in which the network runs its
    layers.
    """
    path, card = weights.path, weights.require_card()
    try:
        network = create_model(card.recipe["model"], **card.recipe.get("options", {})).eval()
        with torch.no_grad():
            for layer, (weight, bias) in zip(_running_order(network), _constants(path), strict=True):
                _set(layer, weight, bias)
    except (KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is not the network of its card {card_path(path).name}: {error}"
        ) from error
    return network


def _running_order(network: Network) -> list[Layer]:
    """The layers in the order in which forward() first comes to them."""
    layers = {layer.weighted: layer for layer in layers_of(network)}
    order: dict[nn.Module, None] = {}
    hooks = [module.register_forward_hook(lambda module, *_: order.setdefault(module)) for module in layers]
    with torch.no_grad():
        network(*example_inputs(network))
    for hook in hooks:
        hook.remove()
    return [layers[module] for module in order]  # type: ignore[index]


def _constants(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight (outputs first, then inputs, rows, columns) and bias of each layer of an int8 .tflite, real
    numbers, in order; once where several operators share them."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    graph = read_graph(content, str(path))

    def real(index: int, channel_axis: int) -> np.ndarray:
        tensor = graph[index]
        if tensor.dtype not in ("int8", "int32") or tensor.quantization is None:
            raise ValueError(f"it holds {tensor.dtype} weights where int8 ones were expected")
        values = graph.constant(index).astype(np.float32)
        return np.moveaxis(values, channel_axis, -1) * np.array(tensor.quantization.scales, np.float32)

    layers = {}
    for op in graph.ops:
        if op.kind in CHANNEL_AXIS and op.inputs[1] not in layers:
            weight = np.moveaxis(real(op.inputs[1], CHANNEL_AXIS[op.kind]), -1, 0)
            # (outputs, rows, columns, inputs), or depthwise (outputs, 1, rows, columns) already
            weight = np.moveaxis(weight, -1, 1) if op.kind == "CONV_2D" else weight
            layers[op.inputs[1]] = weight, real(op.inputs[2], 0)
    return list(layers.values())


def _set(layer: Layer, weight: np.ndarray, bias: np.ndarray) -> None:
    if weight.shape != tuple(layer.weighted.weight.shape):
        raise ValueError(
            f"{layer.name} has weights {tuple(layer.weighted.weight.shape)}, the file {weight.shape}"
        )
    layer.weighted.weight.copy_(torch.from_numpy(weight.copy()))
    if layer.norm is None:
        assert layer.weighted.bias is not None, layer.name
        layer.weighted.bias.copy_(torch.from_numpy(bias))
        return
    layer.norm.reset_running_stats()  # mean 0, variance 1
    layer.norm.weight.fill_((1 + layer.norm.eps) ** 0.5)
    layer.norm.bias.copy_(torch.from_numpy(bias))
