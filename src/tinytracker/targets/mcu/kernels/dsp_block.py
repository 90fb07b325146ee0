"""Inverted residual blocks on ARMv7E-M: 1x1, depthwise 3x3, 1x1 in one step, the wide tensors between them never stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinytracker.targets.mcu.cpu import Cpu
from tinytracker.targets.mcu.graph import Graph, Op
from tinytracker.targets.mcu.kernels import Match, Scratch, Step, Writer
from tinytracker.targets.mcu.kernels.channels import initialiser
from tinytracker.targets.mcu.kernels.dsp_words import (
    CHUNK,
    Channels,
    depthwise_records,
    is_pointwise,
    linear_channels,
    pair_records,
    projection_words,
    relu_channels,
)
from tinytracker.targets.mcu.layout import Layout
from tinytracker.targets.mcu.quant import fits_int32, requantization

MOST_LEFT_SHIFTS = 6  # of depthwise weights: times 2^(1 + shifts) they are int16


@dataclass(frozen=True, slots=True)
class _Shape:
    """All lengths in pixels or channels; see gm_dsp_block_layer."""

    height: int
    width: int
    depth: int
    inner: int
    out_height: int
    out_width: int
    channels: int
    stride: int
    above: int
    left: int

    @property
    def pairs(self) -> int:
        """Pairs of input channels in a tile."""
        return -(-self.depth // 4) * 2

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
        kept = 4 * self.columns * self.inner if strip < self.row_pairs else 0
        output_pairs = -(-self.channels // 2)
        return (
            Scratch("tiles", 16 * self.pairs * self.columns * strip),
            Scratch("words", 4 * (8 + 2 * self.pairs)),
            Scratch("planes", 4 * (-(-planes // 4) * 4)),
            Scratch("kept", kept),
            Scratch("chunk", 16 * CHUNK * tiles),
            Scratch("sums", 32 * tiles * output_pairs),
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
            total += inner_pairs * (expand + decode + keep + depthwise + 60) + chunks * project
            total += 12 * rows * self.out_width * self.channels + 27 * tiles * self.pairs // 2 + 300
        return total


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    shape: _Shape
    expansion: Channels
    depthwise: Channels
    projection: Channels
    strip: int


class Block:
    """A 1x1 CONV_2D with ReLU, a 3x3 DEPTHWISE_CONV_2D with ReLU and a 1x1 CONV_2D, none of them read by others."""

    name = "dsp block"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        found = _find(graph, first) if cpu.has_dsp and cpu.has_unaligned else None
        if found is None:
            return []
        shape, *channels = found
        reads = {graph.ops[first].inputs[0]: Layout.HWC}
        writes = {graph.ops[first + 2].outputs[0]: Layout.HWC}
        offers = []
        for strip in range(1, shape.row_pairs + 1):
            offers.append(
                Match(
                    self, first, 3, reads, writes, shape.instructions(strip), shape.scratch(strip),
                    note=f"strips of {2 * strip} rows", detail=_Block(shape, *channels, strip),
                )
            )  # fmt: skip
        return offers

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        block = match.detail
        assert isinstance(block, _Block)
        shape = block.shape
        ops = graph.ops[match.first : match.first + 3]
        run = "gm_dsp_depthwise_1" if shape.stride == 1 else f"gm_dsp_depthwise_2{'_below' if shape.above else ''}"
        writer.assembly("dsp", "dsp_decode", "dsp_pack", "dsp_expand", "dsp_keep", "dsp_depthwise", run[3:], "dsp_project")
        writer.support("dsp_block")
        layer = writer.record(
            "gm_dsp_block_layer",
            f"layer{ops[0].place}_block",
            initialiser(
                writer.table(f"layer{ops[0].place}_records", pair_records(block.expansion)),
                writer.table(f"layer{ops[1].place}_records", depthwise_records(block.depthwise)),
                writer.table(f"layer{ops[2].place}_words", projection_words(block.projection)),
                finish_record(graph, ops[2], writer),
                run, shape.height, shape.width, shape.depth, shape.pairs, -(-shape.inner // 2),
                shape.out_height, shape.out_width, shape.channels, shape.padded, shape.stride, shape.above, shape.left,
                shape.pitch, block.strip, block.expansion.zero_point,
            ),
        )  # fmt: skip
        words = ", ".join(writer.scratch(name, "int32_t") for name in ("tiles", "words", "planes"))
        kept, chunk, sums = writer.scratch("kept"), writer.scratch("chunk"), writer.scratch("sums", "int32_t")
        source, output = writer.pointer(ops[0].inputs[0]), writer.pointer(ops[2].outputs[0])
        return Step(
            f"const gm_dsp_block_scratch scratch = {{{words}, {kept}, {chunk}, {sums}}};\n"
            f"gm_dsp_block(&{layer}, &scratch, {source}, {output});"
        )


def _find(graph: Graph, first: int) -> tuple[_Shape, Channels, Channels, Channels] | None:
    if first + 3 > len(graph.ops):
        return None
    expand, depthwise, project = graph.ops[first : first + 3]
    if not (is_pointwise(graph, expand) and is_depthwise_3x3(graph, depthwise) and is_pointwise(graph, project)):
        return None
    for before, after in ((expand, depthwise), (depthwise, project)):
        if before.outputs[0] != after.inputs[0] or graph.only_reader(before.outputs[0]) is None:
            return None
    window = depthwise.window
    assert window is not None
    height, width, depth = graph[expand.inputs[0]].hwc
    out_height, out_width, inner = graph[depthwise.outputs[0]].hwc
    shape = _Shape(
        height, width, depth, inner, out_height, out_width, graph[project.outputs[0]].hwc[2],
        window.stride[0], *window.before,
    )  # fmt: skip
    channels = (
        relu_channels(graph, expand),
        relu_channels(graph, depthwise, MOST_LEFT_SHIFTS),
        linear_channels(graph, project),
    )
    if channels[0] is None or channels[1] is None or channels[2] is None:
        return None
    return shape, channels[0], channels[1], channels[2]


def is_depthwise_3x3(graph: Graph, op: Op) -> bool:
    """A 3x3 DEPTHWISE_CONV_2D with stride 1 and a border of 1, or stride 2 and none or 1 above and to the left."""
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


def finish_record(graph: Graph, op: Op, writer: Writer) -> str:
    """C text of a gm_channels without weights, for gm_dsp_finish."""
    import numpy as np

    q = requantization(graph, op)
    assert fits_int32(q.bias)
    stem = f"layer{op.place}"
    return initialiser(
        "0",
        writer.table(f"{stem}_bias", q.bias.astype(np.int32)),
        writer.table(f"{stem}_multiplier", q.multiplier.astype(np.int32)),
        writer.table(f"{stem}_shift", q.shift.astype(np.int8)),
        q.zero_point, q.low, q.high,
    )  # fmt: skip
