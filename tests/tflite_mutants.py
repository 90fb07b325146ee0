"""Damaged .tflite files: seeded mutants of whole ones, byte by byte, word by word, cut and spliced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

WORDS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    127,
    128,
    255,
    256,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7F800000,
    0x7FC00000,
)


def mutants(whole: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` mutants, each of one file and damaged in one to four places; most in its tables, few in its
    weights."""
    rng = np.random.default_rng(seed)
    structures = [_structure(content) for content in whole]
    for _ in range(count):
        chosen = int(rng.integers(len(whole)))
        content = bytearray(whole[chosen])
        for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
            _damage(content, structures[chosen], rng)
        yield bytes(content)


def _structure(content: bytes) -> np.ndarray:
    """Places of 4-byte words outside the long runs of weights: where words are small, as offsets and
    lengths are."""
    words = np.frombuffer(content[: len(content) // 4 * 4], "<u4")
    small = (words < len(content)) | (words > 2**32 - len(content))
    dense = np.convolve(small, np.ones(9) / 9, "same") > 0.5
    return np.flatnonzero(dense) * 4


def _damage(content: bytearray, structure: np.ndarray, rng: np.random.Generator) -> None:
    luck, place = rng.random(), int(rng.choice(structure))
    place = min(place, max(len(content) - 8, 0))
    if luck < 0.35:
        content[place + int(rng.integers(4))] = int(rng.integers(256))
    elif luck < 0.45:
        content[place + int(rng.integers(4))] ^= 1 << int(rng.integers(8))
    elif luck < 0.75:
        content[place : place + 4] = int(rng.choice(WORDS)).to_bytes(4, "little")
    elif luck < 0.85:  # another place's word
        other = min(int(rng.choice(structure)), len(content) - 4)
        content[place : place + 4] = content[other : other + 4]
    elif luck < 0.95:  # a little more or less
        value = int.from_bytes(content[place : place + 4], "little") + int(rng.choice([-4, -2, -1, 1, 2, 4]))
        content[place : place + 4] = (value % 2**32).to_bytes(4, "little")
    else:
        del content[int(rng.integers(len(content))) :]
        content.extend(bytes(8))
