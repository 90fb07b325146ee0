"""Is a .tflite integer from its input to its output, without detours?"""

from __future__ import annotations

from tinytracker.errors import TargetError
from tinytracker.tflite.graph import Graph, Op
from tinytracker.tflite.read import read_graph

# What a converter leaves behind when layouts or number formats do not fit; no integer target wants to meet
# them.
UNWANTED = ("TRANSPOSE", "PAD", "PADV2", "QUANTIZE", "DEQUANTIZE")


def check_integer(content: bytes, name: str) -> None:
    """Raises TargetError, naming the operators, unless a .tflite is integer from input to output without
    detours."""
    graph = read_graph(content, name)
    unwanted = sorted(
        {op.kind for op in graph.ops if op.kind in UNWANTED and not _pads_convolutions(op, graph)}
    )
    floats = sorted(
        {
            op.kind
            for op in graph.ops
            for number in (*op.inputs, *op.outputs)
            if number >= 0 and graph[number].dtype in ("float32", "float16")
        }
    )
    ends = {graph[number].dtype for number in (*graph.inputs, *graph.outputs)}
    if unwanted or floats or ends != {"int8"}:
        found = [
            *unwanted,
            *(f"float {kind}" for kind in floats),
            *(f"{end} at its ends" for end in ends - {"int8"}),
        ]
        raise TargetError(
            f"{name} did not become fully integer: expected int8 operators only, found {', '.join(found)}"
        )


def _pads_convolutions(op: Op, graph: Graph) -> bool:
    """Whether it is padding that a convolution has no word for: neither SAME nor VALID."""
    readers = {reader.kind for reader in graph.ops if op.outputs[0] in reader.inputs}
    return op.kind == "PAD" and readers <= {"CONV_2D", "DEPTHWISE_CONV_2D"}
