"""Is a graph whole? Asked after every pass, in the tests and where `compile.VERIFY` is set: a pass that goes
wrong is found at its own door, not by a board's answers."""

from __future__ import annotations

from collections.abc import Iterator

from tinytracker.tflite.graph import Graph
from tinytracker.tflite.shapes import shape_fault


class WrongGraph(AssertionError):
    """A pass left a graph that no network can be: a fault of ours."""


def verify_pass(before: Graph, after: Graph, name: str) -> None:
    """Raises WrongGraph, naming the pass, unless `after` is whole and has the ends of `before`, as far as
    it was whole."""
    ends = [
        [(part[number].shape) for number in numbers]
        for part in (before, after)
        for numbers in (part.inputs, part.outputs)
    ]
    faults = [fault for fault in graph_faults(after) if fault not in set(graph_faults(before))]
    if ends[:2] != ends[2:]:
        faults.append(f"its ends were {ends[:2]} and are {ends[2:]}")
    if faults:
        raise WrongGraph(f"{after.name}, after {name}: {faults[0]}")


def graph_faults(graph: Graph) -> Iterator[str]:
    """What is wrong with a graph: tensors that are not there, are computed twice or too late, shapes that
    do not follow."""
    there = {*graph.inputs, *(number for number, tensor in graph.tensors.items() if tensor.is_constant)}
    for number, tensor in graph.tensors.items():
        if tensor.data is not None and (tensor.data.shape, str(tensor.data.dtype)) != (
            tensor.shape,
            tensor.dtype,
        ):
            yield f"tensor {number} ({tensor.name}) holds {tensor.data.dtype} {tensor.data.shape}"
    for op in graph.ops:
        missing = {*op.inputs, *op.outputs} - {-1} - set(graph.tensors)
        if missing:
            yield f"{op.layer} names tensors that are not there: {sorted(missing)}"
            continue
        if not {*op.inputs} - {-1} <= there:
            yield f"{op.layer} reads {sorted({*op.inputs} - {-1} - there)}, which nothing has computed yet"
        if there & {*op.outputs}:
            yield f"{op.layer} computes {sorted(there & {*op.outputs})} again"
        there |= {*op.outputs}
        if fault := shape_fault(graph, op):
            yield f"{op.layer} {fault}"
    if not {*graph.outputs} <= there:
        yield f"nothing computes its outputs {sorted({*graph.outputs} - there)}"
    if len({op.number for op in graph.ops}) < len(graph.ops):
        yield "two of its operators have one number"
