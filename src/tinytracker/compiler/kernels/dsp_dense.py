"""Fully connected layers on ARMv7E-M: two products per instruction; requantised the plain way, so every
layer goes."""

from __future__ import annotations

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import channels_record, weights_of
from tinytracker.compiler.layout import Layout
from tinytracker.compiler.quant import requantization
from tinytracker.tflite.graph import Graph, macs

BEHIND = 8  # bytes read behind the last weights
PER_EIGHT, PER_OUTPUT, PER_INPUT = 13, 60, 10  # instructions


class Dense:
    """FULLY_CONNECTED; several rows of inputs one after the other."""

    name = "dsp dense"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "FULLY_CONNECTED" or not (cpu.has_dsp and cpu.has_unaligned):
            return []
        source, output = graph[op.inputs[0]], graph[op.outputs[0]]
        terms = weights_of(graph, op).shape[1]
        eights = -(-terms // 8)
        cost = (
            PER_EIGHT * eights * macs(graph, op) // terms
            + PER_OUTPUT * output.elements
            + PER_INPUT * source.elements
        )
        words = Scratch("words", 16 * eights)
        return [
            Match(self, first, 1, {op.inputs[0]: Layout.HWC}, {op.outputs[0]: Layout.HWC}, cost, (words,))
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        weights = weights_of(graph, op)
        channels, terms = weights.shape
        padded = np.concatenate([weights.reshape(-1), np.zeros(BEHIND, np.int8)])
        writer.assembly("dsp", "dsp_dot")
        writer.support("dsp_dense")
        layer = writer.record(
            "gm_channels", f"layer{op.number}", channels_record(writer, op, padded, requantization(graph, op))
        )
        source, output, words = (
            writer.pointer(op.inputs[0]),
            writer.pointer(op.outputs[0]),
            writer.scratch("words", "int32_t"),
        )
        rows = graph[op.inputs[0]].elements // terms
        if rows == 1:
            return Step(f"gm_dsp_dense(&{layer}, {source}, {terms}, {channels}, {words}, {output});")
        return Step(
            f"for (int32_t row = 0; row < {rows}; row++) {{\n"
            f"    gm_dsp_dense(&{layer}, {source} + row * {terms}, {terms}, {channels}, {words}, {output} + "
            f"row * {channels});\n"
            "}"
        )


KERNELS = (Dense(),)
