"""Operators whose inputs are all constants are computed now: what converters leave behind when they reshape weights or grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytracker.errors import TargetError
from tinytracker.targets.mcu.graph import Graph, Op
from tinytracker.targets.mcu.tables import table


def fold_constants(graph: Graph) -> Graph:
    """Raises TargetError for an operator on constants that is not one of those that move or map int8 values."""
    ops = []
    for op in graph.ops:
        if graph.data_inputs(op):
            ops.append(op)
            continue
        for number, values in zip(op.outputs, _compute(graph, op), strict=True):
            graph = graph.with_tensor(number, replace(graph[number], data=values.reshape(graph[number].shape)))
    return graph.with_ops(ops)


def _compute(graph: Graph, op: Op) -> list[np.ndarray]:
    attributes = op.attributes
    values = graph.constant(op.inputs[1] if op.kind == "SPLIT" else op.inputs[0])
    if op.kind == "RESHAPE":
        return [values]
    if op.kind == "TRANSPOSE":
        return [np.ascontiguousarray(values.transpose(attributes["permutation"]))]
    if op.kind in ("SLICE", "STRIDED_SLICE"):
        bounds = zip(attributes["begin"], attributes["end"], attributes["strides"], strict=True)
        return [values[tuple(slice(begin, end if end >= 0 else None, step) for begin, end, step in bounds)]]
    if op.kind == "SPLIT":
        return np.split(values, len(op.outputs), attributes["axis"])
    if op.kind == "CONCATENATION":
        return [np.concatenate([graph.constant(number) for number in op.inputs], attributes["axis"])]
    if op.kind == "PAD":
        pairs = list(zip(attributes["before"], attributes["after"], strict=True))
        return [np.pad(values, pairs, constant_values=graph[op.outputs[0]].zero_point)]
    mapped = table(graph, op) if op.kind in _MAPPED and values.dtype == np.int8 else None
    if mapped is None:
        raise TargetError(f"{op.layer} computes from constants alone; compute it beforehand and store the result")
    return [mapped[values.astype(np.int64) + 128]]


_MAPPED = ("RELU", "RELU6", "HARD_SWISH", "LOGISTIC", "TANH", "QUANTIZE")
