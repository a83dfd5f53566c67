"""What a process prints, cut into messages: the same however the bytes come."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.environments.output_parser import MAX_EVENT, OutputParser

LARGEST = 0x00040000
"""Of what a frame may hold."""


def parsed(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    parser, got, position, turn = OutputParser(), [], 0, 0
    while position < len(data):
        size = cuts[turn % len(cuts)]
        got += parser.feed(data[position : position + size])
        position, turn = position + size, turn + 1
    return got + parser.flush()


def frame(message: bytes) -> bytes:
    return b"\xa5\x5a\x00\x03" + len(message).to_bytes(4, "big") + bytes(8) + message


@given(
    st.lists(st.tuples(st.booleans(), st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=40))),
    st.lists(st.integers(1, 30), min_size=1),
)
def test_output_is_the_same_however_it_is_cut(messages: list[tuple[bool, str]], cuts: list[int]) -> None:
    expected: list[bytes] = []
    stream = b""
    for framed, text in messages:
        line = text.replace("\n", " ").replace("\r", " ")
        stream += frame(text.encode()) if framed else line.encode() + b"\n"
        expected.append(text.encode() if framed else line.encode() + b"\n")
    assert parsed(stream, cuts) == expected


PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\n", b"\xa5", b"\xa5\x5a", b"\xa5\x5a\x00", b"\xa5\x5a\x00\x03\x00\x00\x00\x05", b"\x00" * 8]),
    st.binary(max_size=20).map(frame),
)


@given(st.lists(PIECES, max_size=30).map(b"".join), st.lists(st.integers(1, 30), min_size=1))
def test_any_bytes_are_the_same_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    assert parsed(data, cuts) == parsed(data, [len(data) or 1])


@pytest.mark.parametrize("piece", [5, 16384, 65536, 10_000_000])
@pytest.mark.parametrize("size", [1, MAX_EVENT, MAX_EVENT + 1, 3 * MAX_EVENT + 7])
def test_a_line_without_an_end_is_cut(size: int, piece: int) -> None:
    """Nothing of it is lost, and no event is larger than one may be. Byte by byte, it is not looked at again and again."""
    data = b"x" * size
    got = parsed(data, [piece])
    assert b"".join(got) == data
    assert max(map(len, got)) <= MAX_EVENT


def test_frames_that_cannot_be() -> None:
    head = b"\xa5\x5a\x00\x03" + (LARGEST + 1).to_bytes(4, "big") + bytes(8)
    assert parsed(head + b"line\n", [7]) == [head, b"line\n"]
    whole = frame(b"x" * LARGEST)
    assert parsed(whole, [65536]) == [b"x" * LARGEST]
    assert parsed(whole[:-1], [65536]) == [whole[:-1]], "what never comes is waited for until the end"
