"""Will the IMX500 run this network, and how well? Said before minutes are spent on quantising and
converting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from tinytracker.cards import InputSpec
from tinytracker.errors import ModelError
from tinytracker.findings import Finding, Severity
from tinytracker.models import Network, count, example_inputs
from tinytracker.models.layers import BakedGrid
from tinytracker.models.sensor import SensorNetwork
from tinytracker.targets.imx500.chip import limits
from tinytracker.targets.imx500.chip.accounting import inference_ms

MODEL = "model"
# What the converter's own report says over what is estimated here, least and most of the networks that were
# converted (`python benchmarks/imx500_memory.py` prints them). After a conversion the report itself decides
# (`chip.memory.MemoryReport.fits`).
REPORT_OVER_ESTIMATE = (0.89, 1.08)
# What lies beside the weights on the chip, fitted to the same reports: int32 biases, and per layer and in all
# what tells the processor what to do.
BIAS_BYTES, LAYER_BYTES, NETWORK_BYTES = 4, 2_500, 12_000
ON_THE_HOST = "head.correct."  # of a `models.sensor.SensorNetwork`
PICTURE_CHANNELS = 8  # as the input tensor is kept, whatever it has
MAPS = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d)  # layers whose results lie in the chip's memory


def lint(model: Path) -> list[Finding]:
    """Findings on a checkpoint (.safetensors with its card); raises ModelError or CheckpointError if it is
    none."""
    if model.suffix != ".safetensors" or not model.is_file():
        raise ModelError(
            "--target imx500 takes a checkpoint, for Sony's quantiser starts from the float network; "
            f"{model} is none: give the .safetensors that `tinytracker train` wrote"
        )
    from tinytracker.models.checkpoint import load_network

    return lint_network(load_network(model))


def lint_network(network: Network) -> list[Finding]:
    """Findings on a network: errors first, then warnings, then notes."""
    findings = [*_inputs(network), *_layers(network), *_memory(network), *_time(network)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def _inputs(network: Network) -> Iterator[Finding]:
    pictures = [spec for spec in network.spec.inputs if spec.height_px]
    if network.spec.output != "gaze":
        yield Finding(
            MODEL, Severity.ERROR, "it is an eye locator, and the host finds the eyes", "give a gaze network"
        )
    if len(pictures) != 1:
        names = ", ".join(spec.name for spec in pictures)
        yield Finding(
            names,
            Severity.ERROR,
            f"the sensor feeds one rectangle, this network sees {len(pictures)} pictures",
            "use tinytracker_imx (face) or tinytracker_imx_band (both eyes in one rectangle)",
        )
    others = [spec for spec in network.spec.inputs if not spec.height_px]
    if others and not isinstance(network, SensorNetwork):
        names = ", ".join(spec.name for spec in others)
        yield Finding(
            names,
            Severity.ERROR,
            "the sensor feeds no numbers beside the picture",
            "use tinytracker_imx, whose correction by the box is done on the host",
        )
    for spec in pictures:
        yield from _picture(spec)


def _picture(spec: InputSpec) -> Iterator[Finding]:
    if spec.low_pass_px:
        yield Finding(
            spec.name,
            Severity.ERROR,
            f"it is seen through a low-pass of {spec.low_pass_px:g} px, which the sensor does not do",
            "train it with options = { low_pass_px = 0 }",
        )
    if spec.position == "channels":
        yield Finding(
            spec.name,
            Severity.WARNING,
            f"{spec.channels} channels, the sensor feeds {limits.CHANNELS}: the positions must be "
            "baked in for a region that stays",
            "export with --roi x,y,width,height, or use tinytracker_imx without a grid",
        )
    elif spec.channels != limits.CHANNELS:
        yield Finding(
            spec.name,
            Severity.ERROR,
            f"{spec.channels} channel ({spec.colour}), the sensor feeds {limits.CHANNELS}",
            'train it with options = { colour = "rgb" }',
        )
    for name, side in (("width", spec.width_px), ("height", spec.height_px)):
        if not limits.SMALLEST_SIDE_PX <= side <= limits.LARGEST_SIDE_PX:
            yield Finding(
                spec.name,
                Severity.ERROR,
                f"{name} {side} px, the sensor makes {limits.SMALLEST_SIDE_PX} to {limits.LARGEST_SIDE_PX}",
                "train it with another size_px",
            )
    padded_width, padded_height = (
        _up(spec.width_px, limits.WIDTH_MULTIPLE),
        _up(spec.height_px, limits.HEIGHT_MULTIPLE),
    )
    if (padded_width, padded_height) != (spec.width_px, spec.height_px):
        waste = padded_width * padded_height / (spec.width_px * spec.height_px) - 1
        yield Finding(
            spec.name,
            Severity.WARNING,
            f"{spec.width_px} x {spec.height_px} px is padded to {padded_width} x {padded_height}: "
            f"{100 * waste:.0f} % of memory and time for nothing",
            f"train it {padded_width} px wide, which costs the same",
        )


def _layers(network: Network) -> Iterator[Finding]:
    for name, module in network.named_modules():
        kind = type(module).__name__
        if kind in limits.UNCONVERTIBLE:
            yield Finding(
                name, Severity.ERROR, f"{kind} does not convert", f"use {limits.UNCONVERTIBLE[kind]}"
            )
        if isinstance(module, BakedGrid):
            yield Finding(
                name, Severity.NOTE, "its constants become one map that is added; the export does it"
            )
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:  # whatever the network's own code raises on a value that stands for a tensor
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        yield Finding(
            MODEL,
            Severity.ERROR,
            f"torch.fx cannot trace it, as Sony's quantiser must: {reason}",
            "write forward() without branches on values or shapes",
        )
        return
    modules = dict(traced.named_modules())
    for node in traced.graph.nodes:
        yield from _unfused(node, modules)


def _unfused(node: fx.Node, modules: dict[str, nn.Module]) -> Iterator[Finding]:
    """An activation that the quantiser rounds before and after, as it does not belong to the layer before
    it."""
    if node.op != "call_module" or not isinstance(modules[str(node.target)], nn.Tanh | nn.PReLU | nn.Sigmoid):
        return
    before = node.args[0]
    layer = (
        modules.get(str(before.target))
        if isinstance(before, fx.Node) and before.op == "call_module"
        else None
    )
    kind = type(modules[str(node.target)]).__name__
    if isinstance(layer, nn.Linear) and kind not in limits.FUSED_AFTER_FULLY_CONNECTED:
        yield Finding(
            str(node.target),
            Severity.WARNING,
            f"{kind} after the fully connected {before.target} is not fused: its input is "  # type: ignore[union-attr]
            "rounded to a power-of-two range before it",
            'use a "linear" or "sigmoid" head (tinytracker_imx)',
        )


def estimated_memory(network: Network) -> tuple[int, int]:
    """(weights, working) bytes on the chip, estimated.

    Weights: one byte each, biases of four, and what every layer takes besides. Working: the largest map
    together with the one that it is made from, widths padded to 32, the picture kept with 8 channels. Of 20
    converted networks the report's sum was 0.90 to 1.07 times this one's where it was more than 5 % of the
    chip; of a smaller one 37 kB more.
    """
    layers = [
        layer
        for layer in count(network).layers
        if layer.kind != "batch norm" and not layer.name.startswith(ON_THE_HOST)
    ]
    biases = sum(layer.output_shape[0] for layer in layers)
    weights = sum(_weights_of(network, layer.name) for layer in layers)
    pictures = [
        _padded(PICTURE_CHANNELS, spec.height_px, spec.width_px)
        for spec in network.spec.inputs
        if spec.height_px
    ]
    sizes: list[int] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        source = _map_bytes(inputs[0]) if sizes else pictures[0]
        sizes.append(source + _map_bytes(output))

    hooks = [module.register_forward_hook(record) for module in network.modules() if isinstance(module, MAPS)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(*example_inputs(network))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    beside = BIAS_BYTES * biases + LAYER_BYTES * len(layers) + NETWORK_BYTES
    return weights + beside, max([*pictures, *sizes])


def _weights_of(network: Network, layer: str) -> int:
    weight = network.get_submodule(layer).weight
    assert isinstance(weight, Tensor)
    return weight.numel()


def _memory(network: Network) -> Iterator[Finding]:
    weights, working = estimated_memory(network)
    least, most = (
        (ratio * (weights + working) + limits.RESERVED_BYTES) / limits.MEMORY_BYTES
        for ratio in REPORT_OVER_ESTIMATE
    )
    words = (
        f"{100 * least:.0f} to {100 * most:.0f} % of {limits.MEMORY_BYTES:,} bytes: about {weights:,} of "
        f"weights and {working:,} for maps (estimated)"
    )
    if least > 1:
        yield Finding(MODEL, Severity.ERROR, words, "use smaller pictures or fewer channels")
    elif most > 1:
        yield Finding(
            MODEL,
            Severity.WARNING,
            f"{words}: near the limit",
            "convert it before training it, or use smaller pictures",
        )
    else:
        yield Finding(MODEL, Severity.NOTE, words)


def _time(network: Network) -> Iterator[Finding]:
    macs = count(network).macs
    low, high = inference_ms(macs)
    yield Finding(
        MODEL,
        Severity.NOTE,
        f"{macs / 1e6:.1f} M MAC take {low:.1f} to {high:.1f} ms on the chip (estimated)",
    )


def _map_bytes(tensor: Tensor) -> int:
    return _padded(*tensor.shape[1:]) if tensor.ndim == 4 else int(tensor[0].numel())


def _padded(channels: int, height: int, width: int) -> int:
    return channels * height * _up(width, limits.WIDTH_MULTIPLE)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
