"""What `c/lanes.c` can compute exactly, and the tables it reads.

A word holds two pixels 23 bits apart, so the lower one's sum must stay within 22 bits and a sign: sum
|weight| * 128 < 2^22. The rounding shift must be to the right by 1 to 22 bits; channels whose weights are all
zero give a constant and are rewritten so that they do. A layer outside these limits is computed by
`c/row_conv_any.c` or `c/row_depthwise_any.c`, which sum in parts and round the plain way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinytracker.compiler.kernels import Writer
from tinytracker.compiler.kernels.channels import channels_record, initialiser
from tinytracker.compiler.quant import Requantization, channels_last, requantization
from tinytracker.tflite.graph import Graph, Op

LANE_LIMIT = 1 << 22
MOST_SHIFT = 22
PACKED_BYTES = 4000  # of a tile's words, where a narrower tile can help it


@dataclass(frozen=True, slots=True)
class Tiles:
    """How a row is cut: tiles of four pairs of pixels, then of three, then of two."""

    fours: int
    threes: int
    twos: int

    @property
    def pairs(self) -> int:
        return 4 * self.fours + 3 * self.threes + 2 * self.twos

    @property
    def widest(self) -> int:
        return 4 if self.fours else 3 if self.threes else 2

    @property
    def work(self) -> int:
        """Instructions per product of a row, about."""
        return 10 * self.fours + 8 * self.threes + 6 * self.twos


def tiles_of(width: int, terms: int = 1) -> Tiles:
    """The tiles that cover a row with the least work. terms: products per output; many of them allow only
    narrow tiles, whose packed words take less memory."""
    pairs = (width + 1) // 2
    widest = min(4, max(2, PACKED_BYTES // (4 * terms)))
    choices = [
        Tiles(fours, threes, max(0, -(-(pairs - 4 * fours - 3 * threes) // 2)))
        for fours in range(-(-pairs // 4) + 1 if widest == 4 else 1)
        for threes in range(-(-max(0, pairs - 4 * fours) // 3) + 1 if widest >= 3 else 1)
    ]
    return min(choices, key=lambda tiles: (tiles.work, tiles.fours + tiles.threes + tiles.twos))


def can_use_lanes(graph: Graph, op: Op) -> bool:
    """Whether a weighted layer's sums and shifts are within the limits."""
    q = requantization(graph, op)
    reach = np.abs(channels_last(graph, op)).sum(axis=1)
    live = reach > 0
    if not live.any():
        return True
    limits = (
        (128 * reach[live] < LANE_LIMIT).all(),
        (-q.shift[live] >= 1).all(),
        (-q.shift[live] <= MOST_SHIFT).all(),
        (q.greatest[live] < 2**30 - LANE_LIMIT).all(),
    )
    return all(bool(limit) for limit in limits)


def constant_channels(graph: Graph, op: Op, q: Requantization) -> Requantization:
    """Channels without weights as (0 * 1) >> 1 plus twice their constant: nothing that could overflow is
    left of them."""
    dead = np.flatnonzero(np.abs(channels_last(graph, op)).sum(axis=1) == 0)
    bias, multiplier, shift = q.bias.copy(), q.multiplier.copy(), q.shift.copy()
    for channel in dead:
        # value = q.apply - zero_point comes out of round(2 * bias * 2^30 / 2^32) >> 1 = bias / 2 >> 1 for
        # bias = 4 * value
        value = q.apply(int(channel), int(q.bias[channel])) - q.zero_point
        bias[channel], multiplier[channel], shift[channel] = 4 * value, 1 << 30, -1
    return replace(q, bias=bias, multiplier=multiplier, shift=shift)


def lane_record(writer: Writer, graph: Graph, op: Op) -> str:
    """C text of a gm_lane_channels whose tables have been added."""
    q = constant_channels(graph, op, requantization(graph, op))
    weights = graph.constant(op.inputs[1]).astype(np.int8)
    if op.kind == "DEPTHWISE_CONV_2D":
        weights, begin = weights[0].transpose(2, 0, 1).reshape(weights.shape[3], -1), 0
    else:
        weights, begin = weights.reshape(weights.shape[0], -1), LANE_LIMIT
    stem = f"layer{op.number}"
    return initialiser(
        writer.table(f"{stem}_weights", weights),
        writer.table(f"{stem}_bias", (2 * (q.bias - begin)).astype(np.int32)),
        writer.table(f"{stem}_multiplier", q.multiplier.astype(np.int32)),
        writer.table(f"{stem}_shift", (-q.shift).astype(np.int8)),
        q.zero_point,
        q.low,
        q.high,
    )


def any_record(writer: Writer, graph: Graph, op: Op) -> str:
    """C text of a gm_channels for the kernels without these limits, weights in the same order."""
    weights = graph.constant(op.inputs[1]).astype(np.int8)
    if op.kind == "DEPTHWISE_CONV_2D":
        weights = weights[0].transpose(2, 0, 1)
    return channels_record(writer, op, weights, requantization(graph, op))
