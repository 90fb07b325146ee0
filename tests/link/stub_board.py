"""The stub network, the firmware's link round it as a library of this machine, and a board on a real
pseudo terminal."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import subprocess
import threading
import tty
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinytracker.compiler import compile_model
from tinytracker.targets.mcu import boards
from tinytracker.zoo import find

STUB = Path(__file__).parent / "stub"
LINK = boards.FOLDER / "link"
INPUT_BYTES = 4000
ROW_BYTES = 100
MODEL_HASH = 0x1234ABCD
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-pedantic", "-Werror")
needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="gcc is not there to compile the firmware's link"
)


def stub_files(rows: bool = True) -> dict[str, str]:
    """The stub as a compilation would give it: name -> text."""
    files = {name: (STUB / name).read_text() for name in ("gaze_model.h", "gaze_model.c")}
    if not rows:
        files["gaze_model.h"] = files["gaze_model.h"].replace(
            "#define GAZE_MODEL_ROWS 1", "#define GAZE_MODEL_ROWS 0"
        )
    return files


def stub_outputs(pixels: np.ndarray) -> list[int]:
    """What the stub network computes, int8: two sums over all pixels, the second weighted by place."""
    values = pixels.reshape(-1).view(np.uint8).astype(np.uint64)
    places = np.arange(1, len(values) + 1, dtype=np.uint64)
    weights = ((places * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) >> np.uint64(16)
    sums = (values.sum() & np.uint64(255), ((values * weights).sum() >> np.uint64(8)) & np.uint64(255))
    return [int(np.uint8(value).view(np.int8)) for value in sums]


def build_board(
    folder: Path, rows: bool = True, flags: tuple[str, ...] = ("-shared", "-fPIC"), name: str = "board.so"
) -> Path:
    """Compiles the link, the stub and stub/board.c with the local compiler."""
    return _build(folder / name, STUB, [*flags, f"-DGAZE_MODEL_ROWS={int(rows)}"])


def build_real_board(folder: Path, model: str) -> Path:
    """The same round a released network, compiled for this machine: as a board answers, at this machine's
    speed."""
    compile_model(find(model).path.read_bytes(), model).write(folder)
    return _build(folder / "board.so", folder, ["-shared", "-fPIC"])


def _build(out: Path, model: Path, flags: list[str]) -> Path:
    sources = [*LINK.glob("*.c"), model / "gaze_model.c", STUB / "board.c"]
    command = ["gcc", *STRICT, "-O1", *flags, f"-I{LINK}", f"-I{model}"]
    subprocess.run([*command, *map(str, sources), "-o", str(out), "-lm"], check=True)
    return out


class CBoard:
    """The firmware's link and the stub, in this process."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.board_receive.restype = self._library.board_idle.restype = ctypes.c_size_t
        self._answers = ctypes.create_string_buffer(1 << 20)
        self.reset()

    def reset(self) -> None:
        self._library.board_reset()

    def receive(self, data: bytes) -> bytes:
        room = ctypes.c_size_t(len(self._answers))
        length = self._library.board_receive(data, ctypes.c_size_t(len(data)), self._answers, room)
        return self._answers.raw[:length]

    def idle(self) -> bytes:
        return self._answers.raw[
            : self._library.board_idle(self._answers, ctypes.c_size_t(len(self._answers)))
        ]


class PtyBoard:
    """A board behind a pseudo terminal: `path` is what a host opens. `to_board`, `to_host`: what the wire
    does to bytes."""

    def __init__(
        self,
        board: CBoard,
        to_board: Callable[[bytes], bytes] = bytes,
        to_host: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.board = board
        self._to_board, self._to_host = to_board, to_host
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self._plugged = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Takes the terminal away. First the thread ends: its handle's number may be another terminal's
        soon."""
        if self._plugged:
            self._plugged = False
            self._thread.join(timeout=5.0)
            os.close(self._theirs)
            os.close(self._ours)

    def _serve(self) -> None:
        try:
            while self._plugged:
                if not select.select([self._ours], [], [], 0.02)[0]:
                    continue
                answer = self._to_host(self.board.receive(self._to_board(os.read(self._ours, 4096))))
                while answer:
                    answer = answer[os.write(self._ours, answer) :]
        except OSError:  # the host closed its side
            return
