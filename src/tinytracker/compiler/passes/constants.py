"""Operators whose inputs are all constants are computed now: what converters leave behind when they
reshape weights or grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytracker.compiler.check import number_faults
from tinytracker.compiler.tables import table
from tinytracker.tflite.graph import Graph, Op
from tinytracker.tflite.shapes import shape_fault


def fold_constants(graph: Graph) -> Graph:
    """Of operators on constants alone, leaves those that do not move or map int8 values: `check` names
    them."""
    ops = []
    for op in graph.ops:
        folded = None if graph.data_inputs(op) or shape_fault(graph, op) else _compute(graph, op)
        if folded is None:
            ops.append(op)
            continue
        for number, values in zip(op.outputs, folded, strict=True):
            graph = graph.with_tensor(
                number, replace(graph[number], data=values.reshape(graph[number].shape))
            )
    return graph.with_ops(ops)


def _compute(graph: Graph, op: Op) -> list[np.ndarray] | None:
    """The outputs' values; None for an operator that is not one of those."""
    attributes = op.attributes
    if op.kind not in _MOVED and op.kind not in _MAPPED:
        return None
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
        quantization = graph[op.outputs[0]].quantization
        return [np.pad(values, pairs, constant_values=0 if quantization is None else quantization.zero_point)]
    if any(True for number in (op.inputs[0], op.outputs[0]) for _ in number_faults(graph[number])):
        return None
    mapped = table(graph, op)
    return None if mapped is None else [mapped[values.astype(np.int64) + 128]]


_MOVED = ("RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "CONCATENATION", "PAD")
_MAPPED = ("RELU", "RELU6", "HARD_SWISH", "LOGISTIC", "TANH", "QUANTIZE")
