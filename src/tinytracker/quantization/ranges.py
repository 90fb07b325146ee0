"""Which ranges a .tflite allows: some tensors share one, some have a fixed one, the output must never
saturate."""

from __future__ import annotations

from collections.abc import Sequence

from tinytracker.cards import InputSpec
from tinytracker.inputs import KINDS
from tinytracker.quantization.calibration import Ranges
from tinytracker.tflite.graph import Graph

# In TFLite's int8 specification these give out what they take in, with the same scale. A CONCATENATION with
# inputs of other scales would need a QUANTIZE before it.
SAME_SCALE = ("RESHAPE", "PAD", "SLICE", "STRIDED_SLICE", "MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION")
SIGNED_UNIT = (-1.0, 127 / 128)  # scale 1/128, zero point 0: int8 = pixel - 128 for pixels (p - 128) / 128
UNIT = (0.0, 255 / 256)  # scale 1/256, zero point -128
FIXED_OUTPUT = {"TANH": SIGNED_UNIT, "LOGISTIC": UNIT, "SOFTMAX": UNIT}
OUTPUT_MARGIN = 0.1  # of the calibrated span, on either side of a linear output
# A tensor that is (next to) always 0, such as a dead ReLU's: steps as fine as its span would overflow a
# kernel's rescaling.
DEAD_SPAN = 1e-5


def settle(graph: Graph, observed: Ranges, inputs: Sequence[InputSpec]) -> Ranges:
    """The ranges to quantise with: those observed, made to fit the format.

    graph: of the float .tflite. observed: for one tensor at least of every set that shares its range. inputs:
    in the order of its input tensors.

    Pictures and face boxes get [-1, 127/128], so that a host needs no arithmetic (a face box that reaches
    farther out of its frame widens that); a linear output is widened by a margin; every range contains 0,
    which padding needs exact.
    """
    names = {index: graph[index].name for index in graph.activations}
    ranges = {index: observed[name] for index, name in names.items() if name in observed}
    fixed: dict[int, tuple[float, float]] = {}
    for index, spec in zip(graph.inputs, inputs, strict=True):
        fixed[index] = input_range(spec, ranges.get(index, SIGNED_UNIT))
    for op in graph.ops:
        if op.kind in FIXED_OUTPUT:
            fixed[op.outputs[0]] = FIXED_OUTPUT[op.kind]
    if any(spec.kind == "last_output" for spec in inputs):
        fixed[graph.outputs[0]] = UNIT  # it becomes that input
    for index in graph.outputs:
        low, high = ranges[index]
        margin = OUTPUT_MARGIN * (high - low)
        ranges[index] = (low - margin, high + margin)
    settled: Ranges = {}
    for group in same_scale_groups(graph):
        given = [fixed[index] for index in group if index in fixed] or [
            ranges[index] for index in group if index in ranges
        ]
        low, high = min(0.0, *(low for low, _ in given)), max(0.0, *(high for _, high in given))
        if high - low < DEAD_SPAN:
            high = low + 1.0
        settled.update({names[index]: (low, high) for index in group})
    return settled


def same_scale_groups(graph: Graph) -> list[list[int]]:
    """The activations, in sets that must share scale and zero point (most sets have one member)."""
    group_of = {index: index for index in graph.activations}

    def root(index: int) -> int:
        while group_of[index] != index:
            index = group_of[index]
        return index

    for op in graph.ops:
        if op.kind in SAME_SCALE:
            for index in op.inputs:
                if index in group_of:  # not a constant
                    group_of[root(index)] = root(op.outputs[0])
    groups: dict[int, list[int]] = {}
    for index in group_of:
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def input_range(spec: InputSpec, observed: tuple[float, float] = SIGNED_UNIT) -> tuple[float, float]:
    """The range of an input tensor; `observed` widens a face box's."""
    if spec.kind in ("face_grid", "events"):
        return 0.0, 1.0
    if spec.kind == "last_output":
        return UNIT  # so that bytes can be handed on as they are
    if KINDS[spec.kind].box_of:
        return min(SIGNED_UNIT[0], observed[0]), max(SIGNED_UNIT[1], observed[1])
    return spec.pixel_offset, spec.pixel_offset + 255 * spec.pixel_scale
