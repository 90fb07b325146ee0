"""First weights from another network: from the same one, as in fine-tuning, or what fits of one of another kind.

The other network is a checkpoint, or an int8 .tflite with its card, such as the released ones: its weights are real numbers
again, times its steps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tinytracker.cards import card_path, read_card
from tinytracker.errors import CheckpointError, ModelError
from tinytracker.models import Network, create_model
from tinytracker.models.network import example_inputs
from tinytracker.quantization.graph import read_graph, unpack
from tinytracker.released import find_released, list_released
from tinytracker.training.checkpoint import load_network

log = logging.getLogger(__name__)
CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}  # of an operator's weights
SHORTEST_RUN = 2  # a layer that fits alone fits by chance
LEAST_DEVIATION = 1e-3  # of a channel that is always the same


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or FC and the batch norm behind it, if any. name: the weighted module's."""

    name: str
    weighted: nn.Conv2d | nn.Linear
    norm: nn.BatchNorm2d | None

    @property
    def shape(self) -> tuple[object, ...]:
        """What must agree for weights to be taken over."""
        groups = self.weighted.groups if isinstance(self.weighted, nn.Conv2d) else 1
        return type(self.weighted), tuple(self.weighted.weight.shape), groups, self.weighted.bias is None, self.norm is None


def load_weights(source: str | Path) -> Network:
    """A trained network in evaluation mode: a checkpoint, a .tflite that has its card beside it, or a released network's name.

    Raises CheckpointError if weights and card do not fit, ModelError without a card or a file.
    """
    path = _find(source)
    if not path.exists():
        raise ModelError(f"{source} does not exist; expected a checkpoint, a .tflite or a released network's name")
    return _from_tflite(path) if path.suffix == ".tflite" else load_network(path)


def take_over(network: Network, source: str | Path, inputs: tuple[Tensor, ...]) -> str:
    """Gives `network` the weights of `source` (see load_weights), where they fit; returns a sentence saying what was taken.

    Layers fit where two or more that follow each other have the shapes of as many that do so in the other network, in the
    order in which networks declare them; the longest such runs are taken first. The rest keeps its fresh weights.
    inputs: a batch of what the network will see. An int8 file knows no batch statistics; they are set by it.
    Raises CheckpointError if nothing fits.
    """
    other = load_weights(source)
    theirs, mine = _layers(other), _layers(network)
    runs = SequenceMatcher(None, [one.shape for one in theirs], [one.shape for one in mine], autojunk=False)
    blocks = [block for block in runs.get_matching_blocks() if block.size >= SHORTEST_RUN]
    if not blocks:
        message = f"{source} holds {other.spec.family}, of which no two layers in a row fit {network.spec.family}"
        raise CheckpointError(f"{message} with the recipe's options; start from a network that is more like it")
    pairs = [(theirs[block.a + i], mine[block.b + i]) for block in blocks for i in range(block.size)]
    for giver, taker in pairs:
        log.info("%s starts as %s of %s", taker.name, giver.name, source)
        taker.weighted.load_state_dict(giver.weighted.state_dict())
        if giver.norm is not None and taker.norm is not None:
            taker.norm.load_state_dict(giver.norm.state_dict())
    if _find(source).suffix == ".tflite":
        _normalise(network, [taker for _, taker in pairs], inputs)
    return f"{len(pairs)} of {len(mine)} layers start as those of {source} ({other.spec.family})"


def _find(source: str | Path) -> Path:
    return find_released(str(source))[1] if str(source) in list_released() else Path(source)


def _layers(network: Network) -> list[Layer]:
    """In the order of declaration."""
    layers: list[Layer] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers.append(Layer(name, module, None))
        elif isinstance(module, nn.BatchNorm2d):
            layers[-1] = Layer(layers[-1].name, layers[-1].weighted, module)
    return layers


def _from_tflite(path: Path) -> Network:
    """The network of an int8 .tflite of ours; its batch norms do no more than add the biases.

    Weights have no names in such a file: they are recognised by the order in which the network runs its layers.
    """
    card = read_card(card_path(path))
    try:
        network = create_model(card.recipe["model"], **card.recipe.get("options", {})).eval()
        with torch.no_grad():
            for layer, (weight, bias) in zip(_running_order(network), _constants(path), strict=True):
                _set(layer, weight, bias)
    except (KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is not the network of its card {card_path(path).name}: {error}") from error
    return network


def _running_order(network: Network) -> list[Layer]:
    """The layers in the order in which forward() first comes to them."""
    layers = {layer.weighted: layer for layer in _layers(network)}
    order: dict[nn.Module, None] = {}
    hooks = [module.register_forward_hook(lambda module, *_: order.setdefault(module)) for module in layers]
    with torch.no_grad():
        network(*example_inputs(network))
    for hook in hooks:
        hook.remove()
    return [layers[module] for module in order]  # type: ignore[index]


def _constants(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight (outputs first, then inputs, rows, columns) and bias of each layer of an int8 .tflite, real numbers, in order;
    once where several operators share them."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    graph, model = read_graph(content), unpack(content)

    def real(index: int, channel_axis: int) -> np.ndarray:
        tensor = graph.tensors[index]
        if tensor.dtype not in ("int8", "int32") or not tensor.scales:
            raise ValueError(f"it holds {tensor.dtype} weights where int8 ones were expected")
        data = model.buffers[model.subgraphs[0].tensors[index].buffer].data
        values = np.asarray(data, np.uint8).view(tensor.dtype).reshape(tensor.shape).astype(np.float32)
        return np.moveaxis(values, channel_axis, -1) * np.array(tensor.scales, np.float32)

    layers = {}
    for operator in graph.operators:
        if operator.name in CHANNEL_AXIS and operator.inputs[1] not in layers:
            weight = np.moveaxis(real(operator.inputs[1], CHANNEL_AXIS[operator.name]), -1, 0)
            # (outputs, rows, columns, inputs), or depthwise (outputs, 1, rows, columns) already
            weight = np.moveaxis(weight, -1, 1) if operator.name == "CONV_2D" else weight
            layers[operator.inputs[1]] = weight, real(operator.inputs[2], 0)
    return list(layers.values())


def _set(layer: Layer, weight: np.ndarray, bias: np.ndarray) -> None:
    if weight.shape != tuple(layer.weighted.weight.shape):
        raise ValueError(f"{layer.name} has weights {tuple(layer.weighted.weight.shape)}, the file {weight.shape}")
    layer.weighted.weight.copy_(torch.from_numpy(weight.copy()))
    if layer.norm is None:
        assert layer.weighted.bias is not None, layer.name
        layer.weighted.bias.copy_(torch.from_numpy(bias))
        return
    layer.norm.reset_running_stats()  # mean 0, variance 1
    layer.norm.weight.fill_((1 + layer.norm.eps) ** 0.5)
    layer.norm.bias.copy_(torch.from_numpy(bias))


def _normalise(network: Network, layers: list[Layer], inputs: tuple[Tensor, ...]) -> None:
    """Gives batch norms the statistics that `inputs` have there, and undoes by their factors what that would change.

    Weights are scaled to a result of variance 1 beforehand, as fresh ones nearly are, so that a step of a given learning rate
    changes them by as much.
    """
    hooks = []
    waiting = {layer.norm: layer for layer in layers if layer.norm is not None}

    def settle(norm: nn.BatchNorm2d, arguments: tuple[Tensor]) -> Tensor | None:
        layer = waiting.pop(norm, None)
        if layer is None or norm.running_mean is None or norm.running_var is None:
            return None  # of a shared layer, the first use counts
        (x,) = arguments
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        added = norm.bias - factor * norm.running_mean
        mean = x.mean((0, 2, 3))
        deviation = x.std((0, 2, 3)).clamp(min=LEAST_DEVIATION)
        norm.running_mean.copy_(mean / deviation)
        norm.running_var.fill_(1.0)
        norm.weight.copy_(factor * deviation * (1 + norm.eps) ** 0.5)
        norm.bias.copy_(added + factor * mean)
        layer.weighted.weight.div_(deviation[:, None, None, None])
        return x / deviation[:, None, None]

    for norm in waiting:
        hooks.append(norm.register_forward_pre_hook(settle))
    training = network.training
    with torch.no_grad():
        network.eval()(*inputs)
    network.train(training)
    for hook in hooks:
        hook.remove()
