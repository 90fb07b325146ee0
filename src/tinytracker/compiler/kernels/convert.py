"""Rearranging a tensor from one layout into another, where two kernels want different ones."""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.walks import merged, walk_record
from tinytracker.compiler.layout import Layout, steps
from tinytracker.tflite.graph import Graph


class Convert:
    """Never offered: the schedule puts it in. Its match covers no operator; it reads and writes the same
    tensor."""

    name = "rearranging"

    @classmethod
    def between(cls, graph: Graph, number: int, index: int, source: Layout, target: Layout) -> Match:
        """The step that brings a tensor from `source` to `target` in front of graph.ops[index]."""
        return Match(
            cls(),
            index,
            0,
            {number: source},
            {number: target},
            8 * graph[number].elements + 50,
            detail=number,
        )

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        return []

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        number = match.detail
        assert isinstance(number, int)
        source, target = match.reads[number], match.writes[number]
        hwc = graph[number].hwc
        lengths, (distances,) = merged(
            [hwc["HWC".index(axis)] for axis in target],
            [steps(source, hwc)["HWC".index(axis)] for axis in target],
        )
        writer.support("copy")
        walk = walk_record(writer, f"tensor{number}_{source}_{target}", lengths, distances)
        return Step(f"gm_copy(&{walk}, {writer.read_pointer(number)}, {writer.pointer(number)});")
