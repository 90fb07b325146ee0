"""Inverted residual blocks on ARMv7E-M: 1x1, depthwise 3x3, 1x1 in one step, the wide tensors between them
never stored.

Where something stands between the depthwise convolution and the last 1x1, squeeze-excite for one, the first
two are a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.dsp_words import (
    CHUNK,
    Channels,
    ShiftBases,
    depthwise_records,
    heads,
    in_tile_order,
    is_pointwise,
    last_two_paired,
    linear_channels,
    pair_records,
    projection_words,
    relu_channels,
    shift_bases,
    shift_bytes,
)
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op

SPREAD = 5  # instructions per element of gm_dsp_spread
MOST_LEFT_SHIFTS = 6  # of depthwise weights: times 2^(1 + shifts) they are int16


@dataclass(frozen=True, slots=True)
class BlockShape:
    """All lengths in pixels or channels; see gm_dsp_block_layer. pairs: of input channels in a tile.
    projects: whether the last 1x1 convolution belongs to it; else `channels` is what the depthwise one gives.
    """

    height: int
    width: int
    depth: int
    pairs: int
    inner: int
    out_height: int
    out_width: int
    channels: int
    stride: int
    above: int
    left: int
    projects: bool = True

    @property
    def padded(self) -> int:
        return self.out_width + self.out_width % 2

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return -(-self.width // 2)

    @property
    def row_pairs(self) -> int:
        return -(-self.height // 2)

    @property
    def pitch(self) -> int:
        """Words of a plane's row: all that is written and all that is read."""
        return max(self.left + 2 * self.columns, self.stride * (self.padded - 1) + 3)

    def complete(self, pairs: int) -> int:
        """Output rows that are complete when so many pairs of rows are there: gm_dsp_complete."""
        rows = 2 * pairs - 1 if self.stride == 1 else pairs - 1 + self.above
        return self.out_height if 2 * pairs >= self.height else min(rows, self.out_height)

    def strips(self, strip: int) -> Iterator[tuple[int, int]]:
        """(pairs of rows, output rows) of every strip."""
        for first in range(0, self.row_pairs, strip):
            count = min(strip, self.row_pairs - first)
            yield count, self.complete(first + count) - (self.complete(first) if first else 0)

    def scratch(self, strip: int) -> tuple[Scratch, ...]:
        tiles = max(-(-rows * self.padded // 4) for _, rows in self.strips(strip))
        planes = 2 * (strip + 2) * self.pitch
        kept = 8 * self.columns * -(-self.inner // 2) if strip < self.row_pairs else 0
        output_pairs = -(-self.channels // 2)
        return (
            Scratch("tiles", 16 * self.pairs * self.columns * strip),
            Scratch("words", 4 * (8 + 2 * self.pairs)),
            Scratch("planes", 4 * (-(-planes // 4) * 4)),
            Scratch("kept", kept),
            Scratch("chunk", 16 * CHUNK * tiles),
            Scratch("sums", 32 * tiles * output_pairs if self.projects else 0),
        )

    def instructions(self, strip: int) -> int:
        """As counted by hand in the assembly."""
        inner_pairs = -(-self.inner // 2)
        chunks = -(-inner_pairs // CHUNK)
        output_pairs = -(-self.channels // 2)
        total = 0
        for place, (count, rows) in enumerate(self.strips(strip)):
            tiles = count * self.columns
            expand = tiles * (11 * self.pairs + 40) + 60 + 20 * count
            decode = 25 + 5 * self.pairs
            keep = (28 * self.columns + 50) * (2 if place > 0 else 1) if strip < self.row_pairs else 0
            quads, two = divmod(self.padded, 4)
            row = quads * (52 if self.stride == 1 else 56) + (32 if two else 0) + 25
            depthwise = 2 * (rows * row + 70)
            out_tiles = -(-rows * self.padded // 4)
            project = output_pairs * (out_tiles * 98 + 55) + 40
            total += (
                inner_pairs * (expand + decode + keep + depthwise + 60) + 27 * tiles * self.pairs // 2 + 300
            )
            outputs = rows * self.out_width * self.channels
            if self.projects:
                total += chunks * project + (10 + self.out_width % 2) * outputs + 30 * output_pairs
            else:
                total += SPREAD * outputs
        return total


@dataclass(frozen=True, slots=True, eq=False)
class BlockLayer:
    """records: the expansion's, as gm_dsp_decode reads them. ops: depthwise and, where it projects, the last
    1x1; strip: pairs of rows at a time."""

    shape: BlockShape
    records: np.ndarray
    expansion: Channels
    depthwise: Channels
    projection: Channels | None
    bases: ShiftBases
    ops: tuple[Op, ...]
    strip: int = 1

    @property
    def output(self) -> int:
        return self.ops[-1].outputs[0]


class Block:
    """A 1x1 CONV_2D with ReLU, a 3x3 DEPTHWISE_CONV_2D with ReLU and, if only that follows, a 1x1 CONV_2D."""

    name = "dsp block"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        layer = find_block(graph, first) if cpu.has_dsp and cpu.has_unaligned else None
        if layer is None:
            return []
        reads = {graph.ops[first].inputs[0]: Layout.HWC}
        writes = {layer.output: Layout.HWC}
        return [
            Match(
                self,
                first,
                1 + len(layer.ops),
                reads,
                writes,
                layer.shape.instructions(strip),
                layer.shape.scratch(strip),
                note=f"strips of {min(2 * strip, layer.shape.height)} rows",
                detail=replace(layer, strip=strip),
            )
            for strip in range(1, layer.shape.row_pairs + 1)
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        assert isinstance(match.detail, BlockLayer)
        layer = assemble_block(match.detail, writer)
        source, output = writer.pointer(graph.ops[match.first].inputs[0]), writer.pointer(match.detail.output)
        return Step(
            f"const gm_dsp_block_scratch scratch = {block_scratch(writer)};\n"
            f"gm_dsp_block(&{layer}, &scratch, {source}, {output});"
        )


def assemble_block(layer: BlockLayer, writer: Writer) -> str:
    """Adds a block's tables and code; gives the name of its gm_dsp_block_layer."""
    shape, depthwise, last = layer.shape, layer.ops[0], layer.ops[-1]
    projection = ["0", "0", "0", "0"]
    if layer.projection is not None:
        paired = last_two_paired(layer.projection)
        projection = [
            writer.table(f"layer{last.number}_projection", projection_words(paired)),
            writer.table(f"layer{last.number}_finish", heads(paired)),
            writer.table(f"layer{last.number}_finish_shifts", shift_bytes(paired)),
            str(2 * paired.zero_point + 1),
        ]
    run = "dsp_depthwise_1" if shape.stride == 1 else f"dsp_depthwise_2{'_below' if shape.above else ''}"
    writer.assembly(
        "dsp",
        "dsp_decode",
        "dsp_pack",
        "dsp_products",
        "dsp_keep",
        "dsp_depthwise",
        run,
        "dsp_project",
        "dsp_finish",
    )
    writer.support("dsp_block")
    return writer.record(
        "gm_dsp_block_layer",
        f"layer{depthwise.number}_block",
        initialiser(
            writer.table(f"layer{depthwise.number}_expansion", layer.records),
            writer.table(
                f"layer{depthwise.number}_depthwise",
                depthwise_records(layer.expansion, layer.depthwise, layer.bases),
            ),
            layer.bases.expansion,
            layer.bases.depthwise,
            *projection,
            f"gm_{run}",
            shape.height,
            shape.width,
            shape.depth,
            shape.pairs,
            -(-shape.inner // 2),
            shape.out_height,
            shape.out_width,
            shape.channels,
            shape.padded,
            shape.stride,
            shape.above,
            shape.left,
            shape.pitch,
            layer.strip,
        ),
    )


def block_scratch(writer: Writer) -> str:
    """C text of a gm_dsp_block_scratch."""
    words = [writer.scratch(name, "int32_t") for name in ("tiles", "words", "planes")]
    return initialiser(
        *words, writer.scratch("kept"), writer.scratch("chunk"), writer.scratch("sums", "int32_t")
    )


def find_block(graph: Graph, first: int) -> BlockLayer | None:
    """The block whose 1x1 convolution is graph.ops[first]."""
    if not is_pointwise(graph, graph.ops[first]):
        return None
    channels = relu_channels(graph, graph.ops[first])
    if channels is None:
        return None
    pairs = -(-graph[graph.ops[first].inputs[0]].hwc[2] // 4) * 2
    return find_tail(graph, first, pairs, pair_records(in_tile_order(channels.weights), channels), channels)


def find_tail(
    graph: Graph, first: int, pairs: int, records: np.ndarray, channels: Channels
) -> BlockLayer | None:
    """The block that graph.ops[first] is the expansion of, with its records, pairs of numbers in a tile,
    and channels."""
    if first + 2 > len(graph.ops):
        return None
    expand, depthwise = graph.ops[first : first + 2]
    if not is_depthwise_3x3(graph, depthwise) or graph.only_reader(expand.outputs[0]) != first + 1:
        return None
    project = graph.ops[first + 2] if graph.only_reader(depthwise.outputs[0]) == first + 2 else None
    last = None
    if project is not None and is_pointwise(graph, project) and graph[project.outputs[0]].hwc[2] >= 2:
        last = linear_channels(graph, project)
    window = depthwise.window
    assert window is not None
    middle = relu_channels(graph, depthwise, MOST_LEFT_SHIFTS)
    bases = None if middle is None else shift_bases(channels, middle)
    if middle is None or bases is None:
        return None
    ops = (depthwise,) if project is None or last is None else (depthwise, project)
    height, width, inner = graph[expand.outputs[0]].hwc
    out_height, out_width, out_channels = graph[ops[-1].outputs[0]].hwc
    shape = BlockShape(
        height,
        width,
        graph[expand.inputs[0]].hwc[2],
        pairs,
        inner,
        out_height,
        out_width,
        out_channels,
        window.stride[0],
        *window.before,
        last is not None,
    )
    return BlockLayer(shape, records, channels, middle, last, bases, ops)


def is_depthwise_3x3(graph: Graph, op: Op) -> bool:
    """A 3x3 DEPTHWISE_CONV_2D with stride 1 and a border of 1, or stride 2 and none or 1 above and to the
    left."""
    window = op.window
    if op.kind != "DEPTHWISE_CONV_2D" or window is None or op.attributes["multiplier"] != 1:
        return False
    if window.kernel != (3, 3) or window.dilation != (1, 1) or not graph[op.inputs[1]].is_constant:
        return False
    if window.stride == (1, 1):
        return window.before == (1, 1) and window.after == (1, 1)
    height, width, _ = graph[op.inputs[0]].hwc
    return (
        window.stride == (2, 2)
        and max(*window.before, *window.after) <= 1
        and min(height + window.before[0] + window.after[0], width + window.before[1] + window.after[1]) >= 3
    )


KERNELS = (Block(),)
