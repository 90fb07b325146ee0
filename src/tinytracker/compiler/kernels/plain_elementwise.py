"""Plain operators element by element: tables, sums, products, softmax."""

from __future__ import annotations

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.fixedpoint import quantize_multiplier
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.walks import broadcast_strides, fits, merged, walk_record
from tinytracker.compiler.layout import Layout, arrange, steps
from tinytracker.compiler.quant import clamp_range
from tinytracker.compiler.tables import softmax_exponents, table
from tinytracker.tflite.graph import Graph, Op

ANY_LAYOUT = (Layout.HWC, Layout.HCW, Layout.CHW)


class Table:
    """One int8 in, one out: 256 bytes of flash, three instructions."""

    name = "table"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if table(graph, op) is None:
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = 7 * graph[source].elements
        return [
            Match(self, first, 1, {source: layout}, {output: layout}, cost, overwrites={output: source})
            for layout in ANY_LAYOUT
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        values = table(graph, op)
        assert values is not None
        writer.support("table")
        name = writer.table(f"layer{op.number}_table", values)
        source, output = writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        return Step(f"gm_table({name}, {source}, {output}, {graph[op.inputs[0]].elements});")


def sum_multipliers(graph: Graph, op: Op) -> list[tuple[int, int]]:
    """(multiplier, shift) of an ADD's or SUB's inputs and output. Sources: TFLM's add_common.cc and, since
    2026-10-17 in double too, sub_common.cc."""
    first, second, output = graph[op.inputs[0]], graph[op.inputs[1]], graph[op.outputs[0]]
    double = 2 * max(first.scale, second.scale)
    return [
        quantize_multiplier(real)
        for real in (first.scale / double, second.scale / double, double / ((1 << 20) * output.scale))
    ]


def sum_fields(graph: Graph, op: Op) -> str:
    """C text of a gm_sum_layer."""
    first, second, output = graph[op.inputs[0]], graph[op.inputs[1]], graph[op.outputs[0]]
    (m1, s1), (m2, s2), (m3, s3) = sum_multipliers(graph, op)
    low, high = clamp_range(output, op.activation)
    sign = -1 if op.kind == "SUB" else 1
    return initialiser(
        first.zero_point, m1, -s1, second.zero_point, m2, -s2, sign, m3, -s3, output.zero_point, low, high
    )


def product_fields(graph: Graph, op: Op) -> str:
    """C text of a gm_product_layer. Source: TFLM's mul_common.cc."""
    first, second, output = graph[op.inputs[0]], graph[op.inputs[1]], graph[op.outputs[0]]
    multiplier, shift = quantize_multiplier(first.scale * second.scale / output.scale)
    low, high = clamp_range(output, op.activation)
    return initialiser(first.zero_point, second.zero_point, multiplier, shift, output.zero_point, low, high)


class Pairwise:
    """ADD, SUB and MUL of two arrays or an array and a smaller one that is repeated; either may be a
    constant."""

    name = "element by element"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind not in ("ADD", "SUB", "MUL"):
            return []
        output = op.outputs[0]
        if not fits(_pair_walk(graph, op, Layout.HWC)[0]):
            return []
        computed = graph.data_inputs(op)
        cost = (35 if op.kind == "MUL" else 45) * graph[output].elements
        images = all(
            len(graph[number].shape) == 4 and graph[number].shape[0] == 1
            for number in (*op.inputs[:2], output)
        )
        of_same_shape = [number for number in computed if graph[number].shape == graph[output].shape]
        of_same_shape.sort(key=lambda number: graph.only_reader(number) is None)  # those that die here first
        overwrites = dict.fromkeys([output], of_same_shape[0]) if of_same_shape else {}
        return [
            Match(
                self,
                first,
                1,
                {number: layout for number in computed},
                {output: layout},
                cost,
                overwrites=overwrites,
            )
            for layout in (ANY_LAYOUT if images else (Layout.HWC,))
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        stem = f"layer{op.number}"
        a, b = (
            _operand(graph, number, stem, writer, match.writes[op.outputs[0]]) for number in op.inputs[:2]
        )
        output = writer.pointer(op.outputs[0])
        layout = match.writes[op.outputs[0]]
        lengths, (first, second) = _pair_walk(graph, op, layout)
        if op.kind == "MUL":
            writer.support("product")
            layer = writer.record("gm_product_layer", stem, product_fields(graph, op))
            walk = walk_record(writer, f"{stem}_walk", lengths, first, second)
            return Step(f"gm_product_walk(&{layer}, &{walk}, {a}, {b}, {output});")
        if first == second == [1]:
            writer.support("sum_all")
            layer = writer.record("gm_sum_layer", stem, sum_fields(graph, op))
            return Step(f"gm_sum_all(&{layer}, {a}, {b}, {output}, {lengths[0]});")
        writer.support("sum_walk")
        layer = writer.record("gm_sum_layer", stem, sum_fields(graph, op))
        walk = walk_record(writer, f"{stem}_walk", lengths, first, second)
        return Step(f"gm_sum_walk(&{layer}, &{walk}, {a}, {b}, {output});")


def _pair_walk(graph: Graph, op: Op, layout: Layout) -> tuple[list[int], list[list[int]]]:
    """The walk through both operands in the order of the output in `layout`."""
    output = graph[op.outputs[0]]
    if layout is Layout.HWC:
        return merged(
            output.shape, *(broadcast_strides(graph[number].shape, output.shape) for number in op.inputs[:2])
        )
    order = ["HWC".index(axis) for axis in layout]
    walks = []
    for number in op.inputs[:2]:
        hwc = graph[number].hwc
        distances = [0 if length == 1 else step for length, step in zip(hwc, steps(layout, hwc), strict=True)]
        walks.append([distances[axis] for axis in order])
    return merged([output.hwc[axis] for axis in order], *walks)


def _operand(graph: Graph, number: int, stem: str, writer: Writer, layout: Layout) -> str:
    tensor = graph[number]
    if tensor.data is None:
        return writer.pointer(number)
    data = tensor.data.astype(np.int8)
    return writer.table(f"{stem}_constant", data if layout is Layout.HWC else arrange(data[0], layout))


class Softmax:
    name = "softmax"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "SOFTMAX":
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = 60 * graph[source].elements + 200
        return [
            Match(
                self, first, 1, {source: Layout.HWC}, {output: Layout.HWC}, cost, overwrites={output: source}
            )
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source = graph[op.inputs[0]]
        writer.support("softmax")
        exponents = writer.table(
            f"layer{op.number}_exponents", softmax_exponents(source, op.attributes["beta"])
        )
        depth = source.shape[-1]
        return Step(
            f"gm_softmax({exponents}, {writer.pointer(op.inputs[0])}, {writer.pointer(op.outputs[0])}, "
            f"{depth}, {source.elements // depth});"
        )


KERNELS = (Table(), Pairwise(), Softmax())
