"""A network as a torch.fx graph of the layers that become a .tflite's tensors."""

from __future__ import annotations

from torch import fx, nn

from tinytracker.models.layers import BakedGrid, FlattenNHWC


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, BakedGrid | FlattenNHWC) or super().is_leaf_module(m, module_qualified_name)


def trace(network: nn.Module) -> fx.GraphModule:
    """The network as a graph of what it computes once it is trained, without the identities that folding
    leaves; the same node names whenever it is called.

    The network's ReLUs give tensors of their own from now on: what others look at must not change.
    """
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    is_training = network.training
    graph = _Tracer().trace(network.eval())
    network.train(is_training)
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(network.get_submodule(str(node.target)), nn.Identity):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    return fx.GraphModule(network, graph)


def kind_of(node: fx.Node, traced: fx.GraphModule) -> object:
    """The class of a called module, the called function, or the op's name."""
    if node.op == "call_module":
        return type(traced.get_submodule(str(node.target)))
    return node.target if node.op == "call_function" else node.op
