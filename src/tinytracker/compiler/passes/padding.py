"""PAD in front of a convolution becomes the convolution's own padding: both hold the input's zero point."""

from __future__ import annotations

from dataclasses import replace

from tinytracker.tflite.graph import Graph, Op


def fold_padding(graph: Graph) -> Graph:
    """Folds every PAD of height and width alone that only convolutions read."""
    ops: list[Op] = list(graph.ops)
    for pad in graph.ops:
        if pad.kind != "PAD" or not _is_spatial(pad) or pad.outputs[0] in graph.outputs:
            continue
        readers = [op for op in ops if pad.outputs[0] in op.inputs]
        if not all(op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D") for op in readers):
            continue
        source, padded = graph[pad.inputs[0]], graph[pad.outputs[0]]
        if (source.scale, source.zero_point) != (padded.scale, padded.zero_point):
            continue
        for op in readers:
            ops[ops.index(op)] = _with_padding(op, pad)
        ops.remove(pad)
    return graph.with_ops(ops)


def _is_spatial(pad: Op) -> bool:
    before, after = pad.attributes["before"], pad.attributes["after"]
    return (
        len(before) == 4 and before[0] == before[3] == after[0] == after[3] == 0 and min(before + after) >= 0
    )


def _with_padding(op: Op, pad: Op) -> Op:
    assert op.window is not None
    before, after = pad.attributes["before"], pad.attributes["after"]
    window = replace(
        op.window,
        before=(op.window.before[0] + before[1], op.window.before[1] + before[2]),
        after=(op.window.after[0] + after[1], op.window.after[1] + after[2]),
    )
    return replace(op, inputs=(pad.inputs[0], *op.inputs[1:]), window=window)
