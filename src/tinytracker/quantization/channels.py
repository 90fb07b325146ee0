"""Which channels of a network may be scaled and shifted without changing what it computes.

An axis is the channels of all tensors that must be scaled alike: a convolution's result, the same behind its
ReLU, both operands of a sum and the sum. What makes an axis (the weights of convolutions and FCs in front of
it) may be multiplied by a factor per channel, if what reads it is divided by the same. Behind a layer that
nothing clips or pads, a constant may be added, too, and taken off in the next layers' biases.
"""

from __future__ import annotations

import operator

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from tinytracker.models.layers import FlattenNHWC
from tinytracker.quantization.trace import kind_of, trace

SCALED_WITH = (nn.ReLU, nn.AvgPool2d, nn.MaxPool2d)  # give out a channel as large as they take it in
ADDED = (operator.add, torch.add)
Axis = fx.Node  # stands for its channels: the first node that has them


class Channels:
    """The axes of a traced network. `free` are those that may be scaled; `tensors` the nodes whose values
    become a tensor of their own in the file (a convolution's in front of a ReLU do not), with their axis."""

    def __init__(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """inputs: a sample, for the shapes."""
        self.traced = trace(network)
        self._shapes = _shapes(self.traced, inputs)
        self._parent: dict[Axis, Axis] = {}
        self._sizes: dict[Axis, int] = {}
        self._fixed: set[Axis] = set()
        # Of every node the axes of its channels, one behind the other, and of every layer those it reads
        # and the one it makes.
        self._of: dict[fx.Node, list[Axis]] = {}
        self._reads: dict[nn.Conv2d | nn.Linear, list[Axis]] = {}
        self._makes: dict[nn.Conv2d | nn.Linear, Axis] = {}
        for node in self.traced.graph.nodes:
            if node.op == "output":
                self._fix(node.all_input_nodes[0])
            else:
                self._of[node] = self._follow(node)
        self.free = {
            root
            for axis in self._parent
            if (root := self._root(axis)) not in set(map(self._root, self._fixed))
        }
        self.tensors = {node: self._root(self._of[node][0]) for node in self._of if self._is_tensor(node)}

    def kind(self, node: fx.Node) -> object:
        return kind_of(node, self.traced)

    def layer(self, node: fx.Node) -> nn.Conv2d | nn.Linear | None:
        """The convolution or FC that a node runs."""
        module = self.traced.get_submodule(str(node.target)) if node.op == "call_module" else None
        return module if isinstance(module, nn.Conv2d | nn.Linear) else None

    def dense(self) -> dict[fx.Node, nn.Conv2d | nn.Linear]:
        """The nodes that run a layer every weight of which shares its step with others: all but depthwise
        convolutions."""
        layers = {node: self.layer(node) for node in self._of}
        return {
            node: layer
            for node, layer in layers.items()
            if layer in self._makes and not (isinstance(layer, nn.Conv2d) and layer.groups > 1)
        }

    def axes(self, layer: nn.Conv2d | nn.Linear) -> tuple[list[Axis], Axis]:
        """Those of a layer's inputs, one behind the other, and that of its results."""
        return [self._root(axis) for axis in self._reads[layer]], self._root(self._makes[layer])

    def factor(self, axes: list[Axis], factors: dict[Axis, Tensor]) -> Tensor:
        """Of the channels of axes one behind the other; 1 where an axis has none."""
        return torch.cat([factors.get(axis, torch.ones(self._sizes[axis])) for axis in axes])

    def scale(self, factors: dict[Axis, Tensor]) -> None:
        """Multiplies the channels of free axes by factors, (channels,) each, in the network itself."""
        with torch.no_grad():
            for layer, axis in self._makes.items():
                factor = factors.get(self._root(axis))
                if factor is not None:
                    layer.weight.mul_(factor.reshape(-1, *[1] * (layer.weight.ndim - 1)))
                    _bias(layer).mul_(factor)
            for layer, axes in self._reads.items():
                factor = self.factor([self._root(axis) for axis in axes], factors)
                if isinstance(layer, nn.Conv2d) and layer.groups > 1:  # depthwise
                    multiplier = layer.out_channels // layer.in_channels
                    layer.weight.div_(factor.repeat_interleave(multiplier)[:, None, None, None])
                else:
                    layer.weight.div_(factor.reshape(1, -1, *[1] * (layer.weight.ndim - 2)))

    def shiftable(self, node: fx.Node) -> bool:
        """Whether a constant per channel may be taken off this node's values: a layer's, run once, that
        nothing but layers without padding read."""
        layer = self.layer(node)
        if layer is None or not node.users or sum(n.target == node.target for n in self._of) > 1:
            return False
        for user in node.users:
            reader = self.layer(user)
            if reader is None or sum(n.target == user.target for n in self._of) > 1:
                return False
            if isinstance(reader, nn.Conv2d) and (any(reader.padding) or reader.groups > 1):
                return False
        return True

    def shift(self, node: fx.Node, constant: Tensor) -> None:
        """Takes a constant per channel, (channels,), off a shiftable node's values."""
        with torch.no_grad():
            _bias(self.layer(node)).sub_(constant)
            for user in node.users:
                reader = self.layer(user)
                assert reader is not None
                _bias(reader).add_(
                    reader.weight.flatten(2).sum(2) @ constant
                    if isinstance(reader, nn.Conv2d)
                    else reader.weight @ constant
                )

    def _follow(self, node: fx.Node) -> list[Axis]:
        """The axes of a node's channels, joined with its inputs' where they must be scaled alike."""
        kind, sources = self.kind(node), node.all_input_nodes
        layer = self.layer(node)
        if layer is not None and (layer.bias is None or not _is_plain(layer)):
            layer = None
        if layer is not None:
            given = self._of[sources[0]]
            if layer in self._makes:  # it runs again: what it reads and makes is scaled alike each time
                self._join(given, self._reads[layer])
                return [self._makes[layer]]
            made = self._new(node, layer.weight.shape[0])
            self._makes[layer], self._reads[layer] = node, given
            return made
        if kind in SCALED_WITH or kind is F.pad:
            return self._of[sources[0]]
        if kind is FlattenNHWC:
            height, width = self._shapes[sources[0]][2:]
            return self._of[sources[0]] * (height * width)
        if kind in ADDED and len(sources) == 2:
            self._join(*(self._of[source] for source in sources))
            return self._of[sources[0]]
        if kind is torch.cat:
            return [axis for source in sources for axis in self._of[source]]
        for source in sources:
            self._fix(source)
        made = self._new(node, self._shapes[node][1])
        self._fixed.add(node)
        return made

    def _is_tensor(self, node: fx.Node) -> bool:
        if len(self._of[node]) != 1 or self.kind(node) in (F.pad, FlattenNHWC):
            return False
        return self.layer(node) is None or [self.kind(user) for user in node.users] != [nn.ReLU]

    def _new(self, node: fx.Node, size: int) -> list[Axis]:
        self._parent[node], self._sizes[node] = node, size
        return [node]

    def _root(self, axis: Axis) -> Axis:
        while self._parent[axis] is not axis:
            axis = self._parent[axis]
        return axis

    def _join(self, one: list[Axis], other: list[Axis]) -> None:
        if [self._sizes[axis] for axis in one] != [self._sizes[axis] for axis in other]:
            self._fixed |= {*one, *other}
            return
        for left, right in zip(one, other, strict=True):
            self._parent[self._root(right)] = self._root(left)

    def _fix(self, node: fx.Node) -> None:
        self._fixed |= set(self._of[node])


def _bias(layer: nn.Conv2d | nn.Linear | None) -> Tensor:
    assert layer is not None
    assert layer.bias is not None  # `fold` gives convolutions one, and only layers with one are followed
    return layer.bias


def _is_plain(layer: nn.Conv2d | nn.Linear) -> bool:
    """A dense layer or a depthwise convolution."""
    return isinstance(layer, nn.Linear) or layer.groups in (1, layer.in_channels)


def _shapes(traced: fx.GraphModule, inputs: tuple[Tensor, ...]) -> dict[fx.Node, torch.Size]:
    shapes: dict[fx.Node, torch.Size] = {}

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> object:
            result = super().run_node(n)
            if isinstance(result, Tensor):
                shapes[n] = result.shape
            return result

    with torch.no_grad():
        Recorder(traced).run(*inputs)
    return shapes
