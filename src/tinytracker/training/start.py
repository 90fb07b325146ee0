"""First weights from another network: from the same one, as in fine-tuning, or what fits of one of another
kind.

The other network is a checkpoint, or an int8 .tflite with its card, such as the released ones: its weights
are real numbers again, times its steps.
"""

from __future__ import annotations

import logging
from difflib import SequenceMatcher
from pathlib import Path

import torch
from torch import Tensor, nn

from tinytracker.errors import CheckpointError
from tinytracker.models.network import Network
from tinytracker.models.weights import Layer, layers_of, load_weights
from tinytracker.zoo import find

log = logging.getLogger(__name__)
SHORTEST_RUN = 2  # a layer that fits alone fits by chance
LEAST_DEVIATION = 1e-3  # of a channel that is always the same


def take_over(network: Network, source: str | Path, inputs: tuple[Tensor, ...]) -> str:
    """Gives `network` the weights of `source` (see load_weights), where they fit; returns a sentence saying
    what was taken.

    Layers fit where two or more that follow each other have the shapes of as many that do so in the other
    network, in the order in which networks declare them; the longest such runs are taken first. The rest
    keeps its fresh weights. inputs: a batch of what the network will see. An int8 file knows no batch
    statistics; they are set by it. Raises CheckpointError if nothing fits.
    """
    other = load_weights(source)
    theirs, mine = layers_of(other), [layer for layer in layers_of(network) if layer.learns]
    runs = SequenceMatcher(None, [one.shape for one in theirs], [one.shape for one in mine], autojunk=False)
    blocks = [block for block in runs.get_matching_blocks() if block.size >= SHORTEST_RUN]
    if not blocks:
        message = (
            f"{source} holds {other.spec.family}, of which no two layers in a row fit {network.spec.family}"
        )
        raise CheckpointError(
            f"{message} with the recipe's options; start from a network that is more like it"
        )
    pairs = [(theirs[block.a + i], mine[block.b + i]) for block in blocks for i in range(block.size)]
    for giver, taker in pairs:
        log.info("%s starts as %s of %s", taker.name, giver.name, source)
        taker.weighted.load_state_dict(giver.weighted.state_dict())
        if giver.norm is not None and taker.norm is not None:
            taker.norm.load_state_dict(giver.norm.state_dict())
    if find(source).path.suffix == ".tflite":
        _normalise(network, [taker for _, taker in pairs], inputs)
    named = str(source) if str(source) == other.spec.family else f"{source} ({other.spec.family})"
    return f"{len(pairs)} of {len(mine)} layers start as those of {named}"


def _normalise(network: Network, layers: list[Layer], inputs: tuple[Tensor, ...]) -> None:
    """Gives batch norms the statistics that `inputs` have there, and undoes by their factors what that would
    change.

    Weights are scaled to a result of variance 1 beforehand, as fresh ones nearly are, so that a step of a
    given learning rate changes them by as much.
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
