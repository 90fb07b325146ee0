"""Are the bytes of a flatbuffer whole: does every table, string and vector of it lie within them?

Flatbuffers are read in place, so whoever follows an offset of a damaged file reads other memory or dies of
it. Here every offset that a reader of a .tflite follows is followed first, with its bounds. Source of the
layout: flatbuffers' "Internals" page; of the tables: TensorFlow's schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_TABLES = 200_000  # visited; flatbuffers' own verifier stops at a million


class Broken(Exception):
    """What is the matter, in words for a message."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Numbers side by side, `bytes` each; a string is one of bytes."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """What a table's fields are by their slot: bytes of a number, a Vector, a Table, a Union, or Tables in a
    vector. Slots that are not named are numbers of at most a byte's reach."""

    name: str
    fields: Mapping[int, int | Vector | Table | Tables | Union] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tables:
    """A vector of tables."""

    table: Table


@dataclass(frozen=True, slots=True)
class Union:
    """A table whose kind is the number in slot `kind`; kinds that are not named are tables of numbers
    alone."""

    kind: int
    tables: Mapping[int, Table]


class Walk:
    """One visit of all that hangs on the root."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._visited = 0

    def check(self, root: Table) -> None:
        """Raises Broken at the first thing that lies outside."""
        self._table(self._offset(0, root.name), root)

    def _number(self, place: int, code: str, what: str) -> int:
        try:
            (value,) = struct.unpack_from(f"<{code}", self._content, place)
        except struct.error:
            raise Broken(f"{what} lies outside the file's {len(self._content)} bytes") from None
        return int(value)

    def _offset(self, place: int, what: str) -> int:
        """Where the offset at `place` leads to, which is always onwards."""
        return place + self._number(place, "I", what)

    def _table(self, place: int, kind: Table) -> None:
        self._visited += 1
        if self._visited > MOST_TABLES:
            raise Broken(f"it has more than {MOST_TABLES:,} parts")
        slots = self._slots(place, kind.name)
        for slot, what in kind.fields.items():
            if slot >= len(slots) or not slots[slot]:
                continue
            at, name = place + slots[slot], f"{kind.name}, field {slot},"
            if isinstance(what, int):
                self._within(at, what, name)
            elif isinstance(what, Vector):
                self._vector(self._offset(at, name), what.bytes, name)
            elif isinstance(what, Table):
                self._table(self._offset(at, name), what)
            elif isinstance(what, Tables):
                self._tables(self._offset(at, name), what.table, name)
            else:
                chosen = (
                    self._content[place + slots[what.kind]]
                    if what.kind < len(slots) and slots[what.kind]
                    else 0
                )
                self._table(self._offset(at, name), what.tables.get(chosen, Table(kind.name)))

    def _slots(self, place: int, what: str) -> tuple[int, ...]:
        """A table's fields, as offsets from its beginning; 0 for one that is not there."""
        vtable = place - self._number(place, "i", what)
        if vtable < 0:
            raise Broken(f"{what} lies outside the file's {len(self._content)} bytes")
        length, size = self._number(vtable, "H", what), self._number(vtable + 2, "H", what)
        self._within(place, size, what)
        self._within(vtable, length, what)
        if length < 4 or length % 2:
            raise Broken(f"{what} has a list of fields of {length} bytes")
        slots = struct.unpack_from(f"<{length // 2 - 2}H", self._content, vtable + 4)
        if any(slot and not 4 <= slot < size for slot in slots):
            raise Broken(f"{what} has a field outside its {size} bytes")
        return slots

    def _tables(self, place: int, kind: Table, what: str) -> None:
        for index in range(self._vector(place, 4, what)):
            self._table(self._offset(place + 4 + 4 * index, what), kind)

    def _vector(self, place: int, size: int, what: str) -> int:
        """The length of a vector that lies within the file."""
        length = self._number(place, "I", what)
        self._within(place + 4, length * size, what)
        return length

    def _within(self, place: int, size: int, what: str) -> None:
        if place < 0 or place + size > len(self._content):
            raise Broken(f"{what} lies outside the file's {len(self._content)} bytes")
