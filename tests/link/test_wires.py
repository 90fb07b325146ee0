"""Host and firmware over wires that lose, change and invent bytes, before boards that restart, lie or are
unplugged."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.link.stub_board import CBoard, PtyBoard, needs_gcc, stub_outputs
from tests.link.wires import Trouble, Wire, picture
from tinytracker.errors import DeviceError
from tinytracker.link.link import BoardLink, open_port
from tinytracker.link.messages import Kind, Message, Parser

pytestmark = needs_gcc


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
