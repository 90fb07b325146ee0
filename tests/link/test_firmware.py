"""The firmware's C, fed by hand, and whatever comes: under sanitizers and libFuzzer."""

from __future__ import annotations

import shutil
import struct
import subprocess

import numpy as np
import pytest

from tests.link.stub_board import (
    INPUT_BYTES,
    LINK,
    MODEL_HASH,
    ROW_BYTES,
    STRICT,
    STUB,
    build_board,
    needs_gcc,
    stub_outputs,
)
from tests.link.wires import Wire, picture
from tinytracker.link.link import BoardLink
from tinytracker.link.messages import BoardError, Kind, Message, Parser

pytestmark = needs_gcc


class TestFirmware:
    """The C, fed by hand."""

    def test_greets(self, board, takes_rows):
        link = BoardLink(Wire(board), "stub")
        hello = link.hello
        assert (hello.board, hello.model_hash, hello.frame_bytes) == ("a stub", MODEL_HASH, INPUT_BYTES)
        assert (hello.inputs[0].height, hello.inputs[0].width, hello.inputs[0].channels) == (40, 100, 1)
        assert hello.row_bytes == (ROW_BYTES if takes_rows else 0)
        assert (hello.outputs[0].scale, hello.outputs[0].zero_point) == (1 / 128, 3)
        assert (hello.count, hello.count_hz) == ("cycles", 1000)

    def test_computes(self, board):
        link = BoardLink(Wire(board), "stub")
        for seed in range(3):
            result = link.infer([picture(seed)])
            assert result.outputs[0].tolist() == stub_outputs(picture(seed))
            assert result.count == 7 * 4, "four pieces of 1000 bytes, each counted from before to after"
        assert link.stats.repeats == link.stats.stale == 0
        assert board_stats(link) == (3, 0, 0)

    def test_forgets_a_frame_given_up(self, board):
        link = BoardLink(Wire(board), "stub")
        for number in (7, 8):
            board.receive(Message(Kind.FRAME, 1, struct.pack("<II", number, INPUT_BYTES)).encode())
            board.receive(Message(Kind.ROWS, 2, struct.pack("<II", number, 0) + bytes(ROW_BYTES)).encode())
        assert link.infer([picture(1)]).outputs[0].tolist() == stub_outputs(picture(1))
        assert board_stats(link) == (1, 2, 0)

    @pytest.mark.parametrize(
        ("message", "error"),
        [
            (Message(Kind.FRAME, 5, struct.pack("<II", 1, INPUT_BYTES - 1)), BoardError.WRONG_SIZE),
            (Message(Kind.FRAME, 5, b""), BoardError.WRONG_SIZE),
            (Message(Kind.ROWS, 5, struct.pack("<II", 99, 0) + bytes(100)), BoardError.NO_FRAME),
            (Message(Kind.ROWS, 5, bytes(8)), BoardError.WRONG_SIZE),
            (Message(0x55, 5, b"what"), BoardError.UNKNOWN),
            (Message(Kind.HELLO, 5, b"", version=2), BoardError.UNKNOWN),
        ],
    )
    def test_refuses(self, board, message, error):
        board.receive(Message(Kind.HELLO, 1).encode())
        assert Parser().feed(board.receive(message.encode())) == [Message(Kind.ERROR, 5, bytes([error]))]

    def test_refuses_rows_of_a_wrong_length(self, board, takes_rows):
        board.receive(Message(Kind.HELLO, 1).encode())
        board.receive(Message(Kind.FRAME, 2, struct.pack("<II", 1, INPUT_BYTES)).encode())
        answer = Parser().feed(
            board.receive(Message(Kind.ROWS, 3, struct.pack("<II", 1, 0) + bytes(150)).encode())
        )[0]
        assert answer.kind == (Kind.ERROR if takes_rows else Kind.READY)
        answer = Parser().feed(
            board.receive(Message(Kind.ROWS, 4, struct.pack("<II", 1, 3900) + bytes(200)).encode())
        )[0]
        assert answer.kind == Kind.READY, "rows from elsewhere: the board says where it stands"

    def test_asks_for_a_greeting_after_a_restart(self, board):
        message = Message(Kind.FRAME, 5, struct.pack("<II", 1, INPUT_BYTES))
        assert Parser().feed(board.receive(message.encode())) == [
            Message(Kind.ERROR, 5, bytes([BoardError.NOT_GREETED]))
        ]


def board_stats(link: BoardLink) -> tuple[int, int, int]:
    stats = link.board_stats()
    return stats.frames, stats.dropped, stats.repeated


def test_firmware_is_safe_whatever_comes(tmp_path):
    """The C under AddressSanitizer and UBSan: seeded streams of damaged messages and garbage, in pieces of
    any size; after each it still greets."""
    program = build_board(
        tmp_path, True, ("-DFUZZ", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"), "fuzz"
    )
    rng = np.random.default_rng(11)
    records = bytearray()
    rounds = 1500
    for number in range(rounds):
        records += fuzz_round(rng)
        records += struct.pack("<I", 0xFFFFFFFF)  # idle: half a message is given up
        greeting = Message(Kind.HELLO, number).encode()
        records += struct.pack("<I", len(greeting)) + greeting
    done = subprocess.run([str(program)], input=bytes(records), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    parser = Parser()
    greeted = [message.sequence for message in parser.feed(done.stdout) if message.kind == Kind.HELLO_ANSWER]
    assert set(range(rounds)) <= set(greeted)
    assert (parser.damaged, parser.skipped) == (0, 0), "what the firmware sends is always whole"


FUZZER = ("-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")


@pytest.mark.parametrize("rows", [True, False])
def test_firmware_under_libfuzzer(tmp_path, rows):
    """stub/fuzz.c: whatever came before, a frame that follows is computed right. Minutes of it:
    -max_total_time=300."""
    if shutil.which("clang") is None:
        pytest.skip("clang, which brings libFuzzer, is not there")
    program = tmp_path / "fuzz"
    sources = [*LINK.glob("*.c"), *(STUB / name for name in ("gaze_model.c", "board.c", "fuzz.c"))]
    command = [
        "clang",
        *STRICT,
        *FUZZER,
        f"-DGAZE_MODEL_ROWS={int(rows)}",
        f"-I{LINK}",
        f"-I{STUB}",
        *sources,
        "-o",
        program,
        "-lm",
    ]
    built = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if "libclang_rt.fuzzer" in built.stderr:
        pytest.skip("clang is there without libFuzzer (libclang-rt-dev)")
    assert built.returncode == 0, built.stderr
    line = [str(program), "-runs=2000", "-seed=5", "-max_len=4096", "-len_control=0"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


def fuzz_round(rng: np.random.Generator) -> bytes:
    stream = bytearray()
    for _ in range(int(rng.integers(1, 5))):
        kind = int(rng.choice([1, 2, 3, 4, 0x81, 0xFF, int(rng.integers(256))]))
        number, offset = int(rng.integers(3)), int(rng.choice([0, 100, 3900, 4000, 0xFFFFFFF0]))
        body = struct.pack("<II", number, INPUT_BYTES if kind == 2 else offset) + rng.bytes(
            int(rng.integers(0, 1017))
        )
        encoded = bytearray(
            Message(kind, int(rng.integers(65536)), body[: 8 if kind == 2 else None]).encode()
        )
        for _ in range(int(rng.integers(0, 3))):
            encoded[int(rng.integers(len(encoded)))] = int(rng.integers(256))
        if rng.random() < 0.3:
            del encoded[int(rng.integers(len(encoded))) :]
        stream += encoded
    records = bytearray()
    while stream:
        taken = int(rng.integers(1, 700))
        records += struct.pack("<I", len(stream[:taken])) + stream[:taken]
        del stream[:taken]
    return bytes(records)
