"""1x1 convolutions on ARMv7E-M, outside of blocks: tiles of four pixels times two output channels at a
time."""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.dsp_words import (
    Channels,
    in_tile_order,
    is_pointwise,
    last_two_paired,
    linear_channels,
    pair_records,
    relu_channels,
    shift_bytes,
)
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    channels: Channels
    relu: bool
    together: int


class Point:
    """A 1x1 CONV_2D with two output channels or more."""

    name = "dsp 1x1"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if (
            not (cpu.has_dsp and cpu.has_unaligned and is_pointwise(graph, op))
            or graph[op.outputs[0]].hwc[2] < 2
        ):
            return []
        relu = relu_channels(graph, op)
        channels = relu or linear_channels(graph, op)
        if channels is None:
            return []
        height, width, depth = graph[op.inputs[0]].hwc
        pixels, groups = height * width, -(-depth // 4)
        offers = []
        for together in sorted({min(4 * 2**power, -(-pixels // 4) * 4) for power in range(10)}):
            tiles = Scratch("tiles", together // 4 * groups * 32)
            words = Scratch("words", 4 * (8 + 4 * groups))
            offers.append(
                Match(
                    self,
                    first,
                    1,
                    {op.inputs[0]: Layout.HWC},
                    {op.outputs[0]: Layout.HWC},
                    _instructions(pixels, together, groups, len(channels.weights), relu is not None),
                    (tiles, words),
                    note=f"{together} pixels at a time",
                    detail=_Point(channels, relu is not None, together),
                )
            )
        return offers

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        point = match.detail
        assert isinstance(point, _Point)
        op = graph.ops[match.first]
        height, width, depth = graph[op.inputs[0]].hwc
        channels = last_two_paired(point.channels)
        run = "gm_dsp_point_relu" if point.relu else "gm_dsp_point_linear"
        writer.assembly("dsp", "dsp_decode", "dsp_pack", "dsp_products")
        writer.support("dsp_conv_point")
        layer = writer.record(
            "gm_dsp_conv_point_layer",
            f"layer{op.number}",
            initialiser(
                writer.table(
                    f"layer{op.number}_records", pair_records(in_tile_order(channels.weights), channels)
                ),
                writer.table(f"layer{op.number}_shifts", shift_bytes(channels)),
                run,
                height * width,
                depth,
                -(-depth // 4) * 2,
                len(point.channels.weights),
                point.together,
                2 * point.channels.zero_point + 1,
            ),
        )
        source, output = writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        tiles, words = writer.scratch("tiles", "int32_t"), writer.scratch("words", "int32_t")
        return Step(f"gm_dsp_conv_point(&{layer}, {source}, {output}, {tiles}, {words});")


def _instructions(pixels: int, together: int, groups: int, channels: int, relu: bool) -> int:
    """As counted by hand in the assembly."""
    tiles, strips, pairs = -(-pixels // 4), -(-pixels // together), -(-channels // 2)
    per_tile = 22 * groups + (45 if relu else 61)
    return tiles * (pairs * per_tile + 27 * groups + 8) + strips * (pairs * (100 + 10 * groups) + 80) + 20


KERNELS = (Point(),)
