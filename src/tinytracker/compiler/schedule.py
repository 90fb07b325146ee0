"""Which kernel computes which layers, and in which layout every tensor lies between them.

Every kernel is asked about every operator. Of the ways through the network that the offers make, including
rearrangements where one kernel writes another layout than the next one reads, the cheapest in instructions is
found by dynamic programming over the operators in order; a state is the layouts of the tensors alive at that
point. Then the memory is pressed: of the ways that are the cheapest for their fullest step's bytes the one is
taken whose instructions times bytes^`MEMORY` are least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinytracker.compiler.cpu import Cpu
from tinytracker.compiler.kernels import Kernel, Match
from tinytracker.compiler.kernels.convert import Convert
from tinytracker.compiler.layout import Layout, same_bytes
from tinytracker.errors import TargetError
from tinytracker.tflite.graph import Graph

MEMORY = 0.15  # percent of the instructions that are given for one percent of the memory
TOO_DEAR = 1.5  # times the cheapest way
MOST_STATES = 4096  # that a search keeps at one place in the graph; the released networks have four

_State = tuple[tuple[int, Layout], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """steps: matches in the order they run; instructions: their estimates' sum."""

    steps: tuple[Match, ...]
    instructions: int


@dataclass(frozen=True, slots=True)
class _Way:
    """The cheapest way to a state: its cost, the bytes of its fullest step, its last match with the
    rearrangements before it, and the way before."""

    cost: int
    bytes: int
    added: tuple[Match, ...]
    before: _Way | None


def make_schedule(graph: Graph, kernels: Sequence[Kernel], cpu: Cpu) -> Schedule:
    """Raises TargetError naming the layer if no kernel computes it."""
    offers = [
        [offer for kernel in kernels for offer in kernel.offers(graph, first, cpu)]
        for first in range(len(graph.ops))
    ]
    covered = {
        index
        for begun in offers
        for offer in begun
        for index in range(offer.first, offer.first + offer.count)
    }
    for index, op in enumerate(graph.ops):
        if index not in covered:
            raise TargetError(
                f"{op.layer} has a form no kernel computes: shapes with more than five axes to walk; "
                f"simplify it"
            )
    search = _Search(graph, offers)
    cheapest = way = search.cheapest(None)
    if cheapest is None:
        raise TargetError(f"{graph.name} cannot be computed by the kernels there are; simplify its layers")
    best = cheapest
    while way is not None and way.cost <= TOO_DEAR * cheapest.cost:
        best = min(best, way, key=_price)
        way = search.cheapest(way.bytes - 1) if way.bytes else None
    return Schedule(tuple(_steps(best)), best.cost)


def _price(way: _Way) -> float:
    return float(way.cost * max(way.bytes, 1) ** MEMORY)


class _Search:
    def __init__(self, graph: Graph, offers: list[list[Match]]) -> None:
        self._graph, self._offers = graph, offers
        self._alive = [self._alive_before(index) for index in range(len(graph.ops) + 1)]

    def cheapest(self, cap: int | None) -> _Way | None:
        """The cheapest way on which no step keeps more than `cap` bytes of tensors and scratch alive,
        inputs not counted."""
        graph = self._graph
        start = self._state({number: Layout.HWC for number in graph.inputs}, 0)
        ways: list[dict[_State, _Way]] = [{} for _ in range(len(graph.ops) + 1)]
        ways[0][start] = _Way(0, 0, (), None)
        for index, states in enumerate(ways[:-1]):
            for state, way in _most_promising(states):
                for offer in self._offers[index]:
                    self._extend(ways, index, dict(state), way, offer, cap)
        final = [self._finished(dict(state), way) for state, way in ways[-1].items()]
        return min(final, key=lambda way: way.cost, default=None)

    def _extend(
        self,
        ways: list[dict[_State, _Way]],
        index: int,
        layouts: dict[int, Layout],
        way: _Way,
        offer: Match,
        cap: int | None,
    ) -> None:
        added: list[Match] = []
        cost = way.cost + offer.instructions
        size = self._bytes(offer)
        for number, layout in offer.reads.items():
            if not same_bytes(layouts[number], layout, self._graph[number].hwc):
                rearranged = Convert.between(self._graph, number, index, layouts[number], layout)
                added.append(rearranged)
                cost += rearranged.instructions
                size = max(size, self._bytes(rearranged))
            layouts[number] = layout
        if cap is not None and size > cap:
            return
        after = index + offer.count
        state = self._state({**layouts, **offer.writes}, after)
        known = ways[after].get(state)
        if known is None or cost < known.cost:
            ways[after][state] = _Way(cost, max(size, way.bytes), (*added, offer), way)

    def _finished(self, layouts: dict[int, Layout], way: _Way) -> _Way:
        """Outputs in TFLite's order of elements; one that is listed twice is still one tensor."""
        graph = self._graph
        added = [
            Convert.between(graph, number, len(graph.ops), layouts[number], Layout.HWC)
            for number in dict.fromkeys(graph.outputs)
            if not same_bytes(layouts[number], Layout.HWC, graph[number].hwc)
        ]
        return _Way(way.cost + sum(match.instructions for match in added), way.bytes, tuple(added), way)

    def _state(self, layouts: dict[int, Layout], index: int) -> _State:
        """Layouts of what is alive. Ones of the same bytes are one: small tensors would make many states."""
        return tuple(sorted((number, self._plain(number, layouts[number])) for number in self._alive[index]))

    def _plain(self, number: int, layout: Layout) -> Layout:
        return Layout.HWC if same_bytes(layout, Layout.HWC, self._graph[number].hwc) else layout

    def _alive_before(self, index: int) -> tuple[int, ...]:
        """Computed tensors and inputs that an operator from `index` on, or the end, still reads."""
        graph = self._graph
        there = {*graph.inputs, *(number for op in graph.ops[:index] for number in op.outputs)}
        wanted = {*graph.outputs, *(number for op in graph.ops[index:] for number in op.inputs)}
        return tuple(sorted(there & wanted))

    def _bytes(self, match: Match) -> int:
        graph = self._graph
        index = min(match.first, len(graph.ops))
        alive = set(self._alive[index]) - set(graph.inputs)
        fresh = [number for number in match.writes if number not in match.views]
        after = set(self._alive[min(index + match.count, len(graph.ops))])
        saved = sum(
            graph[number].bytes
            for number, source in match.overwrites.items()
            if source in alive and source not in after and number in match.writes
        )
        return (
            sum(graph[number].bytes for number in alive)
            + sum(graph[number].bytes for number in fresh)
            + sum(scratch.bytes for scratch in match.scratch)
            - saved
        )


def _most_promising(states: dict[_State, _Way]) -> Iterable[tuple[_State, _Way]]:
    """All ways to a place, or the cheapest MOST_STATES: branches side by side have more than can be gone."""
    if len(states) <= MOST_STATES:
        return states.items()
    return sorted(states.items(), key=lambda entry: entry[1].cost)[:MOST_STATES]


def _steps(way: _Way) -> Iterator[Match]:
    if way.before is not None:
        yield from _steps(way.before)
    yield from way.added
