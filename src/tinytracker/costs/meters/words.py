"""The PPK2's stream of 32-bit words, whose counter of six bits (from bit 18) tells lost words and, after lost
bytes, where words begin.

Pure: bytes in, words and gaps out, so that it can be fed anything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COUNT = 64
LOOK = 8  # consecutive counters that prove an alignment: three wrong ones in 64^8 pass
DOUBTED = 3  # words in front of a gap that are not believed
REACH = 4096  # bytes searched for one before they are given up


class WordStream:
    """shifts: how often the alignment was lost and found again."""

    def __init__(self) -> None:
        self._words: list[NDArray[np.uint32]] = []
        self._gaps: list[tuple[int, int]] = []  # (index of the word behind the gap, words missing)
        self._waiting = b""
        self._expected: int | None = None
        self._count = 0
        self._given_up = 0
        self.shifts = 0

    def feed(self, data: bytes) -> None:
        """Takes bytes in, in pieces of any size."""
        self._waiting += data
        self._take(last=False)

    def finish(self) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """All words in time, and which of them are stand-ins (0) for lost ones."""
        self._take(last=True)
        words = np.concatenate(self._words) if self._words else np.empty(0, np.uint32)
        lost = np.zeros(len(words), bool)
        if not self._gaps:
            return words, lost
        # The words about a gap may be halves of two, with a counter that fits: one behind it; in front of it
        # one for certain, and each further one once in 64, as what a lost byte has shifted is read until a
        # counter differs.
        beside = np.array([index for index, _ in self._gaps])
        for step in range(-DOUBTED, 1):
            lost[np.clip(beside + step, 0, len(words) - 1)] = True
        where = np.repeat(beside, [missing for _, missing in self._gaps])
        return np.insert(words, where, 0), np.insert(lost, where, True)

    def _take(self, last: bool) -> None:
        while len(self._waiting) >= 4:
            whole = np.frombuffer(self._waiting, "<u4", len(self._waiting) // 4)
            counters = _counters(whole)
            if self._expected is None:
                if not self._align(last):
                    return
                continue
            wrong = counters != (self._expected + np.arange(len(whole), dtype=np.uint32)) % COUNT
            good = int(np.argmax(wrong)) if wrong.any() else len(whole)
            self._keep(whole[:good].copy())
            self._waiting = self._waiting[4 * good :]
            if good < len(whole) and not self._align(last):
                return

    def _keep(self, words: NDArray[np.uint32]) -> None:
        if len(words):
            self._words.append(words)
            self._count += len(words)
            self._expected = (int(_counters(words[-1:])[0]) + 1) % COUNT

    def _align(self, last: bool) -> bool:
        """Finds where words go on; False if more bytes are needed to know."""
        offset = _alignment(self._waiting)
        if offset is None:
            if last or len(self._waiting) > REACH:
                dropped = len(self._waiting) if last else len(self._waiting) - 4 * LOOK - 3
                self._given_up += dropped
                self._waiting = self._waiting[dropped:]
                return not last
            return False
        first = int(_counters(np.frombuffer(self._waiting, "<u4", 1, offset))[0])
        if self._expected is not None:
            # The counter says how many are missing up to a multiple of 64; the bytes given up say at least
            # how many.
            at_least = (self._given_up + offset) // 4
            missing = (first - self._expected) % COUNT
            missing += max(0, -(-(at_least - missing) // COUNT)) * COUNT if at_least > missing else 0
            if missing:
                self._gaps.append((self._count, missing))
            if offset % 4 or self._given_up:
                self.shifts += 1
        self._waiting = self._waiting[offset:]
        self._expected, self._given_up = first, 0
        return True


def _counters(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (words >> np.uint32(18)) & np.uint32(COUNT - 1)


def _alignment(data: bytes) -> int | None:
    """The first byte from which LOOK words have consecutive counters, or None."""
    for begin in range(0, max(0, len(data) - 4 * LOOK + 1)):
        counters = _counters(np.frombuffer(data, "<u4", LOOK, begin))
        if np.all(np.diff(counters) % COUNT == 1):
            return begin
    return None
