"""Which kernel computes which layers, and in which layout every tensor lies between them.

Every kernel is asked about every place. Of the ways through the network that the offers make, including rearrangements where
one kernel writes another layout than the next one reads, the cheapest in instructions is found by dynamic programming over
the operators in order; a state is the layouts of the tensors alive at that point. Then the memory is pressed: of the ways
that are the cheapest for their fullest step's bytes the one is taken whose instructions times bytes^`MEMORY` are least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinytracker.errors import TargetError
from tinytracker.targets.mcu.cpu import Cpu
from tinytracker.targets.mcu.graph import Graph
from tinytracker.targets.mcu.kernels import Kernel, Match
from tinytracker.targets.mcu.kernels.convert import Convert
from tinytracker.targets.mcu.layout import Layout, same_bytes

MEMORY = 0.15  # percent of the instructions that are given for one percent of the memory
TOO_DEAR = 1.5  # times the cheapest way

_State = tuple[tuple[int, Layout], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """steps: matches in the order they run; instructions: their estimates' sum."""

    steps: tuple[Match, ...]
    instructions: int


@dataclass(frozen=True, slots=True)
class _Way:
    """The cheapest way to a state: its cost, the bytes of its fullest step, its last match with the rearrangements before it, and
    the way before."""

    cost: int
    bytes: int
    added: tuple[Match, ...]
    before: _Way | None


def make_schedule(graph: Graph, kernels: Sequence[Kernel], cpu: Cpu) -> Schedule:
    """Raises TargetError naming the layer if no kernel computes it."""
    offers = [[offer for kernel in kernels for offer in kernel.offers(graph, first, cpu)] for first in range(len(graph.ops))]
    for op, at in zip(graph.ops, offers, strict=True):
        if not at and not any(offer.first < op.place < offer.first + offer.count for place in offers for offer in place):
            raise TargetError(f"{op.layer} has a form no kernel computes: shapes with more than five axes to walk; simplify it")
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
    return way.cost * max(way.bytes, 1) ** MEMORY


class _Search:
    def __init__(self, graph: Graph, offers: list[list[Match]]) -> None:
        self._graph, self._offers = graph, offers
        self._alive = [self._alive_before(place) for place in range(len(graph.ops) + 1)]

    def cheapest(self, cap: int | None) -> _Way | None:
        """The cheapest way on which no step keeps more than `cap` bytes of tensors and scratch alive, inputs not counted."""
        graph = self._graph
        start = self._state({number: Layout.HWC for number in graph.inputs}, 0)
        ways: list[dict[_State, _Way]] = [{} for _ in range(len(graph.ops) + 1)]
        ways[0][start] = _Way(0, 0, (), None)
        for place, states in enumerate(ways[:-1]):
            for state, way in states.items():
                for offer in self._offers[place]:
                    self._extend(ways, place, dict(state), way, offer, cap)
        final = [self._finished(dict(state), way) for state, way in ways[-1].items()]
        return min(final, key=lambda way: way.cost, default=None)

    def _extend(
        self, ways: list[dict[_State, _Way]], place: int, layouts: dict[int, Layout], way: _Way, offer: Match, cap: int | None
    ) -> None:
        added: list[Match] = []
        cost = way.cost + offer.instructions
        size = self._bytes(offer)
        for number, layout in offer.reads.items():
            if not same_bytes(layouts[number], layout, self._graph[number].hwc):
                rearranged = Convert.between(self._graph, number, place, layouts[number], layout)
                added.append(rearranged)
                cost += rearranged.instructions
                size = max(size, self._bytes(rearranged))
            layouts[number] = layout
        if cap is not None and size > cap:
            return
        after = place + offer.count
        state = self._state({**layouts, **offer.writes}, after)
        known = ways[after].get(state)
        if known is None or cost < known.cost:
            ways[after][state] = _Way(cost, max(size, way.bytes), (*added, offer), way)

    def _finished(self, layouts: dict[int, Layout], way: _Way) -> _Way:
        """Outputs in TFLite's order."""
        graph = self._graph
        added = [
            Convert.between(graph, number, len(graph.ops), layouts[number], Layout.HWC)
            for number in graph.outputs
            if not same_bytes(layouts[number], Layout.HWC, graph[number].hwc)
        ]
        return _Way(way.cost + sum(match.instructions for match in added), way.bytes, tuple(added), way)

    def _state(self, layouts: dict[int, Layout], place: int) -> _State:
        return tuple(sorted((number, layouts[number]) for number in self._alive[place]))

    def _alive_before(self, place: int) -> tuple[int, ...]:
        """Computed tensors and inputs that an operator from `place` on, or the end, still reads."""
        graph = self._graph
        there = {*graph.inputs, *(number for op in graph.ops[:place] for number in op.outputs)}
        wanted = {*graph.outputs, *(number for op in graph.ops[place:] for number in op.inputs)}
        return tuple(sorted(there & wanted))

    def _bytes(self, match: Match) -> int:
        graph = self._graph
        place = min(match.first, len(graph.ops))
        alive = set(self._alive[place]) - set(graph.inputs)
        fresh = [number for number in match.writes if number not in match.views]
        after = set(self._alive[min(place + match.count, len(graph.ops))])
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


def _steps(way: _Way) -> Iterator[Match]:
    if way.before is not None:
        yield from _steps(way.before)
    yield from way.added
