"""Which payloads are JSON: the quick look and the close one agree with RFC 8259, as Python's own parser reads it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.api.operations.payloads import check_payload
from lambdad.errors import InvalidRequestContentException

LIMIT = 1 << 20
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def is_taken(payload: bytes) -> bool:
    try:
        check_payload(payload, LIMIT)
    except InvalidRequestContentException:
        return False
    return True


def is_json(payload: bytes) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(payload.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(VALUES, st.booleans(), st.data())
def test_what_is_nearly_json(value: object, ascii_only: bool, data: st.DataObject) -> None:
    payload = bytearray(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))
    assert is_taken(bytes(payload)) == is_json(bytes(payload))
    place = data.draw(st.integers(0, len(payload)))
    payload[place : place + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=2))
    assert is_taken(bytes(payload)) == is_json(bytes(payload))


@pytest.mark.parametrize(
    "payload", [b"1e999", b'"\\ud800"', b'"\\u0000"', b"[" * 1000 + b"]" * 1000, b' \t\r\n"x"', '"é\u2028"'.encode()]
)
def test_what_is_json_after_all(payload: bytes) -> None:
    assert is_taken(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"NaN",
        b"-Infinity",
        b"\xef\xbb\xbf{}",
        b'"\x01"',
    ],
)
def test_what_is_none(payload: bytes) -> None:
    assert not is_taken(payload)
