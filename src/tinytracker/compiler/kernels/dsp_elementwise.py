"""Sums, products and maxima on ARMv7E-M."""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.fixedpoint import quantize_multiplier
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.dsp_words import GREATEST_SHIFT
from tinytracker.compiler.kernels.plain_elementwise import ANY_LAYOUT, sum_multipliers
from tinytracker.compiler.layout import Layout
from tinytracker.compiler.quant import HIGH, LOW, clamp_range
from tinytracker.tflite.graph import Graph, Op

EXACT = (1 << 30, 0)  # multiplier and shift of one half


def _half(zero_point: int, right: int) -> int:
    return ((2 * zero_point + 1) << right) >> 1


def _is_clamped(graph: Graph, op: Op) -> bool:
    return clamp_range(graph[op.outputs[0]], op.activation) != (LOW, HIGH)


class Sum:
    """ADD of two computed tensors of one shape."""

    name = "dsp sum"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "ADD" or not cpu.has_dsp or _is_clamped(graph, op) or len(graph.data_inputs(op)) != 2:
            return []
        output = op.outputs[0]
        if (
            any(graph[number].shape != graph[output].shape for number in op.inputs[:2])
            or _sum_fields(graph, op) is None
        ):
            return []
        dying = sorted(op.inputs[:2], key=lambda number: graph.only_reader(number) is None)
        cost = 17 * graph[output].elements + 30
        return [
            Match(
                self,
                first,
                1,
                dict.fromkeys(op.inputs[:2], layout),
                {output: layout},
                cost,
                overwrites={output: dying[0]},
            )
            for layout in (ANY_LAYOUT if len(graph[output].shape) == 4 else (Layout.HWC,))
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        found = _sum_fields(graph, op)
        assert found is not None
        (coarse, fine), fields = found
        writer.assembly("dsp", "dsp_sum")
        layer = writer.record("gm_dsp_sum_layer", f"layer{op.number}", initialiser(*fields))
        operands = (
            f"{writer.read_pointer(coarse)}, {writer.read_pointer(fine)}, {writer.pointer(op.outputs[0])}"
        )
        return Step(f"gm_dsp_sum(&{layer}, {operands}, {graph[op.outputs[0]].elements});")


def _sum_fields(graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, ...]] | None:
    """(the input of the coarser scale, the other), the numbers of a gm_dsp_sum_layer; None if they do not
    hold."""
    one, two, (multiplier, shift) = sum_multipliers(graph, op)
    pairs = [(op.inputs[0], one), (op.inputs[1], two)]
    if one != EXACT:
        pairs.reverse()
    (coarse, exact), (fine, (fine_multiplier, fine_shift)) = pairs
    same = (fine_multiplier, fine_shift) == EXACT
    if exact != EXACT or not (same or 1 <= -fine_shift <= 31) or not 1 <= -shift <= GREATEST_SHIFT:
        return None
    step = 1 << (22 if same else 21)
    return (coarse, fine), (
        graph[coarse].zero_point << 19,
        step,
        -graph[fine].zero_point * step,
        fine_multiplier,
        1 if same else -fine_shift,
        multiplier,
        _half(graph[op.outputs[0]].zero_point, -shift),
        -shift,
    )


class Product:
    """MUL of an image by one number per channel, or of two computed tensors of one shape."""

    name = "dsp product"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "MUL" or not cpu.has_dsp or _is_clamped(graph, op) or len(graph.data_inputs(op)) != 2:
            return []
        if not 1 <= -_product_multiplier(graph, op)[1] <= GREATEST_SHIFT:
            return []
        operands = _gated(graph, op)
        if operands is None:
            return []
        output = op.outputs[0]
        channels = graph[output].hwc[2]
        rows = 1 if graph[operands[1]].shape == graph[output].shape else graph[output].elements // channels
        cost = 13 * graph[output].elements + 35 * rows
        reads = dict.fromkeys(op.inputs[:2], Layout.HWC)
        return [
            Match(
                self,
                first,
                1,
                reads,
                {output: Layout.HWC},
                cost,
                overwrites={output: operands[0]},
                detail=(operands, rows),
            )
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        assert isinstance(match.detail, tuple)
        (image, gate), rows = match.detail
        multiplier, shift = _product_multiplier(graph, op)
        output = op.outputs[0]
        length = graph[output].elements // rows
        writer.assembly("dsp", "dsp_product")
        layer = writer.record(
            "gm_dsp_product_layer",
            f"layer{op.number}",
            initialiser(
                2 * graph[image].zero_point,
                graph[gate].zero_point,
                multiplier,
                _half(graph[output].zero_point, -shift),
                -shift,
            ),
        )
        a, b, out = writer.read_pointer(image), writer.read_pointer(gate), writer.pointer(output)
        if rows == 1:
            return Step(f"gm_dsp_product(&{layer}, {a}, {b}, {out}, {length});")
        return Step(
            f"for (int32_t at = 0; at < {rows * length}; at += {length}) {{\n"
            f"    gm_dsp_product(&{layer}, {a} + at, {b}, {out} + at, {length});\n}}"
        )


def _gated(graph: Graph, op: Op) -> tuple[int, int] | None:
    """(what has the output's shape, what has it too or one number per channel); None for other shapes."""
    output = graph[op.outputs[0]]
    for image, gate in (op.inputs[:2], op.inputs[1::-1]):
        if graph[image].shape == output.shape and (
            graph[gate].shape == output.shape
            or (
                len(output.shape) == 4
                and output.shape[0] == 1
                and graph[gate].shape == (1, 1, 1, output.shape[3])
            )
        ):
            return image, gate
    return None


def _product_multiplier(graph: Graph, op: Op) -> tuple[int, int]:
    first, second, output = graph[op.inputs[0]], graph[op.inputs[1]], graph[op.outputs[0]]
    return quantize_multiplier(first.scale * second.scale / output.scale)


class Most:
    """MAX_POOL_2D of two by two pixels, two apart."""

    name = "dsp maximum"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        window = op.window
        if (
            op.kind != "MAX_POOL_2D"
            or window is None
            or not (cpu.has_dsp and cpu.has_unaligned)
            or _is_clamped(graph, op)
        ):
            return []
        height, width, channels = graph[op.inputs[0]].hwc
        out_height, out_width, _ = graph[op.outputs[0]].hwc
        if (window.kernel, window.stride, window.before) != ((2, 2), (2, 2), (0, 0)) or channels % 4:
            return []
        if 2 * out_height > height or 2 * out_width > width:
            return []
        cost = out_height * (40 + out_width * (5 + 13 * channels // 4))
        return [Match(self, first, 1, {op.inputs[0]: Layout.HWC}, {op.outputs[0]: Layout.HWC}, cost)]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        _, width, channels = graph[op.inputs[0]].hwc
        out_height, out_width, _ = graph[op.outputs[0]].hwc
        row, source, output = width * channels, writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        writer.assembly("dsp", "dsp_most")
        return Step(
            f"for (int32_t y = 0; y < {out_height}; y++) {{\n"
            f"    gm_dsp_most({source} + y * {2 * row}, {row}, {channels}, {output} + y * "
            f"{out_width * channels}, "
            f"{channels // 4}, {out_width});\n}}"
        )


KERNELS = (Sum(), Product(), Most())
