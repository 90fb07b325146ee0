"""Will the IMX500 run this network, and how well? Said before minutes are spent on quantising and converting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, fx, nn

from tinytracker.cards import InputSpec
from tinytracker.errors import ModelError
from tinytracker.models import Network, count, example_inputs
from tinytracker.models.layers import BakedGrid
from tinytracker.models.sensor import SensorNetwork
from tinytracker.targets.findings import Finding, Severity
from tinytracker.targets.imx500 import limits
from tinytracker.targets.imx500.accounting import inference_ms

MODEL = "model"
MAPS = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d)  # layers whose results lie in the chip's memory


def lint(model: Path) -> list[Finding]:
    """Findings on a checkpoint (.safetensors with its card); raises ModelError or CheckpointError if it is none."""
    if model.suffix != ".safetensors" or not model.is_file():
        raise ModelError(f"--target imx500 takes a checkpoint, for Sony's quantiser starts from the float network; {model} is "
                         "none: give the .safetensors that `tinytracker train` wrote")  # fmt: skip
    from tinytracker.training.checkpoint import load_network

    return lint_network(load_network(model))


def lint_network(network: Network) -> list[Finding]:
    """Findings on a network: errors first, then warnings, then notes."""
    findings = [*_inputs(network), *_layers(network), *_memory(network), *_time(network)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def _inputs(network: Network) -> Iterator[Finding]:
    pictures = [spec for spec in network.spec.inputs if spec.height_px]
    if network.spec.output != "gaze":
        yield Finding(MODEL, Severity.ERROR, "it is an eye locator, and the host finds the eyes", "give a gaze network")
    if len(pictures) != 1:
        names = ", ".join(spec.name for spec in pictures)
        yield Finding(
            names, Severity.ERROR, f"the sensor feeds one rectangle, this network sees {len(pictures)} pictures",
            "use tinytracker_imx (face) or tinytracker_imx_band (both eyes in one rectangle)",
        )  # fmt: skip
    others = [spec for spec in network.spec.inputs if not spec.height_px]
    if others and not isinstance(network, SensorNetwork):
        names = ", ".join(spec.name for spec in others)
        yield Finding(
            names, Severity.ERROR, "the sensor feeds no numbers beside the picture",
            "use tinytracker_imx, whose correction by the box is done on the host",
        )  # fmt: skip
    for spec in pictures:
        yield from _picture(spec)


def _picture(spec: InputSpec) -> Iterator[Finding]:
    if spec.position == "channels":
        yield Finding(
            spec.name, Severity.WARNING, f"{spec.channels} channels, the sensor feeds {limits.CHANNELS}: the positions must be "
            "baked in for a region that stays", "export with --roi x,y,width,height, or use tinytracker_imx without a grid",
        )  # fmt: skip
    elif spec.channels != limits.CHANNELS:
        yield Finding(
            spec.name, Severity.ERROR, f"{spec.channels} channel ({spec.colour}), the sensor feeds {limits.CHANNELS}",
            'train it with options = { colour = "rgb" }',
        )  # fmt: skip
    for name, side in (("width", spec.width_px), ("height", spec.height_px)):
        if not limits.SMALLEST_SIDE_PX <= side <= limits.LARGEST_SIDE_PX:
            yield Finding(
                spec.name, Severity.ERROR, f"{name} {side} px, the sensor makes {limits.SMALLEST_SIDE_PX} to "
                f"{limits.LARGEST_SIDE_PX}", "train it with another size_px",
            )  # fmt: skip
    padded_width, padded_height = _up(spec.width_px, limits.WIDTH_MULTIPLE), _up(spec.height_px, limits.HEIGHT_MULTIPLE)
    if (padded_width, padded_height) != (spec.width_px, spec.height_px):
        waste = padded_width * padded_height / (spec.width_px * spec.height_px) - 1
        yield Finding(
            spec.name, Severity.WARNING, f"{spec.width_px} x {spec.height_px} px is padded to {padded_width} x {padded_height}: "
            f"{100 * waste:.0f} % of memory and time for nothing", f"train it {padded_width} px wide, which costs the same",
        )  # fmt: skip


def _layers(network: Network) -> Iterator[Finding]:
    for name, module in network.named_modules():
        kind = type(module).__name__
        if kind in limits.UNCONVERTIBLE:
            yield Finding(name, Severity.ERROR, f"{kind} does not convert", f"use {limits.UNCONVERTIBLE[kind]}")
        if isinstance(module, BakedGrid):
            yield Finding(name, Severity.NOTE, "its constants become one map that is added; the export does it")
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:  # whatever the network's own code raises on a value that stands for a tensor
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        yield Finding(
            MODEL, Severity.ERROR, f"torch.fx cannot trace it, as Sony's quantiser must: {reason}",
            "write forward() without branches on values or shapes",
        )  # fmt: skip
        return
    modules = dict(traced.named_modules())
    for node in traced.graph.nodes:
        yield from _unfused(node, modules)


def _unfused(node: fx.Node, modules: dict[str, nn.Module]) -> Iterator[Finding]:
    """An activation that the quantiser rounds before and after, as it does not belong to the layer before it."""
    if node.op != "call_module" or not isinstance(modules[str(node.target)], nn.Tanh | nn.PReLU | nn.Sigmoid):
        return
    before = node.args[0]
    layer = modules.get(str(before.target)) if isinstance(before, fx.Node) and before.op == "call_module" else None
    kind = type(modules[str(node.target)]).__name__
    if isinstance(layer, nn.Linear) and kind not in limits.FUSED_AFTER_FULLY_CONNECTED:
        yield Finding(
            str(node.target), Severity.WARNING, f"{kind} after the fully connected {before.target} is not fused: its input is "  # type: ignore[union-attr]
            "rounded to a power-of-two range before it", 'use a "linear" or "sigmoid" head (tinytracker_imx)',
        )  # fmt: skip


def estimated_memory(network: Network) -> tuple[int, int]:
    """(weights, working) bytes on the chip, estimated: int8 weights, and the largest map with what it is made from, widths
    padded to 32. On our networks the converter's report says up to a fifth more weights, and 0.7 to 2 times the maps."""
    counted = count(network)
    sizes: list[int] = [_padded(spec.channels, spec.height_px, spec.width_px) for spec in network.spec.inputs if spec.height_px]

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        sizes.append(_map_bytes(inputs[0]) + _map_bytes(output))

    hooks = [module.register_forward_hook(record) for module in network.modules() if isinstance(module, MAPS)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(*example_inputs(network))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    return counted.folded, max(sizes)


def _memory(network: Network) -> Iterator[Finding]:
    weights, working = estimated_memory(network)
    share = (weights + working + limits.RESERVED_BYTES) / limits.MEMORY_BYTES
    words = f"about {weights:,} bytes of weights and {working:,} for maps, {100 * share:.0f} % of {limits.MEMORY_BYTES:,}"
    if share > 1:
        yield Finding(MODEL, Severity.ERROR, f"{words} (estimated)", "use smaller pictures or fewer channels")
    else:
        yield Finding(MODEL, Severity.NOTE, f"{words} (estimated)")


def _time(network: Network) -> Iterator[Finding]:
    macs = count(network).macs
    low, high = inference_ms(macs)
    yield Finding(MODEL, Severity.NOTE, f"{macs / 1e6:.1f} M MAC take {low:.1f} to {high:.1f} ms on the chip (estimated)")


def _map_bytes(tensor: Tensor) -> int:
    return _padded(*tensor.shape[1:]) if tensor.ndim == 4 else int(tensor[0].numel())


def _padded(channels: int, height: int, width: int) -> int:
    return channels * height * _up(width, limits.WIDTH_MULTIPLE)


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
