"""A float input that is quantised first, or an output turned into float last: the int8 values themselves
go in and out."""

from __future__ import annotations

from dataclasses import replace

from tinytracker.tflite.graph import Graph


def drop_float_ends(graph: Graph) -> Graph:
    """The graph between the QUANTIZEs of its float inputs and the DEQUANTIZEs of its float outputs."""
    ops = list(graph.ops)
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    for place, number in enumerate(inputs):
        readers = [op for op in ops if number in op.inputs]
        if graph[number].dtype == "float32" and len(readers) == 1 and readers[0].kind == "QUANTIZE":
            inputs[place] = readers[0].outputs[0]
            ops.remove(readers[0])
    for number in dict.fromkeys(outputs):  # once, where it is listed twice
        writers = [op for op in ops if number in op.outputs]
        if graph[number].dtype == "float32" and len(writers) == 1 and writers[0].kind == "DEQUANTIZE":
            outputs = [writers[0].inputs[0] if output == number else output for output in outputs]
            if not any(number in op.inputs for op in ops):
                ops.remove(writers[0])
    return replace(graph, inputs=tuple(inputs), outputs=tuple(outputs)).with_ops(ops)
