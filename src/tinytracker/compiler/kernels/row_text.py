"""The C of one row of a run (`rows`): each layer's loop over the output rows that have become ready lies in
the one before."""

from __future__ import annotations

from tinytracker.compiler.kernels import Match, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.joined import Joined
from tinytracker.compiler.kernels.lanes import any_record, can_use_lanes, lane_record, tiles_of
from tinytracker.compiler.kernels.plain_elementwise import sum_fields
from tinytracker.compiler.kernels.runs import Ring, Run, other_operand, ring_layout, ring_of, terms_of
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op


class RunText:
    """Writes it."""

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
        tiles = tiles_of(width, terms_of(graph, op))
        function = "row_conv" if fast else "row_conv_any"
        cut = (tiles.fours, tiles.threes) if fast else ()
        fields = initialiser(
            channel_fields, depth, *window.kernel, *distances, terms_of(graph, op), channels, width, *cut
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
