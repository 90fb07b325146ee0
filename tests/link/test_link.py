"""The serial link: the firmware's C against the host's Python, over wires that lose, change and invent
bytes."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.stub_board import (
    INPUT_BYTES,
    LINK,
    MODEL_HASH,
    ROW_BYTES,
    STRICT,
    STUB,
    CBoard,
    PtyBoard,
    build_board,
    stub_outputs,
)
from tinytracker.errors import DeviceError
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg
from tinytracker.link.link import BoardLink, open_port
from tinytracker.link.messages import (
    PAYLOAD_MAX,
    BoardCalibration,
    BoardError,
    BoardStats,
    BoardTensor,
    Hello,
    Kind,
    Message,
    Parser,
)

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="gcc is not there to compile the firmware's link"
)


@pytest.fixture(scope="module", params=[True, False], ids=["rows", "whole"])
def library(request, tmp_path_factory):
    return build_board(tmp_path_factory.mktemp("board"), rows=request.param), request.param


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    return {rows: build_board(tmp_path_factory.mktemp("board"), rows=rows) for rows in (True, False)}


@pytest.fixture(scope="module")
def one_library(libraries):
    return libraries[True]


@pytest.fixture
def board(library):
    return CBoard(library[0])


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


PIECES = st.one_of(
    st.binary(max_size=30),
    st.just(b"\xa5\x5a\x01\x02"),
    st.builds(lambda payload: Message(Kind.HELLO, 9, payload).encode(), st.binary(max_size=8)),
)


def damaged(kind: int, payload: bytes, place: int, flip: int) -> bytes:
    encoded = bytearray(Message(kind, 7, payload).encode())
    encoded[place % len(encoded)] ^= flip
    return bytes(encoded)


MESSAGES = st.one_of(
    st.builds(
        lambda kind, payload: Message(kind, 7, payload).encode(), st.integers(0, 255), st.binary(max_size=60)
    ),
    st.builds(
        damaged, st.integers(0, 255), st.binary(max_size=60), st.integers(0, 1 << 16), st.integers(0, 255)
    ),
)


class TestMessages:
    @settings(deadline=None)
    @given(
        kind=st.integers(0, 255),
        sequence=st.integers(0, 65535),
        payload=st.binary(max_size=PAYLOAD_MAX),
        cuts=st.data(),
    )
    def test_any_message_survives_any_cut(self, kind, sequence, payload, cuts):
        message = Message(kind, sequence, payload)
        encoded = message.encode()
        cut = cuts.draw(st.integers(0, len(encoded)))
        parser = Parser()
        assert [*parser.feed(encoded[:cut]), *parser.feed(encoded[cut:])] == [message]
        assert (parser.damaged, parser.skipped) == (0, 0)

    @settings(max_examples=200, deadline=None)
    @given(
        payloads=st.lists(st.binary(max_size=60), min_size=2, max_size=6),
        garbage=st.lists(st.binary(max_size=40), min_size=7, max_size=7),
        data=st.data(),
    )
    def test_only_the_damaged_message_is_lost(self, payloads, garbage, data):
        """One message loses a byte or has one changed, and garbage lies between: all others arrive, in
        order."""
        messages = [Message(Kind.ROWS, k, payload) for k, payload in enumerate(payloads)]
        hurt = data.draw(st.integers(0, len(messages) - 1))
        stream = bytearray()
        for k, message in enumerate(messages):
            stream += garbage[k]
            encoded = bytearray(message.encode())
            if k == hurt:
                place = data.draw(st.integers(0, len(encoded) - 1))
                if data.draw(st.booleans()):
                    del encoded[place]
                else:
                    encoded[place] ^= data.draw(st.integers(1, 255))
            stream += encoded
        parser = Parser()
        step = data.draw(st.integers(1, 50))
        got = [
            message
            for at in range(0, len(stream), step)
            for message in parser.feed(bytes(stream[at : at + step]))
        ]
        got += parser.give_up()
        assert [message for message in got if message.sequence != hurt] == [
            m for m in messages if m.sequence != hurt
        ]
        mended = messages[hurt].encode() in bytes(
            stream
        )  # by garbage that ends in the very byte that was lost
        assert (messages[hurt] in got) == mended

    @settings(max_examples=100, deadline=None)
    @given(stream=st.lists(PIECES))
    def test_anything_at_all_does_no_harm(self, stream):
        parser = Parser()
        for piece in stream:
            parser.feed(piece)
        parser.give_up()
        assert parser.feed(Message(Kind.STATS, 1).encode()) == [Message(Kind.STATS, 1)]

    def test_a_check_value_is_zlibs(self):
        """The wire's bytes, written out: so that another implementation can be checked against these."""
        assert (
            Message(Kind.HELLO, 0x0102).encode().hex()
            == "a55a010102010000"
            + struct.pack("<H", zlib.crc32(bytes.fromhex("010102010000")) & 0xFFFF).hex()
            + struct.pack("<I", zlib.crc32(Message(Kind.HELLO, 0x0102).encode()[2:-4])).hex()
        )

    @settings(deadline=None)
    @given(payload=st.binary(max_size=200))
    def test_a_strange_greeting_is_an_error_not_a_crash(self, payload):
        try:
            hello = Hello.decode(payload)
        except ValueError:
            return
        assert len(hello.inputs) + len(hello.outputs) == payload[14] + payload[15]


@settings(max_examples=150, deadline=None)
@given(stream=st.lists(PIECES | MESSAGES, max_size=12), step=st.integers(1, 400))
def test_firmware_and_host_read_a_stream_alike(one_library, stream, step) -> None:
    """Whatever comes, the C and the Python find the same messages, and count the same damage."""
    board, parser, joined = CBoard(one_library), Parser(), b"".join(stream)
    for at in range(0, len(joined), step):
        board.receive(joined[at : at + step])
        parser.feed(joined[at : at + step])
    board.idle()
    parser.give_up()
    ours = count_messages(joined, step)
    answer = Parser().feed(board.receive(Message(Kind.STATS, 1).encode()))[0]
    theirs = BoardStats.decode(answer.payload)
    assert (theirs.messages - 1, theirs.damaged, theirs.skipped_bytes) == (
        ours,
        parser.damaged,
        parser.skipped,
    )


def count_messages(stream: bytes, step: int) -> int:
    parser = Parser()
    found = [message for at in range(0, len(stream), step) for message in parser.feed(stream[at : at + step])]
    return len(found) + len(parser.give_up())


class TestFirmware:
    """The C, fed by hand."""

    def test_greets(self, board, library):
        link = BoardLink(Wire(board), "stub")
        hello = link.hello
        assert (hello.board, hello.model_hash, hello.frame_bytes) == ("a stub", MODEL_HASH, INPUT_BYTES)
        assert (hello.inputs[0].height, hello.inputs[0].width, hello.inputs[0].channels) == (40, 100, 1)
        assert hello.row_bytes == (ROW_BYTES if library[1] else 0)
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

    def test_refuses_rows_of_a_wrong_length(self, board, library):
        board.receive(Message(Kind.HELLO, 1).encode())
        board.receive(Message(Kind.FRAME, 2, struct.pack("<II", 1, INPUT_BYTES)).encode())
        answer = Parser().feed(
            board.receive(Message(Kind.ROWS, 3, struct.pack("<II", 1, 0) + bytes(150)).encode())
        )[0]
        assert answer.kind == (Kind.ERROR if library[1] else Kind.READY)
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


@pytest.mark.parametrize("what", ["lost", "changed", "garbage", "cut", "twice", "nothing"])
@pytest.mark.parametrize("direction", ["to_board", "to_host"])
def test_every_frame_arrives_over_a_bad_wire(board, what, direction):
    trouble = Trouble(5, 0.0, what)
    link = BoardLink(Wire(board, **{direction: trouble}), "stub", timeout_s=0.03, tries=12)
    trouble.share = 0.2
    for seed in range(25):
        assert link.infer([picture(seed)]).outputs[0].tolist() == stub_outputs(picture(seed)), seed
    trouble.share = 0.0
    stats = link.board_stats()
    assert stats.frames >= 25
    if what != "twice":
        assert link.stats.repeats + link.stats.skipped_bytes + stats.skipped_bytes > 0, "nothing happened"
    else:
        assert link.stats.stale > 0


TROUBLES = st.lists(
    st.tuples(
        st.sampled_from(["lost", "changed", "garbage", "cut", "twice", "nothing", "reset"]),
        st.booleans(),
        st.integers(0, 1 << 16),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(troubles=TROUBLES, gap=st.integers(1, 5), rows=st.booleans())
def test_every_frame_arrives_whatever_happens(libraries, troubles, gap, rows) -> None:
    """Troubles in both directions and restarts, every `gap` transfers, as many as there are: no frame is
    lost or wrong."""
    board = CBoard(libraries[rows])
    left, transfers = list(troubles), 0

    def trouble(to_board: bool):
        def happen(data: bytes) -> bytes:
            nonlocal transfers
            transfers += 1
            if not data or not left or transfers < 3 or transfers % gap or left[0][1] != to_board:
                return data
            what, _, seed = left.pop(0)
            if what == "reset":
                board.reset()
                return data
            return Trouble(seed, 1.0, what)(data)

        return happen

    link = BoardLink(Wire(board, trouble(True), trouble(False)), "stub", timeout_s=0.02, tries=12)
    for seed in range(3):
        assert link.infer([picture(seed)]).outputs[0].tolist() == stub_outputs(picture(seed))


class Liar:
    """A port whose board answers every question with whatever it likes, rightly sealed."""

    def __init__(self, answers: list[tuple[int, bytes, int]], hello: bytes) -> None:
        self.answers, self.hello, self.waiting = list(answers), hello, bytearray()

    @property
    def in_waiting(self) -> int:
        return len(self.waiting)

    def read(self, size: int = 1) -> bytes:
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        return data

    def write(self, data: bytes) -> None:
        (question,) = Parser().feed(data)
        if question.kind == Kind.HELLO and self.hello:
            self.waiting += Message(Kind.HELLO_ANSWER, question.sequence, self.hello).encode()
            self.hello = b""
        elif self.answers:
            kind, payload, late = self.answers.pop(0)
            self.waiting += Message(kind, (question.sequence - late) & 0xFFFF, payload).encode()

    def close(self) -> None:
        pass


@settings(max_examples=150, deadline=None)
@given(
    answers=st.lists(
        st.tuples(
            st.sampled_from([*Kind]),
            st.one_of(
                st.binary(max_size=24), st.builds(struct.Struct("<II").pack, st.just(1), st.integers(0, 5000))
            ),
            st.sampled_from([0, 0, 0, 1]),
        ),
        max_size=6,
    ),
    hello=st.one_of(st.just(b""), st.binary(min_size=1, max_size=90), st.integers(0, 1 << 30)),
)
def test_a_board_that_lies_is_an_error_not_a_crash(one_library, answers, hello) -> None:
    """Well-formed messages with any content: the host gives a result of the size greeted with, or says
    what is wrong."""
    if isinstance(hello, int):  # a real greeting with one byte changed, or none
        real = Parser().feed(CBoard(one_library).receive(Message(Kind.HELLO, 1).encode()))[0].payload
        place = hello % (2 * len(real))
        hello = real if place >= len(real) else real[:place] + bytes([hello >> 20 & 255]) + real[place + 1 :]
    try:
        link = BoardLink(Liar(answers, hello), "a liar", timeout_s=0.002, tries=2)
        inputs = [np.zeros(tensor.bytes, np.int8) for tensor in link.hello.inputs if tensor.bytes < 1 << 20]
        result = link.infer(inputs)
    except DeviceError:
        return
    assert [len(values) for values in result.outputs] == [tensor.bytes for tensor in link.hello.outputs]


def test_a_restarted_board_gets_the_frame_again(board):
    transfers = 0

    def restart(data: bytes) -> bytes:
        nonlocal transfers
        transfers += 1
        if transfers == 4:
            board.reset()
        return data

    link = BoardLink(Wire(board, to_board=restart), "stub", timeout_s=0.05)
    assert link.infer([picture(3)]).outputs[0].tolist() == stub_outputs(picture(3))
    assert link.stats.restarts == 1


class TestPty:
    """The same over a pseudo terminal, with pyserial."""

    def test_computes_over_a_bad_wire(self, board):
        trouble = Trouble(9, 0.0, "lost")
        wire = PtyBoard(board, to_board=trouble)
        link = BoardLink(open_port(wire.path), wire.path, timeout_s=0.1, tries=12)
        trouble.share = 0.1
        for seed in range(8):
            assert link.infer([picture(seed)]).outputs[0].tolist() == stub_outputs(picture(seed))
        assert link.stats.repeats > 0
        link.close()
        wire.unplug()

    def test_silent_board(self, board):
        wire = PtyBoard(board, to_host=lambda data: b"")
        with pytest.raises(DeviceError, match="is silent"):
            BoardLink(open_port(wire.path), wire.path, timeout_s=0.05, tries=2)
        wire.unplug()

    def test_another_device(self, board):
        wire = PtyBoard(board, to_host=lambda data: b"AT+OK\r\n" * 3)
        with pytest.raises(DeviceError, match="sends bytes but no answer"):
            BoardLink(open_port(wire.path), wire.path, timeout_s=0.05, tries=2)
        wire.unplug()

    def test_unplugged(self, board):
        wire = PtyBoard(board)
        link = BoardLink(open_port(wire.path), wire.path, timeout_s=0.2, tries=2)
        link.infer([picture(0)])
        wire.unplug()
        with pytest.raises(DeviceError, match="unplugged"):
            link.infer([picture(1)])

    def test_no_such_port(self):
        with pytest.raises(DeviceError, match="cannot open /dev/ttyNONE9"):
            open_port("/dev/ttyNONE9")


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


def test_statistics_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected 24"):
        BoardStats.decode(bytes(23))


class TestBlocks:
    def test_the_board_computes_as_often_as_asked_and_counts(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        link.infer([picture(1)])
        assert (
            link.run_block(5, marked=True, timeout_s=1.0) == 5 * 7
        )  # the stub's counter goes on by 7 each time it is asked
        outputs = link.infer([picture(2)]).outputs
        assert np.concatenate(outputs).tolist() == stub_outputs(picture(2)), (
            "a frame after a block is computed as ever"
        )

    def test_a_lost_answer_is_sent_again_and_nothing_runs_twice(self, board) -> None:
        """The first answer to BLOCK is swallowed: the second is of the same block, as the counter shows."""
        answers = []

        def swallow(data: bytes) -> bytes:
            if data[3:4] == bytes([Kind.BLOCK_ANSWER]):
                answers.append(data)
                return b"" if len(answers) == 1 else data
            return data

        link = BoardLink(Wire(board, to_host=swallow), "the stub", timeout_s=0.1)
        assert link.run_block(3, marked=False, timeout_s=0.1) == 3 * 7
        assert len(answers) == 2
        assert answers[0] == answers[1]
        assert link.run_block(3, marked=False, timeout_s=0.1) == 3 * 7
        assert answers[2] != answers[1], "another question is another block"

    def test_chains_are_counted_and_marked(self, board) -> None:
        pictures, marks = (
            ctypes.c_int.in_dll(board._library, name) for name in ("board_pictures", "board_marks")
        )
        link = BoardLink(Wire(board), "the stub")
        pictures.value, marks.value = 5, 0
        assert link.run_block(5, marked=True, timeout_s=1.0, chain=True) == 5 * 7
        assert (pictures.value, marks.value) == (0, 2)

    def test_a_camera_that_stops_in_a_block_is_told(self, board) -> None:
        ctypes.c_int.in_dll(board._library, "board_pictures").value = 3
        link = BoardLink(Wire(board), "the stub")
        with pytest.raises(DeviceError, match="no picture from a camera"):
            link.run_block(5, marked=False, timeout_s=1.0, chain=True)
        assert link.run_block(5, marked=False, timeout_s=1.0) == 5 * 7, "the network still runs"


class TestCalibration:
    NUMBERS = BoardCalibration(40.0, 55.0, (0.8, 0.06, -0.02), (-3.0, 0.03, 0.2))

    def expected_cm(self, outputs: tuple[np.ndarray, ...], tensor: BoardTensor) -> tuple[float, float]:
        """The host's arithmetic, in double."""
        real = (np.concatenate(outputs)[:2].astype(float) - tensor.zero_point) * tensor.scale
        x_cm, y_cm = real * self.NUMBERS.unit_cm
        deg = np.array([1.0, *visual_angle_deg(x_cm, y_cm, self.NUMBERS.distance_cm)])
        moved = deg[1] + np.dot(self.NUMBERS.right, deg), deg[2] + np.dot(self.NUMBERS.up, deg)
        x_cm, y_cm = point_at_angle_cm(*moved, self.NUMBERS.distance_cm)
        return float(x_cm), float(y_cm)

    def test_the_board_gives_the_hosts_point_until_it_is_taken_back(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        assert link.infer([picture(1)]).point_cm is None
        link.calibrate(self.NUMBERS)
        answer = link.infer([picture(2)])
        assert np.concatenate(answer.outputs).tolist() == stub_outputs(picture(2))
        (tensor, *_) = link.hello.outputs
        assert answer.point_cm == pytest.approx(self.expected_cm(answer.outputs, tensor), abs=1e-4)
        link.calibrate(None)
        assert link.infer([picture(2)]).point_cm is None

    def test_a_board_that_restarts_gets_it_again(self, board) -> None:
        link = BoardLink(Wire(board), "the stub")
        link.calibrate(self.NUMBERS)
        before = link.infer([picture(3)])
        board.reset()
        assert link.infer([picture(3)]).point_cm == before.point_cm
        assert link.stats.restarts == 1

    def test_another_host_does_not_inherit_it(self, board) -> None:
        BoardLink(Wire(board), "the stub").calibrate(self.NUMBERS)
        assert BoardLink(Wire(board), "the stub").infer([picture(4)]).point_cm is None

    def test_firmware_that_knows_none_says_so(self, board) -> None:
        def older(data: bytes) -> bytes:
            if data[3:4] == bytes([Kind.CALIBRATE]):
                return Message(0x70, int.from_bytes(data[4:6], "little")).encode()
            return data

        with pytest.raises(DeviceError, match="takes no calibration"):
            BoardLink(Wire(board, to_board=older), "the stub").calibrate(self.NUMBERS)
