"""The compiler's view of a network: tensors with scale, zero point and shape, operators in the order they
run.

Nothing in here is changed in place: a pass takes a `Graph` and gives another. A tensor is known by a number
that is its own for the whole compilation; a layer by its operator's `number` in the file, so that messages
and reports name what a person sees in a viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np


class Activation(StrEnum):
    """What is fused behind an operator: a clamp of its output."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (integer - zero_point). scales: one, or one per element of `axis`; float32 values
    held exactly."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """shape: as in the file, usually (1, height, width, channels). dtype: "int8", "int32", "float32", ...
    data: the values of a constant, of `shape`; None for what is computed."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: np.ndarray | None = None

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def scale(self) -> float:
        assert self.quantization is not None, f"{self.name} is not quantised"
        return self.quantization.scale

    @property
    def zero_point(self) -> int:
        assert self.quantization is not None, f"{self.name} is not quantised"
        return self.quantization.zero_point

    @property
    def hwc(self) -> tuple[int, int, int]:
        """(height, width, channels) of an image; anything else counts as one row of one pixel, or one row
        of pixels."""
        if len(self.shape) == 4:
            return self.shape[1], self.shape[2], self.shape[3]
        if len(self.shape) == 3:
            return 1, self.shape[1], self.shape[2]
        return 1, 1, self.elements


@dataclass(frozen=True, slots=True)
class Window:
    """Where a convolution or pooling looks: all lengths in pixels, (height, width). before: padding above and
    to the left, after: below and to the right, with the input's zero point. Output pixel (y, x) sees the
    input rows y * stride - before + k * dilation for k in 0..kernel - 1."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)

    @property
    def is_point(self) -> bool:
        """One pixel in, one pixel out, none left out."""
        return (
            self.kernel == (1, 1) and self.stride == (1, 1) and self.before == (0, 0) and self.after == (0, 0)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """kind: TFLite's name, such as CONV_2D. number: its own in the file, which passes leave as it is, so that
    it is no index into `Graph.ops`. inputs: numbers of tensors, -1 for one left out.

    attributes, by kind:
      DEPTHWISE_CONV_2D: multiplier (int)           CONCATENATION: axis (int, not negative)
      MEAN: axes (tuple of int), keep_dims (bool)   SOFTMAX: beta (float)
      SPLIT: axis (int)                             TRANSPOSE: permutation (tuple of int)
      PAD: before, after (tuples, one per axis)     [STRIDED_]SLICE: begin, end, strides (likewise)
      FULLY_CONNECTED: keep_dims (bool)
    """

    kind: str
    number: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    activation: Activation = Activation.NONE
    window: Window | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """What messages call it."""
        return f"layer {self.number} ({self.kind})"


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """tensors: by number. ops: in an order in which every input is there before it is read. inputs,
    outputs: numbers."""

    name: str
    tensors: Mapping[int, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def __getitem__(self, number: int) -> Tensor:
        return self.tensors[number]

    def constant(self, number: int) -> np.ndarray:
        """A constant's values; KeyError if it is none."""
        data = self.tensors[number].data
        if data is None:
            raise KeyError(f"tensor {number} ({self.tensors[number].name}) is not a constant")
        return data

    @property
    def kinds(self) -> list[str]:
        """The operators' names, in the order they run."""
        return [op.kind for op in self.ops]

    @property
    def activations(self) -> list[int]:
        """Numbers of the tensors that change with the input: the inputs, then each operator's outputs in
        order."""
        return [*self.inputs, *(output for op in self.ops for output in op.outputs)]

    def readers(self, number: int) -> list[int]:
        """Indices (in `ops`) of the operators that read a tensor."""
        return [index for index, op in enumerate(self.ops) if number in op.inputs]

    def writer(self, number: int) -> int | None:
        """Index (in `ops`) of the operator that computes a tensor; None for inputs and constants."""
        return next((index for index, op in enumerate(self.ops) if number in op.outputs), None)

    def only_reader(self, number: int) -> int | None:
        """Index of a tensor's one reader; None if several read it, none does, or it is an output of the
        network."""
        readers = self.readers(number)
        return readers[0] if len(readers) == 1 and number not in self.outputs else None

    def data_inputs(self, op: Op) -> tuple[int, ...]:
        """Numbers of the inputs that are computed, not constant."""
        return tuple(number for number in op.inputs if number >= 0 and not self.tensors[number].is_constant)

    def with_tensor(self, number: int, tensor: Tensor) -> Graph:
        """A copy in which `number` is `tensor`."""
        return replace(self, tensors={**self.tensors, number: tensor})

    def with_ops(self, ops: tuple[Op, ...] | list[Op]) -> Graph:
        """A copy with other operators; tensors nobody names any more are left out."""
        used = {number for op in ops for number in (*op.inputs, *op.outputs)} | {*self.inputs, *self.outputs}
        return replace(self, ops=tuple(ops), tensors={n: t for n, t in self.tensors.items() if n in used})

    def new_number(self) -> int:
        """A number no tensor has."""
        return max(self.tensors, default=-1) + 1


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of an operator as TFLite would do them; 0 for those that multiply nothing by
    weights."""
    if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        height, width, channels = graph[op.outputs[0]].hwc
        weights = graph[op.inputs[1]].shape
        depth = 1 if op.kind == "DEPTHWISE_CONV_2D" else weights[3]
        return height * width * channels * weights[1] * weights[2] * depth
    if op.kind == "FULLY_CONNECTED":
        outputs, depth = graph[op.inputs[1]].shape
        return graph[op.inputs[0]].elements // depth * outputs * depth
    return 0
