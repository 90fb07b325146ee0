"""Where every tensor and scratch buffer lies in the arena, and when: data that C, a report and a picture are
made from.

A tensor lives from the step that writes it to the last that reads it, scratch during its step. Buffers that
are alive at the same time lie apart; of several orders of placing them, each into the lowest gap that fits,
the one with the lowest top is taken. A view is its source's memory; an output may take over an input that
dies there, where the kernel allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tinytracker.compiler.kernels import ALIGNMENT, SLACK, Match
from tinytracker.tflite.graph import Graph

BEFORE = -1  # the step before the first, when inputs are laid in place


@dataclass(frozen=True, slots=True)
class Buffer:
    """name: for people. bytes: wanted. first, last: steps during which it is alive. offset: into the
    arena, in bytes."""

    name: str
    bytes: int
    first: int
    last: int
    offset: int


@dataclass(frozen=True, slots=True)
class Places:
    """Offsets in the arena that one step works on: of the tensors it reads and writes, by number, and of
    its scratch."""

    reads: dict[int, int]
    writes: dict[int, int]
    scratch: dict[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """buffers: in the order they come alive, inputs last. steps: for each step its places. inputs, outputs:
    offsets of the network's. work_bytes: all but the inputs, which lie behind; arena_bytes: with them."""

    buffers: tuple[Buffer, ...]
    steps: tuple[Places, ...]
    inputs: dict[int, int]
    outputs: dict[int, int]
    work_bytes: int
    arena_bytes: int


@dataclass(slots=True, eq=False)
class _Block:
    """One piece of memory, what lies in it one after the other, and the steps during which any of it
    lives."""

    names: list[str]
    bytes: int
    first: int
    last: int
    is_input: bool = False
    offset: int = 0


@dataclass(slots=True)
class _Blocks:
    """all: in the order they come alive. inputs: the network's. reads, writes, scratch: per step."""

    all: list[_Block] = field(default_factory=list)
    inputs: dict[int, _Block] = field(default_factory=dict)
    reads: list[dict[int, _Block]] = field(default_factory=list)
    writes: list[dict[int, _Block]] = field(default_factory=list)
    scratch: list[dict[str, _Block]] = field(default_factory=list)
    now: dict[int, _Block] = field(default_factory=dict)


def make_plan(graph: Graph, steps: Sequence[Match], reserved: int = 0, keep_input: bool = True) -> Plan:
    """reserved: bytes at the arena's beginning that are none of the plan's business. keep_input: inputs have
    memory of their own; else they lie in the work area and are overwritten once they have been read."""
    blocks = _blocks(graph, steps, keep_input)
    work = [block for block in blocks.all if not block.is_input]
    offsets = min((_placed(work, order) for order in _ORDERS), key=lambda found: _top(work, found))
    for block, offset in zip(work, offsets, strict=True):
        block.offset = reserved + offset
    end = work_bytes = _aligned(reserved + _top(work, offsets) + SLACK)
    for block in blocks.all:
        if block.is_input:
            block.offset, end = end, _aligned(end + block.bytes)
    return Plan(
        tuple(
            Buffer(" = ".join(b.names), b.bytes, b.first, b.last, b.offset)
            for b in (*work, *(b for b in blocks.all if b.is_input))
        ),
        tuple(
            Places(*({name: block.offset for name, block in part.items()} for part in parts))  # type: ignore[arg-type]
            for parts in zip(blocks.reads, blocks.writes, blocks.scratch, strict=True)
        ),
        {number: blocks.inputs[number].offset for number in graph.inputs},
        {number: blocks.now[number].offset for number in graph.outputs},
        work_bytes,
        _aligned(end + SLACK) if end > work_bytes else work_bytes,
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _blocks(graph: Graph, steps: Sequence[Match], keep_input: bool) -> _Blocks:
    """Every buffer with its lifetime; views and overwritten inputs share one."""
    last_read = _last_reads(graph, steps)
    blocks = _Blocks()
    for number in graph.inputs:
        last = len(steps) if keep_input else last_read[BEFORE, number]
        block = _Block([graph[number].name], graph[number].bytes, BEFORE, last, is_input=keep_input)
        blocks.all.append(block)
        blocks.inputs[number] = blocks.now[number] = block
    for index, step in enumerate(steps):
        blocks.reads.append({number: blocks.now[number] for number in step.reads})
        blocks.scratch.append(
            {s.name: _Block([f"{s.name} (step {index})"], s.bytes, index, index) for s in step.scratch}
        )
        blocks.all += blocks.scratch[-1].values()
        written = {}
        for number in step.writes:
            last = last_read[index, number]
            shared = _shared_block(step, index, number, blocks)
            if shared is None:
                shared = _Block([], 0, index, index)
                blocks.all.append(shared)
            shared.names.append(graph[number].name)
            shared.bytes = max(shared.bytes, graph[number].bytes)
            shared.last = max(shared.last, last)
            written[number] = shared
        blocks.writes.append(written)
        blocks.now.update(written)
    return blocks


def _shared_block(step: Match, index: int, number: int, blocks: _Blocks) -> _Block | None:
    """The block an output takes over from an input; None: it needs one of its own."""
    if number in step.views:
        return blocks.now[step.views[number]]
    source = step.overwrites.get(number)
    if source is None:
        return None
    block = blocks.now[source]
    taken = any(step.overwrites.get(other) == source for other in step.writes if other != number)
    return None if block.is_input or block.last > index or taken else block


def _last_reads(graph: Graph, steps: Sequence[Match]) -> dict[tuple[int, int], int]:
    """(step that writes, tensor) -> the last step that reads it there or through a view; the end for
    outputs."""
    last: dict[tuple[int, int], int] = {}
    readers: dict[int, int] = dict.fromkeys(graph.outputs, len(steps))  # by tensor, of what is written before
    for index in reversed(range(len(steps))):
        step = steps[index]
        for number in step.writes:
            last[index, number] = readers.pop(number, index)
        for number in step.reads:
            readers[number] = max(readers.get(number, 0), index)
        for view, source in step.views.items():
            readers[source] = max(readers.get(source, 0), last[index, view])
    for number in graph.inputs:
        last[BEFORE, number] = readers.pop(number, BEFORE)
    return last


def _top(blocks: Sequence[_Block], offsets: Sequence[int]) -> int:
    return max((offset + block.bytes for block, offset in zip(blocks, offsets, strict=True)), default=0)


_ORDERS: tuple[Callable[[_Block], tuple[int, ...]], ...] = (
    lambda block: (-block.bytes, block.first),
    lambda block: (-(block.last - block.first), -block.bytes),
    lambda block: (-block.bytes * (block.last - block.first + 1), block.first),
    lambda block: (block.first, -block.bytes),
    lambda block: (-block.last, -block.bytes),
)


def _placed(blocks: Sequence[_Block], order: Callable[[_Block], tuple[int, ...]]) -> list[int]:
    """Offsets, each block in turn into the lowest gap between those it lives together with."""
    offsets = [0] * len(blocks)
    done: list[int] = []
    for index in sorted(range(len(blocks)), key=lambda i: order(blocks[i])):
        block = blocks[index]
        spans = sorted(
            (offsets[other], offsets[other] + _aligned(blocks[other].bytes))
            for other in done
            if blocks[other].first <= block.last and block.first <= blocks[other].last
        )
        offset = 0
        for begin, end in spans:
            if offset + block.bytes <= begin:
                break
            offset = max(offset, end)
        offsets[index] = offset
        done.append(index)
    return offsets
