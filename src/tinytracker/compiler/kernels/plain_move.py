"""Plain operators that only move elements: reshape, transpose, slice, split, concatenation, padding."""

from __future__ import annotations

from math import prod

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.walks import fits, merged, strides_of, walk_record
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph

PER_ELEMENT = 8


class Reshape:
    """No work: the same bytes under another shape."""

    name = "same bytes"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "RESHAPE":
            return []
        source, output = op.inputs[0], op.outputs[0]
        return [Match(self, first, 1, {source: Layout.HWC}, {output: Layout.HWC}, 0, views={output: source})]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        return Step()


class Rearrange:
    """TRANSPOSE and STRIDED_SLICE, and each output of a SPLIT: a walk through the input."""

    name = "rearranging"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind not in ("TRANSPOSE", "STRIDED_SLICE", "SLICE", "SPLIT"):
            return []
        if not all(fits(self._walk(graph, first, place)[0]) for place in range(len(op.outputs))):
            return []
        source = op.inputs[1] if op.kind == "SPLIT" else op.inputs[0]
        cost = PER_ELEMENT * sum(graph[output].elements for output in op.outputs)
        return [
            Match(self, first, 1, {source: Layout.HWC}, {output: Layout.HWC for output in op.outputs}, cost)
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source = writer.pointer(op.inputs[1] if op.kind == "SPLIT" else op.inputs[0])
        writer.support("copy")
        lines = []
        for place, output in enumerate(op.outputs):
            lengths, steps, begin = self._walk(graph, match.first, place)
            walk = walk_record(writer, f"layer{op.number}_walk{place}", lengths, steps)
            lines.append(
                f"gm_copy(&{walk}, {source}{f' + {begin}' if begin else ''}, {writer.pointer(output)});"
            )
        return Step("\n".join(lines))

    @staticmethod
    def _walk(graph: Graph, first: int, place: int) -> tuple[list[int], list[int], int]:
        """Lengths and steps of the walk, and where it begins."""
        op = graph.ops[first]
        shape = graph[op.inputs[1] if op.kind == "SPLIT" else op.inputs[0]].shape
        strides = strides_of(shape)
        if op.kind == "TRANSPOSE":
            order = op.attributes["permutation"]
            lengths, (steps,) = merged([shape[axis] for axis in order], [strides[axis] for axis in order])
            return lengths, steps, 0
        if op.kind == "SPLIT":
            axis = op.attributes["axis"]
            part = graph[op.outputs[place]].shape
            lengths, (steps,) = merged(part, strides)
            return lengths, steps, place * part[axis] * strides[axis]
        begin, end, jumps = (op.attributes[name] for name in ("begin", "end", "strides"))
        counts = [
            max(0, -((start - stop) // jump)) for start, stop, jump in zip(begin, end, jumps, strict=True)
        ]
        lengths, (steps,) = merged(
            counts, [stride * jump for stride, jump in zip(strides, jumps, strict=True)]
        )
        return lengths, steps, sum(start * stride for start, stride in zip(begin, strides, strict=True))


class Concatenate:
    name = "concatenation"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "CONCATENATION":
            return []
        output = op.outputs[0]
        reads = dict.fromkeys(graph.data_inputs(op), Layout.HWC)
        return [Match(self, first, 1, reads, {output: Layout.HWC}, PER_ELEMENT * graph[output].elements)]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        output = graph[op.outputs[0]]
        axis = op.attributes["axis"]
        blocks, inner = prod(output.shape[:axis]), prod(output.shape[axis + 1 :])
        writer.support("block_copy")
        lines, begin = [], 0
        for number in op.inputs:
            tensor = graph[number]
            source = (
                writer.pointer(number)
                if tensor.data is None
                else writer.table(f"layer{op.number}_constant", tensor.data.astype(np.int8))
            )
            length = tensor.shape[axis] * inner
            place = f"{writer.pointer(op.outputs[0])}{f' + {begin}' if begin else ''}"
            lines.append(
                f"gm_block_copy({source}, {length}, {place}, {output.shape[axis] * inner}, {length}, "
                f"{blocks});"
            )
            begin += length
        return Step("\n".join(lines))


class Pad:
    """A border of the input's zero point."""

    name = "padding"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind not in ("PAD", "PADV2") or not fits(self._walk(graph, first)[0]):
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = PER_ELEMENT * (graph[source].elements + graph[output].elements)
        return [Match(self, first, 1, {source: Layout.HWC}, {output: Layout.HWC}, cost)]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source, output = writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        lengths, steps, begin = self._walk(graph, match.first)
        writer.support("fill", "scatter")
        walk = walk_record(writer, f"layer{op.number}_walk", lengths, steps)
        value = (
            int(graph.constant(op.inputs[2]).reshape(-1)[0])
            if op.kind == "PADV2"
            else graph[op.outputs[0]].zero_point
        )
        return Step(
            f"gm_fill({output}, {value}, {graph[op.outputs[0]].elements});\n"
            f"gm_scatter(&{walk}, {source}, {output}{f' + {begin}' if begin else ''});"
        )

    @staticmethod
    def _walk(graph: Graph, first: int) -> tuple[list[int], list[int], int]:
        op = graph.ops[first]
        strides = strides_of(graph[op.outputs[0]].shape)
        lengths, (steps,) = merged(graph[op.inputs[0]].shape, strides)
        return (
            lengths,
            steps,
            sum(before * stride for before, stride in zip(op.attributes["before"], strides, strict=True)),
        )


KERNELS = (Reshape(), Rearrange(), Concatenate(), Pad())
