"""Runs of convolutions, row by row: an inverted residual block, or a stem, without its wide tensors ever
being in memory.

Each layer of a run computes an output row as soon as the input rows under its window are there; in front of a
layer with a window lies a ring of just these rows, with a border of zero points to its left and right. Rows
keep the pixels of one channel side by side (HCW). The multiplications are `c/lanes.c`'s: two pixels in one
32-bit word, one 64-bit multiply-accumulate for both, which every core from Cortex-M3 up, and every host, has.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.joined import Joined, joined
from tinytracker.compiler.kernels.lanes import any_record, can_use_lanes, lane_record, tiles_of
from tinytracker.compiler.kernels.plain_elementwise import sum_fields
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op, macs

LONGEST_RUN = 5
MOST_ROWS = 8  # GM_ROWS of c/rows.c


@dataclass(frozen=True, slots=True)
class Ring:
    """The rows in front of a layer with a window. step: bytes from one channel to the next (HCW), where the
    border behind one is the border before the next; 1 in HWC. before: width of the left border, in pixels.
    slots: how many rows. outside: bytes of the row that stands for those outside the image."""

    step: int
    before: int
    slots: int
    slot_bytes: int
    outside: int

    @property
    def bytes(self) -> int:
        return self.slots * self.slot_bytes + self.outside


def ring_of(graph: Graph, op: Op, layout: Layout) -> Ring | None:
    """The ring in front of a layer, whose rows lie in `layout`; None if it looks at one pixel only."""
    assert op.window is not None
    window = op.window
    if window.is_point:
        return None
    _, width, channels = graph[op.inputs[0]].hwc
    out_width = graph[op.outputs[0]].hwc[1]
    reach = (out_width - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1
    before = window.before[1]
    after = max(reach - before - width, 0)
    slots = (window.kernel[0] - 1) * window.dilation[0] + 1
    full = before + width + after
    if layout is Layout.HWC:
        return Ring(1, before, slots, full * channels, full * channels)
    step = width + max(before, after)
    return Ring(step, before, slots, (channels - 1) * step + full, full)


def ring_layout(graph: Graph, first: int, layout: Layout) -> Layout | None:
    """How rows lie in front of a run's first layer that come in `layout`: a depthwise layer turns them on the
    way into its ring; None if it has no ring and could not read them."""
    op = graph.ops[first]
    assert op.window is not None
    if op.kind == "CONV_2D" or layout is Layout.HCW or graph[op.inputs[0]].hwc[2] == 1:
        return layout
    return None if op.window.is_point else Layout.HCW


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """ops: the layers; source: the tensor whose rows come in; head: what is joined to them before the
    first layer."""

    ops: tuple[Op, ...]
    source: int
    head: Joined | None


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
        text = _RunText(graph, match, run, writer).text()
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


def other_operand(add: Op, fresh: int) -> int:
    """The input of an ADD that is not `fresh`."""
    return add.inputs[1] if add.inputs[0] == fresh else add.inputs[0]


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
            pairs = max(
                pairs, _terms(graph, op) * 4 * tiles_of(graph[op.outputs[0]].hwc[1], _terms(graph, op)).widest
            )
        after = ops[index + 1] if index + 1 < len(ops) else None
        if after is not None and (after.kind == "ADD" or ring_of(graph, after, Layout.HCW) is None):
            _, width, channels = graph[op.outputs[0]].hwc
            scratch.append(Scratch(f"row{index}", width * channels))
    if pairs:
        scratch.append(Scratch("pairs", pairs))
    return scratch


def _terms(graph: Graph, op: Op) -> int:
    """Products per output of a CONV_2D."""
    weights = graph[op.inputs[1]].shape
    return weights[1] * weights[2] * weights[3]


class _RunText:
    """Writes the C of one row of a run: each layer's loop over the output rows that have become ready lies
    in the one before."""

    def __init__(self, graph: Graph, match: Match, run: Run, writer: Writer) -> None:
        self._graph, self._run, self._ops, self._writer = graph, run, run.ops, writer
        self._lines: list[str] = []
        self._depth = 0
        self._source_layout = match.reads[run.source]
        self._start = match.first + (0 if run.head is None else 1)

    def text(self) -> str:
        layout = ring_layout(self._graph, self._start, self._source_layout)
        assert layout is not None
        self._borders(layout)
        self._layer(0, "row", "y", layout)
        while self._depth:
            self._depth -= 1
            self._line("}")
        return "\n".join(self._lines)

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    def _borders(self, layout: Layout) -> None:
        """Fills every ring with zero points before the first row."""
        rings = [
            (index, ring, self._graph[op.inputs[0]].zero_point)
            for index, op in enumerate(self._ops)
            if op.kind != "ADD"
            and (ring := ring_of(self._graph, op, layout if index == 0 else Layout.HCW)) is not None
        ]
        if not rings:
            return
        self._writer.support("fill")
        self._line("if (y == 0) {")
        for index, ring, zero in rings:
            self._line(f"    gm_fill({self._writer.scratch(f'ring{index}')}, {zero}, {ring.bytes});")
        self._line("}")

    def _layer(self, index: int, row: str, y: str, layout: Layout) -> None:
        """Layer `index` of the run gets input row `row` (a C expression), number `y`."""
        op = self._ops[index]
        self._line(f"/* {op.layer} */")
        if op.kind == "ADD":
            self._add(index, row, y)
            return
        graph, writer = self._graph, self._writer
        _, width, channels = graph[op.inputs[0]].hwc
        ring = ring_of(graph, op, layout)
        if ring is None:
            writer.support("one_row")
            self._line(f"gm_rows rows{index} = gm_one_row({row}, {1 if layout is Layout.HWC else width});")
            out_y = y
        else:
            if index == 0:
                self._into_ring(ring, row, y, layout, width, channels)
            writer.support("window")
            window = self._window(op, ring, layout)
            place = writer.scratch(f"ring{index}")
            out_y = f"y{index}"
            self._line(
                f"for (int32_t {out_y} = gm_ready(&{window}, {y} - 1); {out_y} < gm_ready(&{window}, {y}); "
                f"{out_y}++) {{"
            )
            self._depth += 1
            outside = f"{place} + {ring.slots * ring.slot_bytes}"
            self._line(f"gm_rows rows{index} = gm_window_rows(&{window}, {place}, {outside}, {out_y});")
        out, step, following = self._destination(index, out_y)
        self._compute(index, op, layout, out, step)
        if following:
            self._layer(index + 1, out, out_y, Layout.HCW)

    def _into_ring(self, ring: Ring, row: str, y: str, layout: Layout, width: int, channels: int) -> None:
        """Lays a row from outside the run between its border."""
        writer = self._writer
        slot = f"{writer.scratch('ring0')} + {y} % {ring.slots} * {ring.slot_bytes}"
        if self._run.head is not None:
            self._join(self._run.head, f"{slot} + {ring.before * channels}", row, y, width, channels)
            return
        if layout is not self._source_layout:
            writer.support("turn")
            self._line(f"gm_turn({row}, {width}, {channels}, {slot} + {ring.before}, {ring.step});")
            return
        writer.support("block_copy")
        if layout is Layout.HWC:
            place, length = ring.before * channels, width * channels
            self._line(f"gm_block_copy({row}, 0, {slot} + {place}, 0, {length}, 1);")
        else:
            self._line(
                f"gm_block_copy({row}, {width}, {slot} + {ring.before}, {ring.step}, {width}, {channels});"
            )

    def _join(self, head: Joined, place: str, row: str, y: str, width: int, channels: int) -> None:
        """Lays the image's channels and the constant ones side by side."""
        writer = self._writer
        writer.support("block_copy")
        self._line(
            f"gm_block_copy({row}, {head.depth}, {place} + {head.first_channel}, {channels}, {head.depth}, "
            f"{width});"
        )
        for constant in head.constants:
            table = writer.table(f"layer{self._ops[0].number}_channel{constant.channel}", constant.values)
            at = f"{table} + {y} * {constant.y_step}" if constant.y_step else table
            self._line(
                f"gm_block_copy({at}, {constant.x_step}, {place} + {constant.channel}, {channels}, 1, "
                f"{width});"
            )

    def _window(self, op: Op, ring: Ring, layout: Layout) -> str:
        assert op.window is not None
        window, graph = op.window, self._graph
        steps = (1, 1) if layout is Layout.HWC else (ring.step, 0)
        return self._writer.record(
            "gm_window",
            f"layer{op.number}_window",
            initialiser(
                graph[op.inputs[0]].hwc[0],
                graph[op.outputs[0]].hwc[0],
                window.kernel[0],
                window.stride[0],
                window.dilation[0],
                window.before[0],
                ring.slots,
                ring.slot_bytes,
                *steps,
            ),
        )

    def _destination(self, index: int, out_y: str) -> tuple[str, int, bool]:
        """Where layer `index` writes its row: C expression, bytes from channel to channel, whether a layer
        follows."""
        graph, writer = self._graph, self._writer
        op = self._ops[index]
        _, width, channels = graph[op.outputs[0]].hwc
        if index + 1 == len(self._ops):
            return f"{writer.pointer(op.outputs[0])} + {out_y} * {width * channels}", width, False
        after = self._ops[index + 1]
        ring = None if after.kind == "ADD" else ring_of(graph, after, Layout.HCW)
        if ring is None:
            return writer.scratch(f"row{index}"), width, True
        place = writer.scratch(f"ring{index + 1}")
        return f"{place} + {out_y} % {ring.slots} * {ring.slot_bytes} + {ring.before}", ring.step, True

    def _compute(self, index: int, op: Op, layout: Layout, out: str, step: int) -> None:
        graph, writer, window = self._graph, self._writer, op.window
        assert window is not None
        _, width, channels = graph[op.outputs[0]].hwc
        fast = can_use_lanes(graph, op)
        channel_fields = (lane_record if fast else any_record)(writer, graph, op)
        stem = f"layer{op.number}"
        if op.kind == "DEPTHWISE_CONV_2D":
            small = window.kernel == (3, 3) and window.dilation[1] == 1
            function = "row_depthwise_any" if not fast else "row_depthwise_3x3" if small else "row_depthwise"
            record = "gm_row_depthwise_layer" if fast else "gm_row_depthwise_any_layer"
            fields = initialiser(
                channel_fields, *window.kernel, window.stride[1], window.dilation[1], channels, width
            )
            writer.support(function)
            layer = writer.record(record, stem, fields)
            self._line(f"gm_{function}(&{layer}, &rows{index}, {out}, {step});")
            return
        depth = graph[op.inputs[0]].hwc[2]
        pixel = depth if layout is Layout.HWC else 1
        distances = (pixel * window.stride[1], pixel * window.dilation[1])
        tiles = tiles_of(width, _terms(graph, op))
        function = "row_conv" if fast else "row_conv_any"
        cut = (tiles.fours, tiles.threes) if fast else ()
        fields = initialiser(
            channel_fields, depth, *window.kernel, *distances, _terms(graph, op), channels, width, *cut
        )
        writer.support(function)
        layer = writer.record(f"gm_{function}_layer", stem, fields)
        self._line(
            f"gm_{function}(&{layer}, &rows{index}, {writer.scratch('pairs', 'int32_t')}, {out}, {step});"
        )

    def _add(self, index: int, row: str, y: str) -> None:
        graph, writer = self._graph, self._writer
        op = self._ops[index]
        fresh = self._ops[index - 1].outputs[0]
        _, width, channels = graph[op.outputs[0]].hwc
        length = width * channels
        writer.support("sum_all")
        layer = writer.record("gm_sum_layer", f"layer{op.number}", sum_fields(graph, op))
        other = f"{writer.read_pointer(other_operand(op, fresh))} + {y} * {length}"
        operands = (row, other) if op.inputs[0] == fresh else (other, row)
        self._line(
            f"gm_sum_all(&{layer}, {operands[0]}, {operands[1]}, {writer.pointer(op.outputs[0])} + {y} * "
            f"{length}, {length});"
        )


KERNELS = (Rows(),)
