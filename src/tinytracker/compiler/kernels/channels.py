"""The parameters of weighted layers as const tables: `gm_channels` of c/types.c."""

from __future__ import annotations

import numpy as np

from tinytracker.compiler.fixedpoint import wrap32
from tinytracker.compiler.kernels import Writer
from tinytracker.compiler.quant import Requantization
from tinytracker.tflite.graph import Graph, Op


def initialiser(*values: object) -> str:
    """C text of a struct's fields."""
    return "{" + ", ".join(str(value) for value in values) + "}"


def channels_record(writer: Writer, op: Op, weights: np.ndarray, q: Requantization) -> str:
    """C text of a gm_channels whose tables have been added. weights: int8, in the order the kernel reads
    them."""
    stem = f"layer{op.number}"
    return initialiser(
        writer.table(f"{stem}_weights", weights.astype(np.int8)),
        writer.table(f"{stem}_bias", np.array([wrap32(int(bias)) for bias in q.bias], np.int32)),
        writer.table(f"{stem}_multiplier", q.multiplier.astype(np.int32)),
        writer.table(f"{stem}_shift", q.shift.astype(np.int8)),
        q.zero_point,
        q.low,
        q.high,
    )


def weights_of(graph: Graph, op: Op) -> np.ndarray:
    """A weighted operator's weights as in the file."""
    return graph.constant(op.inputs[1])
