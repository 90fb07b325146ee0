"""Copy this file to write a kernel: what a kernel is stands in `kernels/__init__.py`, the way there in
docs/compiler.md.

It works as it is: a RELU6 that compares instead of looking up a table. `tests/compiler/test_template.py`
compiles with it and holds its bytes against TensorFlow Lite Micro's, as yours will be once it stands in
`kernels/all.py`.
"""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.layout import Layout
from tinytracker.compiler.quant import clamp_range
from tinytracker.tflite.graph import Activation, Graph

PER_ELEMENT = (
    5  # instructions on a Cortex-M, counted with `tinytracker bench mcu`: the schedule compares them
)


class Template:
    """What it computes, and what makes it worth having."""

    name = "template"  # as the report calls it

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        """[] for everything that is not this kernel's, or that it would not compute to the last bit."""
        op = graph.ops[first]
        if op.kind != "RELU6":
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = PER_ELEMENT * graph[output].elements
        # Element by element, so any layout will do, as long as it stays; and each is read before its place is
        # written.
        return [
            Match(self, first, 1, {source: layout}, {output: layout}, cost, overwrites={output: source})
            for layout in Layout
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        """The C of a step that `offers` offered, chosen by the schedule."""
        op = graph.ops[match.first]
        low, high = clamp_range(graph[op.inputs[0]], Activation.RELU6)
        writer.support("TEMPLATE")  # c/TEMPLATE.c comes along, and what it needs
        source, output = writer.pointer(op.inputs[0]), writer.pointer(op.outputs[0])
        return Step(f"gm_template({source}, {output}, {graph[op.outputs[0]].elements}, {low}, {high});")


KERNELS = (Template(),)  # of a real one: named in kernels/all.py
