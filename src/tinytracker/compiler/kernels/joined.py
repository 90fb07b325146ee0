"""A picture and channels that never change, such as a grid of positions: a CONCATENATION that is joined
row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.tflite.graph import Graph, Op


@dataclass(frozen=True, slots=True, eq=False)
class ConstantChannel:
    """values: int8 (height or 1, width or 1), shortened where all rows or all columns are alike. channel:
    its place."""

    values: np.ndarray
    channel: int

    @property
    def y_step(self) -> int:
        return self.values.shape[1] if self.values.shape[0] > 1 else 0

    @property
    def x_step(self) -> int:
        return 1 if self.values.shape[1] > 1 else 0


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """image: the tensor that is computed; depth: its channels; first_channel: of them among the joined
    ones."""

    image: int
    depth: int
    first_channel: int
    constants: tuple[ConstantChannel, ...]


def joined(graph: Graph, op: Op) -> Joined | None:
    """What a CONCATENATION along the channels joins; None if that is not one computed image and constants."""
    computed = graph.data_inputs(op)
    if (
        op.kind != "CONCATENATION"
        or len(computed) != 1
        or op.attributes["axis"] != 3
        or len(graph[op.outputs[0]].shape) != 4
    ):
        return None
    constants, channel, first_channel = [], 0, 0
    for number in op.inputs:
        height, width, depth = graph[number].hwc
        if number == computed[0]:
            first_channel = channel
        else:
            values = graph.constant(number).reshape(height, width, depth).astype(np.int8)
            constants += [
                ConstantChannel(_shortened(values[:, :, place]), channel + place) for place in range(depth)
            ]
        channel += depth
    return Joined(computed[0], graph[computed[0]].hwc[2], first_channel, tuple(constants))


def _shortened(values: np.ndarray) -> np.ndarray:
    values = values[:1] if (values == values[:1]).all() else values
    return np.ascontiguousarray(values[:, :1] if (values == values[:, :1]).all() else values)
