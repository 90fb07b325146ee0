"""What the Edge TPU does not map, rewritten into what it does: a baked grid, and float ends.

CONV(CONCAT(picture, grid)) = CONV_picture(picture) + CONV_grid(grid), and the second term is known: a
constant map, added behind the convolution. Each channel's map is centred on zero and its middle goes into the
bias, exactly. What is not exact: the picture's part and the map are rounded to 8 bits before they are added,
where the original rounded once; `change.measure` says how far that is. The new ranges follow from the old
output's: where the sum lies in the output's range, the picture's part lies in (range - map), and what is
clipped beyond is clipped in the sum as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinytracker.tflite.graph import Activation, Graph, Op
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.repack import repack
from tinytracker.tflite.schema import bring_weights_inside, pack, unpack

CHANNELS = 3


@dataclass(frozen=True, slots=True)
class Rewritten:
    """content: of the .tflite. changes: what was done, a phrase each; empty: content is what was given."""

    content: bytes
    changes: tuple[str, ...]


def rewrite(content: bytes, name: str) -> Rewritten:
    """Rewrites what can be; raises ModelError or TargetError for what cannot be read. name: for messages."""
    graph = read_graph(content, name)
    model = unpack(content)
    changes = (
        ["weights that lay behind the flatbuffer move into it"]
        if bring_weights_inside(model, content)
        else []
    )
    changes += [*_drop_float_ends(model, graph), *_add_baked_grids(model, graph)]
    if not changes:
        return Rewritten(content, ())
    names = [graph[number].name for number in graph.inputs]
    return Rewritten(repack(pack(model), names), tuple(changes))


def _drop_float_ends(model: Any, graph: Graph) -> list[str]:
    """A QUANTIZE of a float input and a DEQUANTIZE to a float output: the host does it."""
    main, dropped, changes = model.subgraphs[0], [], []
    for op in graph.ops:
        before, after = op.inputs[0] if op.inputs else -1, op.outputs[0]
        if op.kind == "QUANTIZE" and before in graph.inputs and graph[before].dtype == "float32":
            if len(graph.readers(before)) == 1:
                main.inputs = np.where(np.asarray(main.inputs) == before, after, main.inputs)
                dropped.append(op.number)
                changes.append(f"{op.layer} is left out: the input is {graph[after].dtype}")
        elif op.kind == "DEQUANTIZE" and after in graph.outputs and not graph.readers(after):
            main.outputs = np.where(np.asarray(main.outputs) == after, before, main.outputs)
            dropped.append(op.number)
            changes.append(f"{op.layer} is left out: the output is {graph[before].dtype}")
    for place in dropped:
        main.operators[place] = None  # the places of the others stay as in `graph`
    return changes


def _add_baked_grids(model: Any, graph: Graph) -> list[str]:
    main, changes = model.subgraphs[0], []
    behind: dict[int, Any] = {}
    for op in graph.ops:
        if not is_baked_grid(graph, op):
            continue
        for index in graph.readers(op.outputs[0]):
            conv = graph.ops[index]
            behind[conv.number] = _split(model, graph, op, conv)
            changes.append(f"{op.layer} of constant channels becomes an ADD behind {conv.layer}")
        main.operators[op.number] = None
    operators = []
    for place, operator in enumerate(main.operators):
        operators += [item for item in (operator, behind.get(place)) if item is not None]
    main.operators = operators
    return changes


def is_baked_grid(graph: Graph, op: Op) -> bool:
    """Whether an operator joins one picture and constant channels, for nothing but plain convolutions."""
    if (
        op.kind != "CONCATENATION"
        or op.attributes["axis"] != CHANNELS
        or op.activation is not Activation.NONE
    ):
        return False
    computed = [number for number in op.inputs if not graph[number].is_constant]
    if (
        len(computed) != 1
        or len(op.inputs) < 2
        or op.outputs[0] in graph.outputs
        or not graph.readers(op.outputs[0])
    ):
        return False
    if any(
        (graph[number].scale, graph[number].zero_point)
        != (graph[op.outputs[0]].scale, graph[op.outputs[0]].zero_point)
        for number in op.inputs
    ):
        return False
    depth = graph[op.outputs[0]].shape[CHANNELS]
    readers = [graph.ops[index] for index in graph.readers(op.outputs[0])]
    return all(
        reader.kind == "CONV_2D"
        and graph[reader.inputs[1]].is_constant
        and graph[reader.inputs[1]].shape[CHANNELS] == depth
        for reader in readers
    )


def _split(model: Any, graph: Graph, concat: Op, conv: Op) -> Any:
    """Turns a convolution into one of the picture alone; gives the ADD behind it."""
    main = model.subgraphs[0]
    picture = next(number for number in concat.inputs if not graph[number].is_constant)
    start = sum(graph[number].shape[CHANNELS] for number in concat.inputs[: concat.inputs.index(picture)])
    weights, output = graph[conv.inputs[1]], graph[conv.outputs[0]]
    own = graph.constant(conv.inputs[1])[..., start : start + graph[picture].shape[CHANNELS]]
    assert weights.quantization is not None
    steps = np.broadcast_to(np.asarray(weights.quantization.scales) * graph[picture].scale, weights.shape[0])
    added = constant_part(graph, concat, conv)
    middle = (added.max((0, 1)) + added.min((0, 1))) // 2
    has_bias = len(conv.inputs) > 2 and conv.inputs[2] >= 0
    bias = middle + (graph.constant(conv.inputs[2]) if has_bias else 0)
    map_real = (added - middle) * steps

    map_scale = float(np.abs(map_real).max()) / 127 or output.scale
    mid_scale, mid_zero_point = _range_of_picture(graph, conv, own, bias, steps, map_real)
    weight_number = _tensor(
        main, model, "picture_weights", own, schema.TensorType.INT8, weights.quantization.scales
    )
    bias_number = _tensor(main, model, "picture_bias", bias.astype(np.int32), schema.TensorType.INT32, steps)
    map_values = np.clip(np.rint(map_real / map_scale), -127, 127).astype(np.int8)
    map_number = _tensor(main, model, "grid_map", map_values[None], schema.TensorType.INT8, [map_scale])
    mid_number = _tensor(
        main, model, "picture_part", None, schema.TensorType.INT8, [mid_scale], mid_zero_point, output.shape
    )

    operator = main.operators[conv.number]
    operator.inputs = np.array([picture, weight_number, bias_number], np.int32)
    operator.outputs = np.array([mid_number], np.int32)
    add = schema.OperatorT()
    add.opcodeIndex = _code_of_add(model)
    add.inputs, add.outputs = np.array([mid_number, map_number], np.int32), np.array(conv.outputs, np.int32)
    add.builtinOptionsType, add.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    add.builtinOptions.fusedActivationFunction = operator.builtinOptions.fusedActivationFunction
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
    return add


def constant_part(graph: Graph, concat: Op, conv: Op) -> np.ndarray:
    """What the constant channels add to the convolution's sums: int64 (height, width, channels), exact."""
    window = conv.window
    assert window is not None
    zero_point = graph[concat.outputs[0]].zero_point
    parts = [
        np.full(graph[number].shape, zero_point) if graph[number].data is None else graph.constant(number)
        for number in concat.inputs
    ]
    joined = np.concatenate(parts, CHANNELS)[0].astype(np.int64) - zero_point
    padded = np.pad(joined, (*zip(window.before, window.after, strict=True), (0, 0)))
    weights = graph.constant(conv.inputs[1]).astype(np.int64)
    _, height, width, channels = graph[conv.outputs[0]].shape
    total = np.zeros((height, width, channels), np.int64)
    for row in range(window.kernel[0]):
        for column in range(window.kernel[1]):
            top, left = row * window.dilation[0], column * window.dilation[1]
            seen = padded[top:, left:][:: window.stride[0], :: window.stride[1]][:height, :width]
            total += seen @ weights[:, row, column].T
    return total


def _range_of_picture(
    graph: Graph, conv: Op, own: np.ndarray, bias: np.ndarray, steps: np.ndarray, map_real: np.ndarray
) -> tuple[float, int]:
    """Scale and zero point of the picture's part: what matters of what it can be."""
    output, source = graph[conv.outputs[0]], graph[conv.inputs[0]]
    low, high = ((bound - output.zero_point) * output.scale for bound in (-128, 127))
    if conv.activation in (Activation.RELU, Activation.RELU6):
        low = max(low, 0.0)
    needed_low, needed_high = low - map_real.max((0, 1)), high - map_real.min((0, 1))
    flat = own.reshape(len(own), -1).astype(np.int64)
    ends = np.stack([flat * (-128 - source.zero_point), flat * (127 - source.zero_point)])
    reached_low, reached_high = ((bias + ends.min(0).sum(1)) * steps, (bias + ends.max(0).sum(1)) * steps)
    lowest = min(0.0, float(np.clip(reached_low, needed_low, needed_high).min()))
    highest = max(0.0, float(np.clip(reached_high, needed_low, needed_high).max()))
    scale = (highest - lowest) / 255 or output.scale
    return scale, int(np.clip(np.rint(-128 - lowest / scale), -128, 127))


def _tensor(
    main: Any,
    model: Any,
    name: str,
    data: np.ndarray | None,
    kind: int,
    scales: Any,
    zero_point: int = 0,
    shape: tuple[int, ...] | None = None,
) -> int:
    """Adds a tensor; gives its number. data: of a constant; shape: of what is computed."""
    tensor = schema.TensorT()
    tensor.name, tensor.type = name.encode(), kind
    tensor.shape = np.asarray(shape if data is None else data.shape, np.int32)
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = np.atleast_1d(np.asarray(scales, np.float32))
    tensor.quantization.zeroPoint = np.full(len(tensor.quantization.scale), zero_point, np.int64)
    if data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    main.tensors.append(tensor)
    return len(main.tensors) - 1


def _code_of_add(model: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    code.version = 2
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
