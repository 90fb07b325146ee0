"""Convolutions under a window on ARMv7E-M: windows packed into tiles of four pixels, then multiplied as
1x1 convolutions are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.dsp_words import (
    Channels,
    heads,
    in_tile_order,
    last_two_paired,
    linear_channels,
    padded_terms,
    paired_words,
    relu_channels,
    shift_bytes,
)
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op


@dataclass(frozen=True, slots=True, eq=False)
class _Conv:
    """groups: of four numbers in a kernel row. slots, pitch: rows of the ring and bytes of one. strip:
    output rows at a time."""

    channels: Channels
    relu: bool
    groups: int
    slots: int
    pitch: int
    strip: int


class Conv:
    """A CONV_2D of one group and two output channels or more, with any window but dilation sideways. Its
    weights have a table of their own: layers that share them (two eyes, say) differ in biases and multipliers
    all the same."""

    name = "dsp convolution"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if not (cpu.has_dsp and cpu.has_unaligned and _is_known(graph, op)):
            return []
        relu = relu_channels(graph, op)
        channels = relu or linear_channels(graph, op)
        if channels is None:
            return []
        rows = graph[op.outputs[0]].hwc[0]
        strips = sorted({min(2**power, rows) for power in range(rows.bit_length() + 1)})
        return [self._match(graph, first, channels, relu is not None, strip) for strip in strips]

    def _match(self, graph: Graph, first: int, channels: Channels, relu: bool, strip: int) -> Match:
        op = graph.ops[first]
        window = op.window
        assert window is not None
        _, width, depth = graph[op.inputs[0]].hwc
        out_width = graph[op.outputs[0]].hwc[1]
        groups = -(-window.kernel[1] * depth // 4)
        slots = (strip - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0] + 1
        pitch = depth * max(window.before[1] + width, (out_width - 1) * window.stride[1] + window.kernel[1])
        conv = _Conv(channels, relu, groups, slots, pitch, strip)
        tiles = 32 * groups * window.kernel[0] * strip * -(-out_width // 4)
        return Match(
            self,
            first,
            1,
            {op.inputs[0]: Layout.HWC},
            {op.outputs[0]: Layout.HWC},
            _instructions(graph, op, conv),
            (
                Scratch("ring", slots * pitch),
                Scratch("tiles", tiles),
                Scratch("words", 32 + 16 * groups * window.kernel[0]),
            ),
            streams=True,
            note=f"{strip} rows at a time",
            detail=conv,
        )

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        conv, op = match.detail, graph.ops[match.first]
        assert isinstance(conv, _Conv)
        window = op.window
        assert window is not None
        source, output = graph[op.inputs[0]], graph[op.outputs[0]]
        height, width, depth = source.hwc
        channels = last_two_paired(conv.channels)
        writer.assembly("dsp", "dsp_decode", "dsp_pack", "dsp_products")
        writer.support("dsp_conv")
        layer = writer.record(
            "gm_dsp_conv_layer",
            f"layer{op.number}",
            initialiser(
                writer.table(f"layer{op.number}_heads", heads(channels)),
                writer.table(
                    f"layer{op.number}_weights", paired_words(_packed(channels.weights, window.kernel[0]))
                ),
                writer.table(f"layer{op.number}_shifts", shift_bytes(channels)),
                "gm_dsp_point_relu" if conv.relu else "gm_dsp_point_linear",
                height,
                width * depth,
                source.zero_point,
                *output.hwc,
                window.kernel[0],
                window.dilation[0],
                window.stride[0],
                window.before[0],
                window.before[1] * depth,
                window.stride[1] * depth,
                conv.groups,
                conv.slots,
                conv.pitch,
                conv.strip,
                2 * channels.zero_point + 1,
            ),
        )
        words = [writer.scratch(name, "int32_t") for name in ("tiles", "words")]
        scratch = initialiser(writer.scratch("ring"), *words)
        return Step(
            row=f"const gm_dsp_conv_scratch scratch = {scratch};\n"
            f"gm_dsp_conv_row(&{layer}, &scratch, row, y, {writer.pointer(op.outputs[0])});"
        )


def _is_known(graph: Graph, op: Op) -> bool:
    window, source = op.window, graph[op.inputs[0]]
    return (
        op.kind == "CONV_2D"
        and window is not None
        and not window.is_point
        and window.dilation[1] == 1
        and len(source.shape) == 4
        and graph[op.inputs[1]].shape[3] == source.shape[3]
        and graph[op.outputs[0]].shape[3] >= 2
    )


def _packed(weights: np.ndarray, kernel_height: int) -> np.ndarray:
    """(channels, terms) with each kernel row's terms a multiple of 4, in a tile's order."""
    channels = len(weights)
    rows = padded_terms(weights.reshape(channels * kernel_height, -1), 4)
    return in_tile_order(rows.reshape(channels, -1))


def _instructions(graph: Graph, op: Op, conv: _Conv) -> int:
    """As counted by hand in the assembly; what compiled C costs is measured."""
    assert op.window is not None
    rows, width, channels = graph[op.outputs[0]].hwc
    kernel_height, pairs, strips = op.window.kernel[0], -(-channels // 2), -(-rows // conv.strip)
    groups, tiles = kernel_height * conv.groups, -(-width // 4)
    runs = 1 if width % 4 == 0 else 2 * conv.strip
    pack = rows * (tiles * (27 * groups + 10 * kernel_height) + 100 * kernel_height)
    multiply = rows * tiles * pairs * (22 * groups + (45 if conv.relu else 61))
    return (
        pack + multiply + strips * pairs * (100 + 10 * groups + 60 * runs) + 6 * graph[op.inputs[0]].elements
    )


KERNELS = (Conv(),)
