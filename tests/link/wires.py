"""A wire between a host and the stub board, and what happens on it."""

from __future__ import annotations

import time

import numpy as np

from tests.link.stub_board import INPUT_BYTES, CBoard


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, INPUT_BYTES).astype(np.int8)


class Wire:
    """A port whose other end is the board, with a function for what the wire does in each direction."""

    def __init__(self, board: CBoard, to_board=bytes, to_host=bytes, idle_after: int = 3) -> None:
        self.board, self.to_board, self.to_host = board, to_board, to_host
        self.waiting = bytearray()
        self._empty, self._idle_after = 0, idle_after

    @property
    def in_waiting(self) -> int:
        return len(self.waiting)

    def read(self, size: int = 1) -> bytes:
        if not self.waiting:
            time.sleep(0.001)
            self._empty += 1
            if self._empty == self._idle_after:  # the board's clock says that nothing more comes
                self.waiting += self.to_host(self.board.idle())
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        return data

    def write(self, data: bytes) -> None:
        self._empty = 0
        self.waiting += self.to_host(self.board.receive(self.to_board(data)))

    def close(self) -> None:
        pass


class Trouble:
    """Does something to some of the transfers, by a seeded generator."""

    def __init__(self, seed: int, share: float, what: str) -> None:
        self.rng, self.share, self.what = np.random.default_rng(seed), share, what

    def __call__(self, data: bytes) -> bytes:
        if not data or self.rng.random() > self.share:
            return data
        place = int(self.rng.integers(len(data)))
        if self.what == "lost":
            return data[:place] + data[place + int(self.rng.integers(1, 20)) :]
        if self.what == "changed":
            return data[:place] + bytes([data[place] ^ int(self.rng.integers(1, 256))]) + data[place + 1 :]
        if self.what == "garbage":
            return self.rng.bytes(int(self.rng.integers(1, 200))) + data + b"\xa5\x5a\x01"
        if self.what == "cut":
            return data[:place]
        return data + data if self.what == "twice" else b""
