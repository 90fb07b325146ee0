"""A DEPTHWISE_CONV_2D of a single channel is a CONV_2D of it: converters write the first layer of a grey
picture so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytracker.tflite.graph import Graph, Op


def depthwise_of_one_channel(graph: Graph) -> Graph:
    """Makes a CONV_2D of each, for which there are faster kernels; both sum and requantise alike."""
    for op in graph.ops:
        if op.kind == "DEPTHWISE_CONV_2D" and graph[op.inputs[0]].shape[3] == 1:
            graph = _as_convolution(graph, op)
    return graph


def _as_convolution(graph: Graph, op: Op) -> Graph:
    weights = graph[op.inputs[1]]
    assert weights.quantization is not None
    turned = np.ascontiguousarray(graph.constant(op.inputs[1]).transpose(3, 1, 2, 0))
    number = graph.new_number()
    convolution = replace(op, kind="CONV_2D", inputs=(op.inputs[0], number, *op.inputs[2:]), attributes={})
    graph = graph.with_tensor(
        number,
        replace(weights, shape=turned.shape, data=turned, quantization=replace(weights.quantization, axis=0)),
    )
    return graph.with_ops([convolution if other is op else other for other in graph.ops])
