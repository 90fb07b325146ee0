"""Plain pooling and means."""

from __future__ import annotations

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.fixedpoint import quantize_multiplier
from tinytracker.compiler.kernels import Match, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.walks import merged, strides_of, walk_record
from tinytracker.compiler.layout import Layout, steps
from tinytracker.compiler.quant import clamp_range
from tinytracker.tflite.graph import Graph

_FUNCTIONS = {"AVERAGE_POOL_2D": "average_pool", "MAX_POOL_2D": "max_pool"}


class PlainPool:
    name = "plain pooling"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind not in _FUNCTIONS:
            return []
        assert op.window is not None
        looks = op.window.kernel[0] * op.window.kernel[1]
        cost = graph[op.outputs[0]].elements * (12 * looks + 30)
        return [
            Match(self, first, 1, {op.inputs[0]: layout}, {op.outputs[0]: layout}, cost) for layout in Layout
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source, output, window = graph[op.inputs[0]], graph[op.outputs[0]], op.window
        assert window is not None
        function = _FUNCTIONS[op.kind]
        writer.support(f"plain_{function}")
        layer = writer.record(
            "gm_pool_layer",
            f"layer{op.number}",
            initialiser(
                *source.hwc,
                *output.hwc[:2],
                *window.kernel,
                *window.stride,
                *window.before,
                *clamp_range(output, op.activation),
                *steps(match.reads[op.inputs[0]], source.hwc),
                *steps(match.writes[op.outputs[0]], output.hwc),
            ),
        )
        return Step(
            f"gm_{function}(&{layer}, {writer.pointer(op.inputs[0])}, {writer.pointer(op.outputs[0])});"
        )


def mean_multiplier(scale_in: float, scale_out: float, count: int) -> tuple[int, int]:
    """(multiplier, shift) of a MEAN over `count` elements. Source: TFLM's reduce.h, QuantizedMeanOrSum."""
    multiplier, shift = quantize_multiplier(scale_in / scale_out)
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


class PlainMean:
    name = "plain mean"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        op = graph.ops[first]
        if op.kind != "MEAN":
            return []
        source, output = op.inputs[0], op.outputs[0]
        cost = 10 * graph[source].elements + 60 * graph[output].elements
        spatial = (
            op.attributes["axes"] == (1, 2) and len(graph[source].shape) == 4 and graph[source].shape[0] == 1
        )
        return [
            Match(self, first, 1, {source: layout}, {output: Layout.HWC}, cost)
            for layout in (Layout if spatial else (Layout.HWC,))
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        op = graph.ops[match.first]
        source, output = graph[op.inputs[0]], graph[op.outputs[0]]
        writer.support("mean")
        shape, axes = source.shape, op.attributes["axes"]
        strides = strides_of(shape)
        if len(shape) == 4 and shape[0] == 1:
            strides = [0, *steps(match.reads[op.inputs[0]], source.hwc)]
        kept = merged(
            [shape[axis] for axis in range(len(shape)) if axis not in axes],
            [strides[axis] for axis in range(len(shape)) if axis not in axes],
        )
        summed = merged([shape[axis] for axis in axes], [strides[axis] for axis in axes])
        count = source.elements // output.elements
        multiplier, shift = mean_multiplier(source.scale, output.scale, count)
        lengths = [1] * (3 - len(kept[0])) + kept[0] + [1] * (2 - len(summed[0])) + summed[0]
        distances = [0] * (3 - len(kept[0])) + kept[1][0] + [0] * (2 - len(summed[0])) + summed[1][0]
        walk = walk_record(writer, f"layer{op.number}_walk", lengths, distances)
        layer = writer.record(
            "gm_mean_layer",
            f"layer{op.number}",
            initialiser(source.zero_point * count, multiplier, shift, output.zero_point),
        )
        return Step(
            f"gm_mean(&{layer}, &{walk}, {writer.pointer(op.inputs[0])}, {writer.pointer(op.outputs[0])});"
        )


KERNELS = (PlainPool(), PlainMean())
