"""Messages on the wire: what the host reads of a stream, and that the firmware's C reads it alike."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.link.stub_board import CBoard, needs_gcc
from tinytracker.link.messages import PAYLOAD_MAX, BoardStats, Hello, Kind, Message, Parser

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
        around = b""  # what lies between the messages before and behind the hurt one
        for k, message in enumerate(messages):
            if k == hurt + 1:
                around += garbage[k]
            stream += garbage[k]
            encoded = bytearray(message.encode())
            if k == hurt:
                place = data.draw(st.integers(0, len(encoded) - 1))
                if data.draw(st.booleans()):
                    del encoded[place]
                else:
                    encoded[place] ^= data.draw(st.integers(1, 255))
                around = garbage[k] + bytes(encoded)
            stream += encoded
        whole = messages[hurt].encode()
        # Garbage may end in the very byte that was lost; a byte of the message before is that one's alone.
        mended = whole in around
        if hurt + 1 < len(messages):  # with the next one's first byte there are two ways to read the stream
            assume(mended or whole not in around + messages[hurt + 1].encode()[:1])
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
        assert (messages[hurt] in got) == mended

    def test_a_byte_belongs_to_one_message(self):
        first, second = Message(Kind.ROWS, 1, b"\x9c\x84\xfb"), Message(Kind.ROWS, 2)
        assert first.encode()[-1] == second.encode()[0]  # the byte that the second one lost
        parser = Parser()
        assert [*parser.feed(first.encode() + second.encode()[1:]), *parser.give_up()] == [first]

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


def test_statistics_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected 24"):
        BoardStats.decode(bytes(23))


@needs_gcc
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
