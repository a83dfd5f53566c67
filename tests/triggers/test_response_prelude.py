"""The beginning of a streamed answer, in whatever pieces it comes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.triggers.response_prelude import PreludeParser, PreludeTooLarge

PRELUDE = b'{"statusCode":200,"headers":{"Content-Type":"text/html"}}'


@given(st.binary(), st.lists(st.integers(0, 100)))
def test_any_pieces(body: bytes, cuts: list[int]) -> None:
    whole = PRELUDE + bytes(8) + body
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    parser = PreludeParser()
    got = b"".join(parser.feed(whole[start:end]) for start, end in itertools.pairwise(places))
    assert parser.prelude == PRELUDE
    assert got == body


def test_byte_by_byte_with_zeros_after_it() -> None:
    parser = PreludeParser()
    got = b"".join(parser.feed(bytes([byte])) for byte in PRELUDE + bytes(20))
    assert (parser.prelude, got) == (PRELUDE, bytes(12))


def test_seven_zeros_are_no_end() -> None:
    parser = PreludeParser()
    assert parser.feed(PRELUDE + bytes(7)) == b""
    assert parser.prelude is None
    assert parser.feed(b"x" + bytes(8) + b"body") == b"body"
    assert parser.prelude == PRELUDE + bytes(7) + b"x"


def test_a_prelude_has_an_end() -> None:
    parser = PreludeParser()
    with pytest.raises(PreludeTooLarge):
        for _ in range(1000):
            parser.feed(b" " * 1000)
    with pytest.raises(PreludeTooLarge):
        PreludeParser().feed(b" " * 1_000_000 + bytes(8))
