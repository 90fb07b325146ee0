"""Arrays of any rank as five nested loops: `gm_walk` of c/walk.c."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tinytracker.compiler.kernels import Writer
from tinytracker.compiler.kernels.channels import initialiser

AXES = 5


def strides_of(shape: Sequence[int]) -> list[int]:
    """Distance in elements between neighbours along each axis of a contiguous array."""
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def broadcast_strides(shape: Sequence[int], onto: Sequence[int]) -> list[int]:
    """The same for an array read as one of shape `onto`: 0 where its one element is repeated."""
    padded = [1] * (len(onto) - len(shape)) + list(shape)
    return [0 if length == 1 else stride for length, stride in zip(padded, strides_of(padded), strict=True)]


def merged(lengths: Sequence[int], *strides: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    """The same walk in as few loops as can be: axes of length 1 left out, neighbours that continue each
    other joined."""
    kept: list[tuple[int, ...]] = []
    for length, *steps in zip(lengths, *strides, strict=True):
        if length == 1:
            continue
        if kept and all(outer == inner * length for outer, inner in zip(kept[-1][1:], steps, strict=True)):
            kept[-1] = (kept[-1][0] * length, *steps)
        else:
            kept.append((length, *steps))
    if not kept:
        kept = [(1, *([1] * len(strides)))]
    columns = [list(column) for column in zip(*kept, strict=True)]
    return columns[0], columns[1:]


def fits(lengths: Sequence[int]) -> bool:
    """Whether five loops are enough."""
    return len(lengths) <= AXES


def walk_record(
    writer: Writer, stem: str, lengths: Sequence[int], first: Sequence[int], second: Sequence[int] = ()
) -> str:
    """Adds a gm_walk; outer loops that are not needed go once. Gives its name."""
    missing = AXES - len(lengths)

    def filled(values: Sequence[int], neutral: int) -> str:
        return initialiser(*([neutral] * (AXES - len(values)) if len(values) < AXES else []), *values)

    assert missing >= 0
    return writer.record(
        "gm_walk", stem, initialiser(filled(lengths, 1), filled(first, 0), filled(second, 0))
    )
