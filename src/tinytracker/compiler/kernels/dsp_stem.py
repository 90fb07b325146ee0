"""A network's first layers on ARMv7E-M, row by row, so that neither the image nor the wide first maps need
be held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Match, Scratch, Step, Writer
from tinytracker.compiler.kernels.channels import initialiser
from tinytracker.compiler.kernels.dsp_block import (
    BlockLayer,
    assemble_block,
    block_scratch,
    find_block,
    find_tail,
)
from tinytracker.compiler.kernels.dsp_words import (
    Channels,
    is_pointwise,
    linear_channels,
    padded_terms,
    pair_records,
    relu_channels,
    shift_bytes,
)
from tinytracker.compiler.layout import Layout
from tinytracker.tflite.graph import Graph, Op

MOST_CHANNELS = 8  # that the 3x3 convolution or the 1x1 in front of it sees
MOST_CONSTANTS = 4
SEGMENT = 6  # tiles that the 3x3 convolution is computed of at a time


@dataclass(frozen=True, slots=True, eq=False)
class _Constant:
    """A channel that is always the same: values int8 (height or 1, width or 1), its place among the
    channels."""

    values: np.ndarray
    channel: int


@dataclass(frozen=True, slots=True, eq=False)
class _Stem:
    """image: the tensor read. constants, mix: what stands in front of the 3x3 convolution. conv: its layer;
    convolution: its numbers; records: its own as gm_dsp_decode reads them, or None where it is the block's
    first. channels: that it sees; first_channel: of the image's among them. pairs: of the numbers in a tile.
    count: of operators."""

    image: int
    constants: tuple[_Constant, ...]
    mix: Channels | None
    conv: Op
    convolution: Channels
    records: np.ndarray | None
    channels: int
    first_channel: int
    pairs: int
    block: BlockLayer
    count: int


class Stem:
    """[CONCATENATION with constants, or 1x1 CONV_2D], 3x3 CONV_2D with stride 2 and ReLU, [1x1 CONV_2D with
    ReLU], 3x3 DEPTHWISE_CONV_2D with ReLU and, if only that follows, 1x1 CONV_2D."""

    name = "dsp stem"

    def offers(self, graph: Graph, first: int, cpu: Cpu) -> list[Match]:
        stem = _find(graph, first) if cpu.has_dsp and cpu.has_unaligned else None
        if stem is None:
            return []
        return [
            Match(
                self,
                first,
                stem.count,
                {stem.image: Layout.HWC},
                {stem.block.output: Layout.HWC},
                _instructions(graph, stem),
                _scratch(graph, stem),
                streams=True,
                note="two rows of the first convolution at a time",
                detail=stem,
            )
        ]

    def emit(self, match: Match, graph: Graph, writer: Writer) -> Step:
        stem = match.detail
        assert isinstance(stem, _Stem)
        assert stem.conv.window is not None
        height, width, depth = graph[stem.image].hwc
        name = f"layer{stem.conv.number}_stem"
        block = assemble_block(stem.block, writer)
        writer.assembly("dsp_gather")
        writer.support("dsp_stem")
        constants = [
            initialiser(
                writer.table(f"{name}_channel{constant.channel}", constant.values),
                constant.values.shape[1] if len(constant.values) > 1 else 0,
                int(constant.values.shape[1] > 1),
                constant.channel,
            )
            for constant in stem.constants
        ]
        mix, mix_words, mixing = "0", _mix_words(depth), ("0", "0")
        if stem.mix is not None:
            writer.assembly("dsp_mix", f"dsp_mix_{mix_words}")
            mixing = (f"gm_dsp_mix_open_{mix_words}", f"gm_dsp_mix_{mix_words}")
            mix = writer.table(f"{name}_mix", _mix_layers(stem.mix, mix_words))
        records = shifts = "0"
        if stem.records is not None:
            records = writer.table(f"{name}_records", stem.records)
            shifts = writer.table(f"{name}_shifts", shift_bytes(stem.convolution))
        layer = writer.record(
            "gm_dsp_stem_layer",
            name,
            initialiser(
                initialiser(*(constants or ["{0, 0, 0, 0}"])),
                len(constants),
                stem.first_channel,
                mix,
                mix_words,
                stem.channels,
                *mixing,
                height,
                width,
                depth,
                stem.channels,
                *stem.conv.window.before,
                _pitch(graph, stem),
                graph[stem.conv.inputs[0]].zero_point,
                records,
                shifts,
                stem.pairs,
                SEGMENT,
                f"&{block}",
            ),
        )
        own = [writer.scratch("rows", "int16_t")]
        own += [writer.scratch(part, "int32_t") for part in ("opened", "gathered", "convolution")]
        return Step(
            row=f"const gm_dsp_stem_scratch scratch = "
            f"{initialiser(block_scratch(writer), *own, writer.scratch('lines'))};\n"
            f"gm_dsp_stem_row(&{layer}, &scratch, row, y, {writer.pointer(stem.block.output)});"
        )


def _find(graph: Graph, first: int) -> _Stem | None:
    op, place = graph.ops[first], first
    constants: tuple[_Constant, ...] = ()
    image, mix, first_channel = op.inputs[0], None, 0
    if op.kind == "CONCATENATION":
        joined = _joined(graph, op)
        if joined is None:
            return None
        image, first_channel, constants = joined
        place += 1
    elif is_pointwise(graph, op):
        mix = linear_channels(graph, op)
        if mix is None or graph[image].hwc[2] > MOST_CHANNELS or len(mix.weights) > MOST_CHANNELS:
            return None
        place += 1
    if place > first and graph.only_reader(op.outputs[0]) != place:
        return None
    conv = graph.ops[place]
    channels = relu_channels(graph, conv) if _is_stem_conv(graph, conv) else None
    if channels is None or len(graph[image].shape) != 4 or graph[image].shape[0] != 1:
        return None
    depth = graph[conv.inputs[0]].hwc[2]
    weights = _gathered(channels.weights, depth)
    pairs, records, block = weights.shape[1] // 2, pair_records(weights, channels), None
    own: np.ndarray | None = None
    if place + 1 < len(graph.ops) and is_pointwise(graph, graph.ops[place + 1]):
        if (
            graph.only_reader(conv.outputs[0]) == place + 1
            and graph[conv.outputs[0]].hwc[1] % 2 == 0
            and len(weights) % 2 == 0
        ):
            own, block = records, find_block(graph, place + 1)
            place += 1
    else:
        block = find_tail(graph, place, pairs, records, channels)
    if block is None:
        return None
    count = place + 1 + len(block.ops) - first
    return _Stem(image, constants, mix, conv, channels, own, depth, first_channel, pairs, block, count)


def _joined(graph: Graph, op: Op) -> tuple[int, int, tuple[_Constant, ...]] | None:
    """(the computed input, its first channel, the constant ones) of a CONCATENATION of channels with one
    computed input."""
    computed = graph.data_inputs(op)
    if len(computed) != 1 or op.attributes["axis"] != 3:
        return None
    constants, channel, first_channel = [], 0, 0
    for number in op.inputs:
        height, width, depth = graph[number].hwc
        if number in computed:
            first_channel = channel
        else:
            values = graph.constant(number).reshape(height, width, depth).astype(np.int8)
            constants += [
                _Constant(_shortened(values[:, :, place]), channel + place) for place in range(depth)
            ]
        channel += depth
    return (computed[0], first_channel, tuple(constants)) if len(constants) <= MOST_CONSTANTS else None


def _shortened(values: np.ndarray) -> np.ndarray:
    """(height, width), with one row or one column where all are alike."""
    values = values[:1] if (values == values[:1]).all() else values
    return np.ascontiguousarray(values[:, :1] if (values == values[:, :1]).all() else values)


def _is_stem_conv(graph: Graph, op: Op) -> bool:
    window = op.window
    if op.kind != "CONV_2D" or window is None or not graph[op.inputs[1]].is_constant:
        return False
    height, width, depth = graph[op.inputs[0]].hwc
    return (
        window.kernel == (3, 3)
        and window.stride == (2, 2)
        and window.dilation == (1, 1)
        and max(*window.before, *window.after) <= 1
        and min(height + window.before[0] + window.after[0], width + window.before[1] + window.after[1]) >= 3
        and graph[op.inputs[1]].shape[3] == depth <= MOST_CHANNELS
    )


def _gathered(weights: np.ndarray, depth: int) -> np.ndarray:
    """(channels, terms) of a 3x3 window as gm_dsp_gather's tiles have them, the terms a multiple of 4."""
    rows = weights.reshape(len(weights), 3, 3 * depth)
    whole = 3 * depth // 2 * 2
    return padded_terms(
        np.concatenate(
            [rows[:, :, :whole].reshape(len(weights), -1), rows[:, :, whole:].reshape(len(weights), -1)], 1
        ),
        4,
    )


def _mix_words(depth: int) -> int:
    return 3 if depth <= 5 else 4


def _mix_layers(mix: Channels, words: int) -> np.ndarray:
    """int32 (channels, words + 4) for gm_dsp_mix: bias and weights doubled, so that the accumulator is."""
    weights = 2 * padded_terms(mix.weights, 8)[:, [0, 2, 1, 3, 4, 6, 5, 7]][:, : 2 * words]
    packed = np.ascontiguousarray(weights.astype(np.int16)).view(np.int32)
    addend = ((2 * mix.zero_point + 1) << mix.right) >> 1
    return np.concatenate(
        [2 * mix.bias[:, None], packed, np.stack([mix.multiplier, addend, mix.right], 1)], 1
    ).astype(np.int32)


def _pitch(graph: Graph, stem: _Stem) -> int:
    """int16 of a held row: all that is written and all that is read, even."""
    assert stem.conv.window is not None
    written = (stem.conv.window.before[1] + graph[stem.image].hwc[1]) * stem.channels
    read = (4 * stem.block.shape.columns + 1) * stem.channels + 1
    return max(written, read) + max(written, read) % 2


def _scratch(graph: Graph, stem: _Stem) -> tuple[Scratch, ...]:
    shape = stem.block.shape
    width, depth = graph[stem.image].hwc[1:]
    own = stem.records is not None
    return (
        *shape.scratch(1),
        Scratch("rows", 10 * _pitch(graph, stem)),
        Scratch("opened", 4 * _mix_words(depth) * width if stem.mix is not None else 0),
        Scratch("gathered", 16 * stem.pairs * SEGMENT if own else 0),
        Scratch("convolution", 4 * (8 + 2 * stem.pairs) * -(-shape.depth // 2) if own else 0),
        Scratch("lines", 2 * shape.width * shape.depth if own else 0),
    )


def _instructions(graph: Graph, stem: _Stem) -> int:
    """As counted by hand in the assembly; what compiled C costs is measured."""
    shape = stem.block.shape
    height, width, _ = graph[stem.image].hwc
    tiles = shape.row_pairs * shape.columns
    taken = 10 * stem.channels
    if stem.mix is not None:
        taken = 10 + 14 * stem.channels
    gather = tiles * (30 + 15 * stem.pairs // 2)
    conv = 0 if stem.records is None else tiles * -(-shape.depth // 2) * (11 * stem.pairs + 55)
    return height * width * taken + gather + conv + shape.instructions(1)


KERNELS = (Stem(),)
