"""What an operator costs on the Edge TPU, taken as a systolic array of 64 x 64 multiply-accumulates.

The vendor publishes 4 TOPS, two operations a multiply-accumulate; at 480 MHz that is 4096 of them a cycle,
and the array is assumed to be the square of as many. An operator whose input or output channels do not fill
it leaves the rest idle: it takes the time of its channels rounded up to 64. A depthwise convolution has one
input channel per output channel. Memory on the chip and the instruction stream are not in it.
"""

from __future__ import annotations

import math

from tinytracker.tflite.graph import Graph, Op, macs

SIDE = 64
CLOCK_HZ = 480e6
ROOF_MACS_PER_S = SIDE * SIDE * CLOCK_HZ


def network_ms(graph: Graph) -> tuple[float, float]:
    """Time of all operators on the chip: at the roof, and with the array as full as the channels fill it."""
    counted = [(op, macs(graph, op)) for op in graph.ops]
    roof_s = sum(count for _, count in counted) / ROOF_MACS_PER_S
    filled_s = sum(count / (ROOF_MACS_PER_S * fill(graph, op)) for op, count in counted if count)
    return 1e3 * roof_s, 1e3 * filled_s


def fill(graph: Graph, op: Op) -> float:
    """Share of the array that an operator keeps busy, above 0 to 1."""
    weights = graph[op.inputs[1]].shape
    if op.kind == "DEPTHWISE_CONV_2D":
        return _share(weights[3]) / SIDE
    return _share(weights[0]) * _share(weights[-1])


def _share(channels: int) -> float:
    return channels / (SIDE * math.ceil(channels / SIDE))
