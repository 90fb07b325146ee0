"""A run of convolutions that is computed row by row (`rows`): its layers, and the rings between them."""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.compiler.kernels.joined import Joined
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op


@dataclass(frozen=True, slots=True)
class Ring:
    """The rows in front of a layer with a window. step: bytes from one channel to the next (HCW), where the
    border behind one is the border before the next; 1 in HWC. before: width of the left border, in pixels.
    slots: how many rows. outside: bytes of the row that stands for those outside the image."""

    step: int
    before: int
    slots: int
    slot_bytes: int
    outside: int

    @property
    def bytes(self) -> int:
        return self.slots * self.slot_bytes + self.outside


def ring_of(graph: Graph, op: Op, layout: Layout) -> Ring | None:
    """The ring in front of a layer, whose rows lie in `layout`; None if it looks at one pixel only."""
    assert op.window is not None
    window = op.window
    if window.is_point:
        return None
    _, width, channels = graph[op.inputs[0]].hwc
    out_width = graph[op.outputs[0]].hwc[1]
    reach = (out_width - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1
    before = window.before[1]
    after = max(reach - before - width, 0)
    slots = (window.kernel[0] - 1) * window.dilation[0] + 1
    full = before + width + after
    if layout is Layout.HWC:
        return Ring(1, before, slots, full * channels, full * channels)
    step = width + max(before, after)
    return Ring(step, before, slots, (channels - 1) * step + full, full)


def ring_layout(graph: Graph, first: int, layout: Layout) -> Layout | None:
    """How rows lie in front of a run's first layer that come in `layout`: a depthwise layer turns them on the
    way into its ring; None if it has no ring and could not read them."""
    op = graph.ops[first]
    assert op.window is not None
    if op.kind == "CONV_2D" or layout is Layout.HCW or graph[op.inputs[0]].hwc[2] == 1:
        return layout
    return None if op.window.is_point else Layout.HCW


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """ops: the layers; source: the tensor whose rows come in; head: what is joined to them before the
    first layer."""

    ops: tuple[Op, ...]
    source: int
    head: Joined | None


def other_operand(add: Op, fresh: int) -> int:
    """The input of an ADD that is not `fresh`."""
    return add.inputs[1] if add.inputs[0] == fresh else add.inputs[0]


def terms_of(graph: Graph, op: Op) -> int:
    """Products per output of a CONV_2D."""
    weights = graph[op.inputs[1]].shape
    return weights[1] * weights[2] * weights[3]
