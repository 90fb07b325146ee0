"""The operators and tensors of a .tflite file, read without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinytracker.errors import TargetError

# What a converter leaves behind when layouts or number formats do not fit; no integer target wants to meet them.
UNWANTED = ("TRANSPOSE", "PAD", "PADV2", "QUANTIZE", "DEQUANTIZE")
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class Tensor:
    """dtype: "int8", "int32", "float32", ... scales, zero_points: one per channel or one; empty if not quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_constant: bool
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """inputs, outputs: indices of tensors; -1 is an input left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def operator_names(self) -> list[str]:
        """In order of execution."""
        return [operator.name for operator in self.operators]

    @property
    def activations(self) -> list[int]:
        """Tensors that change with the input: the inputs, then each operator's outputs in order."""
        return [*self.inputs, *(output for operator in self.operators for output in operator.outputs)]


def unpack(content: bytes) -> Any:
    """The flatbuffer as the schema's object tree (ModelT), free to be changed."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def operator_name(model: Any, operator: Any) -> str:
    """The builtin operator's name, such as CONV_2D."""
    code = model.operatorCodes[operator.opcodeIndex]
    return _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def read_graph(content: bytes) -> Graph:
    """Reads the main subgraph of a .tflite file's bytes."""
    model = unpack(content)
    main = model.subgraphs[0]
    tensors = []
    for tensor in main.tensors:
        buffer, parameters = model.buffers[tensor.buffer], tensor.quantization
        is_constant = bool((buffer.data is not None and len(buffer.data)) or getattr(buffer, "size", 0))
        scales = () if parameters is None or parameters.scale is None else tuple(float(scale) for scale in parameters.scale)
        points = () if not scales or parameters.zeroPoint is None else tuple(int(point) for point in parameters.zeroPoint)
        shape = tuple(int(length) for length in (tensor.shape if tensor.shape is not None else ()))
        tensors.append(Tensor(tensor.name.decode(), shape, _TYPES[tensor.type], is_constant, scales, points))
    operators = [
        Operator(operator_name(model, operator), tuple(map(int, operator.inputs)), tuple(map(int, operator.outputs)))
        for operator in main.operators
    ]
    return Graph(tuple(operators), tuple(tensors), tuple(map(int, main.inputs)), tuple(map(int, main.outputs)))


def check_integer(content: bytes, name: str) -> None:
    """Raises TargetError, naming the operators, unless a .tflite is integer from input to output without detours."""
    graph = read_graph(content)
    unwanted = sorted({operator.name for operator in graph.operators if operator.name in UNWANTED})
    floats = sorted(
        {
            operator.name
            for operator in graph.operators
            for index in (*operator.inputs, *operator.outputs)
            if index >= 0 and graph.tensors[index].dtype in ("float32", "float16")
        }
    )
    ends = {graph.tensors[index].dtype for index in (*graph.inputs, *graph.outputs)}
    if unwanted or floats or ends != {"int8"}:
        found = [*unwanted, *(f"float {operator}" for operator in floats), *(f"{end} at its ends" for end in ends - {"int8"})]
        raise TargetError(f"{name} did not become fully integer: expected int8 operators only, found {', '.join(found)}")
