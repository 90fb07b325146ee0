"""Plain convolutions and fully connected layers: every parameter there is, in TFLite's order of memory,
slowly."""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.channels import channels_record, initialiser, weights_of
from tinytracker.compiler.layout import Layout
from tinytracker.compiler.quant import requantization
from tinytracker.tflite.graph import Graph, Window, macs

PER_MAC, PER_OUTPUT = 7, 40  # instructions, counted on a Cortex-M4 at -O2, rounded up


def _match(kernel: PlainConvolution | PlainDepthwise | PlainDense, graph: Graph, first: int) -> list[Match]:
    op = graph.ops[first]
    source, output = op.inputs[0], op.outputs[0]
    cost = PER_MAC * macs(graph, op) + PER_OUTPUT * graph[output].elements
    return [Match(kernel, first, 1, {source: Layout.HWC}, {output: Layout.HWC}, cost)]


def _window_fields(window: Window) -> tuple[int, ...]:
    return (*window.kernel, *window.stride, *window.dilation, *window.before)


class PlainConvolution:
    name = "plain convolution"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        return _match(self, graph, first) if graph.ops[first].kind == "CONV_2D" else []

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source, output = graph[op.inputs[0]], graph[op.outputs[0]]
        assert op.window is not None
        writer.support("plain_conv")
        weights = weights_of(graph, op)
        groups = source.shape[3] // weights.shape[3]
        layer = writer.record(
            "gm_plain_conv_layer",
            f"layer{op.number}",
            initialiser(
                channels_record(writer, op, weights, requantization(graph, op)),
                *source.hwc,
                *output.hwc,
                *_window_fields(op.window),
                weights.shape[3],
                output.shape[3] // groups,
                source.zero_point,
            ),
        )
        return Step(
            f"gm_plain_conv(&{layer}, {writer.pointer(op.inputs[0])}, {writer.pointer(op.outputs[0])});"
        )


class PlainDepthwise:
    name = "plain depthwise"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        return _match(self, graph, first) if graph.ops[first].kind == "DEPTHWISE_CONV_2D" else []

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source, output = graph[op.inputs[0]], graph[op.outputs[0]]
        assert op.window is not None
        writer.support("plain_depthwise")
        layer = writer.record(
            "gm_plain_depthwise_layer",
            f"layer{op.number}",
            initialiser(
                channels_record(writer, op, weights_of(graph, op), requantization(graph, op)),
                *source.hwc,
                *output.hwc,
                *_window_fields(op.window),
                output.shape[3] // source.shape[3],
                source.zero_point,
            ),
        )
        return Step(
            f"gm_plain_depthwise(&{layer}, {writer.pointer(op.inputs[0])}, {writer.pointer(op.outputs[0])});"
        )


class PlainDense:
    """FULLY_CONNECTED: one weighted sum of all inputs per output; several rows of inputs one after the
    other."""

    name = "plain dense"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "FULLY_CONNECTED":
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = 4 * macs(graph, op) + PER_OUTPUT * graph[output].elements
        return [Match(self, first, 1, {source: Layout.HWC}, {output: Layout.HWC}, cost)]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        weights = weights_of(graph, op)
        channels, terms = weights.shape
        writer.support("plain_dense")
        record = channels_record(writer, op, weights, requantization(graph, op))
        layer = writer.record("gm_channels", f"layer{op.number}", record)
        source, output = writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        rows = graph[op.inputs[0]].elements // terms
        if rows == 1:
            return Step(f"gm_plain_dense(&{layer}, {source}, {terms}, {channels}, {output});")
        return Step(
            f"for (int32_t row = 0; row < {rows}; row++) {{\n"
            f"    gm_plain_dense(&{layer}, {source} + row * {terms}, {terms}, {channels}, {output} + row * "
            f"{channels});\n"
            "}"
        )


KERNELS = (PlainConvolution(), PlainDepthwise(), PlainDense())
