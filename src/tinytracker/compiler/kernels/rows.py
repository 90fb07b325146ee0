"""Runs of convolutions, row by row: an inverted residual block, or a stem, without its wide tensors ever
being in memory.

Each layer of a run computes an output row as soon as the input rows under its window are there; in front of a
layer with a window lies a ring of just these rows, with a border of zero points to its left and right. Rows
keep the pixels of one channel side by side (HCW). The multiplications are `c/lanes.c`'s: two pixels in one
32-bit word, one 64-bit multiply-accumulate for both, which every core from Cortex-M3 up, and every host, has.
"""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.joined import Joined, joined
from tinytracker.compiler.kernels.lanes import can_use_lanes, tiles_of
from tinytracker.compiler.kernels.row_text import RunText
from tinytracker.compiler.kernels.runs import Run, other_operand, ring_layout, ring_of, terms_of
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op, macs

LONGEST_RUN = 5
MOST_ROWS = 8  # GM_ROWS of c/rows.c


class Rows:
    """One run: convolutions (of one group), depthwise convolutions, and last perhaps the ADD of a
    residual."""

    name = "rows"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        if not cpu.has_long_multiply:
            return []
        head = joined(graph, graph.ops[first])
        start = first if head is None else first + 1
        if start == len(graph.ops) or (head is not None and not _can_join(graph, first)):
            return []
        offers = []
        for count in range(1, LONGEST_RUN + 1):
            if start + count > len(graph.ops) or not self._continues(graph, start, start + count - 1):
                break
            source = graph.ops[first].inputs[0] if head is None else head.image
            layout = Layout.HWC if source in graph.inputs or head is not None else Layout.HCW
            if layout is Layout.HWC and ring_layout(graph, start, layout) is None:
                break
            offers.append(self._match(graph, start, count, source, layout, head))
        return offers

    @staticmethod
    def _continues(graph: Graph, first: int, last: int) -> bool:
        """Whether the run from `first` may go on with `last`."""
        op = graph.ops[last]
        if last > first:
            before = graph.ops[last - 1]
            if before.kind == "ADD" or graph.only_reader(before.outputs[0]) != last:
                return False
            if op.kind == "ADD":
                return _can_add(graph, first, last)
            if op.inputs[0] != before.outputs[0]:
                return False
        return can_row(graph, op)

    def _match(
        self, graph: Graph, start: int, count: int, source: int, layout: Layout, head: Joined | None
    ) -> Match:
        ops = graph.ops[start : start + count]
        output = ops[-1].outputs[0]
        reads = {source: layout}
        overwrites = {}
        if ops[-1].kind == "ADD":
            other = other_operand(ops[-1], ops[-2].outputs[0])
            reads[other] = Layout.HCW
            overwrites = {output: other}
        before = 0 if head is None else 1
        return Match(
            self,
            start - before,
            count + before,
            reads,
            {output: Layout.HCW},
            sum(_instructions(graph, op) for op in ops),
            tuple(_scratch(graph, ops, ring_layout(graph, start, layout) or layout)),
            overwrites,
            streams=ops[-1].kind != "ADD",
            note="; ".join(filter(None, ("row by row" if count > 1 else "", _slow(graph, ops)))),
            detail=Run(ops, source, head),
        )

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        run = match.detail
        assert isinstance(run, Run)
        text = RunText(graph, match, run, writer).text()
        if match.streams:
            return Step(row=text)
        height, width, channels = graph[run.source].hwc
        lines = "\n".join(f"    {line}" if line else line for line in text.splitlines())
        return Step(
            f"for (int32_t y = 0; y < {height}; y++) {{\n"
            f"    const int8_t *row = {writer.read_pointer(run.source)} + y * "
            f"{width * channels};\n{lines}\n}}"
        )


def _can_join(graph: Graph, first: int) -> bool:
    """Whether the CONCATENATION at `first` may be joined on the way into the ring of the convolution
    behind it."""
    op = graph.ops[first]
    after = graph.ops[first + 1]
    if graph.only_reader(op.outputs[0]) != first + 1 or after.kind != "CONV_2D" or not can_row(graph, after):
        return False
    return ring_of(graph, after, Layout.HWC) is not None


def can_row(graph: Graph, op: Op) -> bool:
    """Whether a layer can be a part of a run."""
    if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return False
    assert op.window is not None
    source, output = graph[op.inputs[0]], graph[op.outputs[0]]
    if op.kind == "CONV_2D" and graph[op.inputs[1]].shape[3] != source.shape[3]:
        return False
    if op.kind == "DEPTHWISE_CONV_2D" and output.shape[3] != source.shape[3]:
        return False
    return op.window.kernel[0] <= MOST_ROWS


def _can_add(graph: Graph, first: int, last: int) -> bool:
    """Whether an ADD's other operand is a whole tensor in memory by then, of the same shape."""
    op = graph.ops[last]
    fresh = graph.ops[last - 1].outputs[0]
    if fresh not in op.inputs or op.inputs[0] == op.inputs[1]:
        return False
    other = other_operand(op, fresh)
    inside = {number for inner in graph.ops[first:last] for number in inner.outputs}
    if graph[other].is_constant or other in inside or graph[other].shape != graph[op.outputs[0]].shape:
        return False
    # A row may overwrite the other operand's only if no earlier row of the run's input is still to be read.
    return (
        graph[op.outputs[0]].hwc[0] <= graph[graph.ops[first].inputs[0]].hwc[0] and other not in graph.inputs
    )


def _slow(graph: Graph, ops: tuple[Op, ...]) -> str:
    """For the report: what `c/lanes.c` cannot compute exactly."""
    places = [str(op.number) for op in ops if op.kind != "ADD" and not can_use_lanes(graph, op)]
    return f"layer {', '.join(places)} by plain sums, for exactness" if places else ""


def _instructions(graph: Graph, op: Op) -> int:
    """Estimated for a Cortex-M4 at -O2."""
    output = graph[op.outputs[0]]
    if op.kind == "ADD":
        return 45 * output.elements
    fast = can_use_lanes(graph, op)
    if op.kind == "DEPTHWISE_CONV_2D":
        return (4 if fast else 6) * macs(graph, op) + (20 if fast else 40) * output.elements
    if not fast:
        return 2 * macs(graph, op) + 50 * output.elements
    height, width, channels = output.hwc
    terms = macs(graph, op) // output.elements
    tiles = tiles_of(width, terms)
    return height * (terms * (channels * tiles.work + 6 * tiles.pairs) + 16 * channels * tiles.pairs * 2)


def _scratch(graph: Graph, ops: tuple[Op, ...], layout: Layout) -> list[Scratch]:
    scratch = []
    pairs = 0
    for index, op in enumerate(ops):
        if op.kind == "ADD":
            continue
        rows = layout if index == 0 else Layout.HCW
        ring = ring_of(graph, op, rows)
        if ring is not None:
            scratch.append(Scratch(f"ring{index}", ring.bytes))
        if op.kind == "CONV_2D":
            terms, width = terms_of(graph, op), graph[op.outputs[0]].hwc[1]
            pairs = max(pairs, terms * 4 * tiles_of(width, terms).widest)
        after = ops[index + 1] if index + 1 < len(ops) else None
        if after is not None and (after.kind == "ADD" or ring_of(graph, after, Layout.HCW) is None):
            _, width, channels = graph[op.outputs[0]].hwc
            scratch.append(Scratch(f"row{index}", width * channels))
    if pairs:
        scratch.append(Scratch("pairs", pairs))
    return scratch


KERNELS = (Rows(),)
