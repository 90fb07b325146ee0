"""Parameters, multiply-accumulates and bytes of a network, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tinytracker.models.network import Network, example_inputs


@dataclass(frozen=True, slots=True)
class LayerCount:
    """One layer. parameters: trained ones. statistics: batch norm's running mean and variance. folded:
    weights and biases left when batch norm is folded into the convolution before it. macs:
    multiply-accumulates for one sample (all uses of a shared layer). output_shape: without the batch."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    statistics: int
    folded: int
    macs: int


@dataclass(frozen=True, slots=True)
class Count:
    """A network's layers and their sums. Bytes: float32 and int8 weights with int32 biases, batch norm
    folded, without the file format's own bytes."""

    layers: tuple[LayerCount, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def parameters_with_statistics(self) -> int:
        """As Keras counts: batch norm's running statistics included."""
        return self.parameters + sum(layer.statistics for layer in self.layers)

    @property
    def folded(self) -> int:
        return sum(layer.folded for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def float_bytes(self) -> int:
        return 4 * self.folded

    def as_card(self) -> dict[str, int]:
        """The `counts` of a model card, for the float network."""
        return {"parameters": self.folded, "macs": self.macs, "bytes": self.float_bytes}


def count(network: Network) -> Count:
    """Counts by running the network once on one sample, on its own device. Leaves weights and mode as they
    were."""
    outputs: dict[str, tuple[tuple[int, ...], int]] = {}
    names = {module: name for name, module in network.named_modules()}
    hooks = []

    def record(module: nn.Module, _: object, output: Tensor) -> None:
        shape, macs = tuple(output.shape[1:]), outputs.get(names[module], ((), 0))[1]
        outputs[names[module]] = (shape, macs + _macs(module, shape))

    for module in names:
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            hooks.append(module.register_forward_hook(record))
    training, device = network.training, next(network.parameters()).device
    try:
        with torch.no_grad():
            network.eval()(*(tensor.to(device) for tensor in example_inputs(network)))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    return Count(tuple(_layer(name, network.get_submodule(name), *outputs[name]) for name in outputs))


def table(counted: Count) -> str:
    """The count as lines of aligned text, sums last."""
    rows = [("layer", "kind", "output", "parameters", "folded", "MAC")]
    rows += [
        (
            x.name,
            x.kind,
            "x".join(map(str, x.output_shape)),
            f"{x.parameters:,}",
            f"{x.folded:,}",
            f"{x.macs:,}",
        )
        for x in counted.layers
    ]
    rows.append(("total", "", "", f"{counted.parameters:,}", f"{counted.folded:,}", f"{counted.macs:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row in rows:
        words = [text.ljust(width) for text, width in zip(row[:3], widths[:3], strict=True)]
        numbers = [text.rjust(width) for text, width in zip(row[3:], widths[3:], strict=True)]
        lines.append("  ".join(words + numbers))
    return "\n".join(lines)


def _macs(module: nn.Module, shape: tuple[int, ...]) -> int:
    if isinstance(module, nn.Conv2d):
        return shape[1] * shape[2] * module.weight.numel()
    return module.weight.numel() if isinstance(module, nn.Linear) else 0


def _layer(name: str, module: nn.Module, shape: tuple[int, ...], macs: int) -> LayerCount:
    parameters = sum(p.numel() for p in module.parameters(recurse=False))
    if isinstance(module, nn.BatchNorm2d):
        # Folded, it leaves one bias per channel; scale and statistics vanish in the weights.
        return LayerCount(
            name, "batch norm", shape, parameters, 2 * module.num_features, module.num_features, macs
        )
    kind = "fully connected"
    if isinstance(module, nn.Conv2d):
        depthwise = module.groups == module.in_channels > 1
        kind = f"{'depthwise' if depthwise else 'conv'} {module.kernel_size[0]}x{module.kernel_size[1]}"
    return LayerCount(name, kind, shape, parameters, 0, parameters, macs)
