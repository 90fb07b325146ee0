"""What the kernels for ARMv7E-M (`c/dsp.S`) share: which layers their arithmetic holds for, and weights as
they read them.

They requantise in three or four instructions: SMMLAR of the doubled accumulator, ASR, SSAT. For that an
accumulator must fit into 30 bits, the shift must go to the right, and the clamp must be int8's own: no
activation, or a ReLU whose output's zero point is -128. A channel whose weights are all zero is a constant:
the bias is chosen so that the same instructions give it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.compiler.quant import HIGH, LOW, Requantization, channels_last, requantization
from tinytracker.tflite.graph import Graph, Op

GREATEST_SHIFT = 22  # the zero point times 2^shift, twice, fits beside a multiplied accumulator in 32 bits
MOST_SHIFT = 15  # above the layer's least: four bits
CHUNK = 8  # pairs of channels that are projected at a time


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """Per output channel: bias (int64, input's zero point folded in), multiplier, right shift, and, where
    allowed, how far the weights are shifted to the left instead. weights: int64 (channels, terms)."""

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    right: np.ndarray
    left: np.ndarray
    zero_point: int


def is_pointwise(graph: Graph, op: Op) -> bool:
    """A 1x1 CONV_2D of one image, stride 1, one group."""
    if (
        op.kind != "CONV_2D"
        or op.window is None
        or not op.window.is_point
        or not graph[op.inputs[1]].is_constant
    ):
        return False
    source = graph[op.inputs[0]]
    return len(source.shape) == 4 and source.shape[0] == 1 and graph[op.inputs[1]].shape[3] == source.hwc[2]


def relu_channels(graph: Graph, op: Op, left_shifts: int = 0) -> Channels | None:
    """Of a layer behind which a ReLU clamps at the zero point -128; None if the arithmetic does not hold."""
    q = requantization(graph, op)
    if (q.low, q.high, q.zero_point) != (LOW, HIGH, LOW):
        return None
    return _channels(graph, op, q, 0, left_shifts)


def linear_channels(graph: Graph, op: Op) -> Channels | None:
    """Of a layer with no clamp but int8's; None if the arithmetic does not hold: it needs a shift of at
    least 1."""
    q = requantization(graph, op)
    return None if (q.low, q.high) != (LOW, HIGH) else _channels(graph, op, q, 1, 0)


def _channels(graph: Graph, op: Op, q: Requantization, least_shift: int, left_shifts: int) -> Channels | None:
    weights = channels_last(graph, op)
    bias, multiplier, right = q.bias.copy(), q.multiplier.copy(), np.maximum(-q.shift, 0)
    left = np.maximum(q.shift, 0)
    dead = ~weights.any(axis=1)
    for channel in np.flatnonzero(dead):
        value = q.apply(int(channel), int(q.bias[channel]))
        # SMMLAR(2 * bias, 2^30) is bias / 2; with a shift of 1 the half that is added and a negative sign's
        # -1 fall away
        bias[channel], multiplier[channel], right[channel], left[channel] = (
            4 * (value - q.zero_point),
            1 << 30,
            1,
            0,
        )
    alive = ~dead
    holds = (
        (q.greatest[alive] << (1 + left[alive]) < 2**31).all()
        and (right[alive] + left[alive] >= least_shift).all()
        and (right <= GREATEST_SHIFT).all()
        and (left <= left_shifts).all()
        and (least_shift == 0 or (left == 0).all())
    )
    return Channels(weights, bias, multiplier, right, left, q.zero_point) if holds else None


def padded_terms(weights: np.ndarray, multiple: int) -> np.ndarray:
    """(channels, terms) with zeros behind each channel's terms up to a multiple."""
    missing = -weights.shape[1] % multiple
    return np.pad(weights, ((0, 0), (0, missing)))


def last_two_paired(channels: Channels) -> Channels:
    """Where the number of channels is odd, the last but one stands twice, so that the last two are a pair."""
    count = len(channels.weights)
    order = [*range(count - 1), count - 2, count - 1] if count % 2 else [*range(count)]
    return Channels(
        channels.weights[order],
        channels.bias[order],
        channels.multiplier[order],
        channels.right[order],
        channels.left[order],
        channels.zero_point,
    )


def even_channels(values: np.ndarray) -> np.ndarray:
    """With one more row of zeros where their number is odd."""
    return np.pad(values, [(0, len(values) % 2), *[(0, 0)] * (values.ndim - 1)])


def in_tile_order(weights: np.ndarray) -> np.ndarray:
    """(channels, terms) with the terms as `gm_dsp_pack` leaves them: of every four the first, third,
    second, fourth."""
    channels = len(weights)
    return padded_terms(weights, 4).reshape(channels, -1, 4)[:, :, [0, 2, 1, 3]].reshape(channels, -1)


def paired_words(weights: np.ndarray) -> np.ndarray:
    """int32 (pairs of channels, pairs of terms): bytes (first channel's term, second's, first's next,
    second's next)."""
    channels, terms = weights.shape
    grouped = weights.astype(np.int8).reshape(channels // 2, 2, terms // 2, 2).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(grouped).reshape(-1, 4).view(np.int32).reshape(channels // 2, terms // 2)


def pair_records(weights: np.ndarray, channels: Channels) -> np.ndarray:
    """int32: per pair of output channels what `gm_dsp_decode` reads. weights: theirs (channels, terms), in a
    tile's order, the terms a multiple of 4. Biases doubled, as the accumulators are."""
    return np.concatenate([heads(channels), paired_words(even_channels(weights))], axis=1)


def heads(channels: Channels) -> np.ndarray:
    """int32 (pairs of output channels, 4): biases (doubled), multipliers."""
    bias, multiplier = even_channels(channels.bias), even_channels(channels.multiplier)
    return np.stack([2 * bias[0::2], 2 * bias[1::2], multiplier[0::2], multiplier[1::2]], axis=1).astype(
        np.int32
    )


def shift_bytes(channels: Channels) -> np.ndarray:
    """uint8: right shifts, an even number of them."""
    return even_channels(channels.right).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class ShiftBases:
    """The least shift of an expansion's and of a depthwise layer's channels; all are at most MOST_SHIFT
    above it."""

    expansion: int
    depthwise: int


def shift_bases(expansion: Channels, depthwise: Channels) -> ShiftBases | None:
    """None if the shifts are too far apart for their four bits."""
    shifts = [channels.right - channels.left for channels in (expansion, depthwise)]
    if any(values.max() - values.min() > MOST_SHIFT for values in shifts):
        return None
    return ShiftBases(*(int(values.min()) for values in shifts))


def depthwise_records(expansion: Channels, depthwise: Channels, bases: ShiftBases) -> np.ndarray:
    """int32 (pairs of channels, 9) for `gm_dsp_depthwise_...`, with the expansion's shifts: see
    c/dsp_depthwise.c."""
    left = np.stack([depthwise.bias << (1 + depthwise.left), depthwise.multiplier], axis=1)
    head = even_channels(left).reshape(-1, 4).astype(np.int32)
    weights = even_channels(depthwise.weights.astype(np.int8))
    window = np.ascontiguousarray(weights[:, [0, 1, 3, 4, 2, 6, 5, 7]]).view(np.int32).reshape(-1, 4)
    nibbles = np.stack(
        [
            even_channels(expansion.right - bases.expansion).reshape(-1, 2),
            even_channels(depthwise.right - depthwise.left - bases.depthwise).reshape(-1, 2),
        ],
        axis=1,
    ).reshape(-1, 4)
    packed = (nibbles[:, 0] | nibbles[:, 1] << 4 | nibbles[:, 2] << 8 | nibbles[:, 3] << 12).astype("<u2")
    tail = np.concatenate(
        [weights[:, 8:].view(np.uint8).reshape(-1, 2), packed.view(np.uint8).reshape(-1, 2)], axis=1
    )
    return np.concatenate([head, window, np.ascontiguousarray(tail).view(np.int32)], axis=1)


def projection_words(channels: Channels) -> np.ndarray:
    """int32: for `gm_dsp_project`, chunk of 16 input channels by chunk, pair of output channels by pair."""
    weights = even_channels(channels.weights)
    weights = padded_terms(weights, 2)  # a pair of channels in a tile's word
    words = []
    for begin in range(0, weights.shape[1], 2 * CHUNK):
        chunk = padded_terms(weights[:, begin : begin + 2 * CHUNK], 4)
        words.append(paired_words(chunk).reshape(-1))
    return np.concatenate(words)
