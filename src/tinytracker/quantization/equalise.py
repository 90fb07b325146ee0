"""Channels made equally large where that is free: in front of depthwise convolutions.

All channels of a tensor share one int8 step. Where one channel reaches to 9 and another, no less important,
to 0.1, the small one is left with three steps. Behind a ReLU a channel may be made larger by any factor, if
the depthwise convolution that reads it makes it smaller again (Nagel et al., ICCV 2019, section 4.1): the
network computes the same. Depthwise weights have a step per channel, so they lose nothing by it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from tinytracker.quantization.fold import Part
from tinytracker.quantization.trace import kind_of, trace

REACH = (
    0.9  # of the largest channel's extreme: what calibration did not see must not saturate in every channel
)
MOST = 64.0  # keeps biases, which grow with the factor, inside 32 bits


def equalise(folded: Part, inputs: tuple[Tensor, ...]) -> Part:
    """A copy of a folded network whose channels in front of depthwise convolutions are about equally large on
    a batch; the network itself if it has none.

    folded: as `fold` gives it. inputs: calibration samples. Channels only ever grow, so the tensors' ranges
    stay.
    """
    network = copy.deepcopy(folded)
    traced = trace(network)
    pairs = list(_pairs(traced))
    if not pairs:
        return folded
    extremes = _extremes(traced, {relu for _, relu, _ in pairs}, inputs)
    with torch.no_grad():
        for before, relu, depthwise in pairs:
            factor = _factor(extremes[relu])
            before.weight.mul_(factor[:, None, None, None])
            assert before.bias is not None
            before.bias.mul_(factor)
            multiplier = depthwise.out_channels // depthwise.in_channels
            depthwise.weight.div_(factor.repeat_interleave(multiplier)[:, None, None, None])
    return network


def _factor(extreme: Tensor) -> Tensor:
    """What each channel is multiplied by; one that is always 0 stays as it is."""
    wanted = REACH * extreme.max() / extreme.clamp(min=1e-12)
    return torch.where(extreme > 0, wanted.clamp(1.0, MOST), torch.ones_like(extreme))


def _pairs(traced: fx.GraphModule) -> Iterator[tuple[nn.Conv2d, fx.Node, nn.Conv2d]]:
    """(convolution, the ReLU behind it, the depthwise convolution that alone reads that); layers that run
    once."""
    runs = Counter(node.target for node in traced.graph.nodes if node.op == "call_module")
    for node in traced.graph.nodes:
        depthwise = _convolution(node, traced)
        if depthwise is None or depthwise.groups == 1 or depthwise.groups != depthwise.in_channels:
            continue
        relu = node.args[0]
        if relu.target is F.pad and len(relu.users) == 1:
            relu = relu.args[0]
        if kind_of(relu, traced) is not nn.ReLU or len(relu.users) != 1:
            continue
        before = _convolution(relu.args[0], traced)
        if (
            before is not None
            and len(relu.args[0].users) == 1
            and runs[relu.args[0].target] == runs[node.target] == 1
        ):
            yield before, relu, depthwise


def _convolution(node: fx.Node, traced: fx.GraphModule) -> nn.Conv2d | None:
    module = traced.get_submodule(str(node.target)) if node.op == "call_module" else None
    return module if isinstance(module, nn.Conv2d) else None


def _extremes(
    traced: fx.GraphModule, nodes: set[fx.Node], inputs: tuple[Tensor, ...]
) -> dict[fx.Node, Tensor]:
    """The largest value of each channel, (channels,), by node."""
    found: dict[fx.Node, Tensor] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            result = super().run_node(n)
            if n in nodes:
                assert isinstance(result, Tensor)
                found[n] = result.amax((0, 2, 3))
            return result

    with torch.no_grad():
        Recorder(traced).run(*inputs)
    return found
