"""What a function's answer means as a response, as a rule."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.triggers.function_url_response import buffered_response, streamed_head, streamed_response

JSON = (b"Content-Type", b"application/json")


def response(answer: Any) -> tuple[int, dict[bytes, bytes], bytes] | None:
    made = buffered_response(json.dumps(answer).encode())
    return (made.status, dict(made.headers), made.body) if made is not None else None


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("hello", b"hello"),
        ("", b""),
        (3, b"3"),
        (3.1, b"3.1"),
        (True, b"true"),
        (None, b"null"),
        (["hello", 3, True], b'["hello", 3, true]'),
        ({"hello": "world"}, b'{"hello": "world"}'),
        ({"body": "x", "headers": {"a": "b"}}, b'{"body": "x", "headers": {"a": "b"}}'),
        ({"statusCode": None, "body": "x"}, b'{"statusCode": null, "body": "x"}'),
    ],
)
def test_what_is_inferred_without_a_status(answer: Any, body: bytes) -> None:
    assert response(answer) == (200, dict([JSON]), body)


def test_a_response() -> None:
    answer = {
        "statusCode": 201,
        "headers": {
            "content-TYPE": "text/html",
            "X-Number": 5,
            "X-Flag": True,
            "X-Empty": "",
            "X-Umlaut": "ü",
            "X-Wide": "→",
        },
        "cookies": ["a=1; HttpOnly", "b=2"],
        "body": "grün",
        "isBase64Encoded": False,
        "multiValueHeaders": {"X-Many": ["1", "2"]},
    }
    made = buffered_response(json.dumps(answer).encode())
    assert made is not None
    assert (made.status, made.body) == (201, "grün".encode())
    assert made.headers == (
        (b"content-TYPE", b"text/html"),
        (b"X-Number", b"5"),
        (b"X-Flag", b"true"),
        (b"X-Empty", b""),
        (b"X-Umlaut", b"\xfc"),
        (b"X-Wide", "→".encode()),
        (b"Set-Cookie", b"a=1; HttpOnly"),
        (b"Set-Cookie", b"b=2"),
    )


@pytest.mark.parametrize("status", [200, 204, 299, 304, 418, 599, "418", 201.0])
def test_statuses(status: Any) -> None:
    assert response({"statusCode": status, "body": "i"}) == (int(status), dict([JSON]), b"i")


@pytest.mark.parametrize(
    "status", [0, -1, 99, 100, 101, 199, 600, 1000, 200.5, 1e300, "", "OK", "0200", "²00", True, [200], {}]
)
def test_statuses_that_are_none(status: Any) -> None:
    assert response({"statusCode": status}) is None


@pytest.mark.parametrize(
    "members",
    [
        {"headers": []},
        {"headers": "x: y"},
        {"headers": {"a": None}},
        {"headers": {"a": ["b"]}},
        {"headers": {"": "b"}},
        {"headers": {"a b": "c"}},
        {"headers": {"a:": "c"}},
        {"headers": {"a\r\nb": "c"}},
        {"headers": {"ä": "c"}},
        {"headers": {"a": "b\r\nSet-Cookie: c=d"}},
        {"headers": {"a": "b\nc"}},
        {"headers": {"a": "b\r"}},
        {"headers": {"a": "b\0c"}},
        {"cookies": "a=b"},
        {"cookies": {"a": "b"}},
        {"cookies": ["a=b\r\n\r\n<html>"]},
        {"cookies": [None]},
        {"body": {"message": "not a string"}},
        {"body": 5},
        {"body": "not base64!", "isBase64Encoded": True},
        {"body": "YQ", "isBase64Encoded": True},
    ],
)
def test_what_is_no_response(members: dict[str, Any]) -> None:
    assert response({"statusCode": 200, **members}) is None


@pytest.mark.parametrize("payload", [b"", b"{", b"nonsense", b"NaN", b'{"statusCode": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json(payload: bytes) -> None:
    assert buffered_response(payload) is None


def test_headers_that_are_not_the_functions_to_send() -> None:
    given_headers = {
        "Connection": "close",
        "content-length": "5",
        "Date": "today",
        "WWW-Authenticate": "Basic",
        "Transfer-Encoding": "chunked",
        "Keep-Alive": "5",
        "Upgrade": "h2c",
        "x-amzn-RequestId": "mine",
    }
    assert response({"statusCode": 200, "headers": given_headers}) == (
        200,
        {
            **dict([JSON]),
            b"x-amzn-Remapped-connection": b"close",
            b"x-amzn-Remapped-content-length": b"5",
            b"x-amzn-Remapped-date": b"today",
            b"x-amzn-Remapped-www-authenticate": b"Basic",
        },
        b"",
    )


@given(st.binary())
def test_binary_bodies(body: bytes) -> None:
    encoded = base64.b64encode(body).decode()
    made = response({"statusCode": 200, "body": encoded, "isBase64Encoded": True})
    assert made is not None
    assert made[2] == body
    assert response({"statusCode": 200, "body": encoded}) == (200, dict([JSON]), encoded.encode())
    lines = base64.encodebytes(body).decode()
    assert response({"statusCode": 200, "body": lines, "isBase64Encoded": True}) == made


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
MEMBERS = st.sampled_from(["statusCode", "headers", "cookies", "body", "isBase64Encoded"])
STATUSES = st.integers(150, 650) | st.just("200")
ANSWERS = st.dictionaries(MEMBERS, JSON_VALUES | STATUSES | st.dictionaries(st.text(), st.text())) | JSON_VALUES


@given(ANSWERS | st.binary())
def test_nothing_that_a_function_says_breaks_a_response(answer: Any) -> None:
    payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    made = buffered_response(payload)
    if made is None:
        return
    assert 200 <= made.status <= 599
    for name, value in made.headers:
        assert name
        assert not set(b"\r\n\0 :") & set(name)
        assert not set(b"\r\n\0") & set(value)


def test_a_streamed_answer_that_came_at_once() -> None:
    made = streamed_response(b'{"statusCode": 404}')
    assert (made.status, made.headers, made.body) == (
        200,
        ((b"Content-Type", b"application/octet-stream"),),
        b'{"statusCode": 404}',
    )


def test_the_head_of_a_streamed_answer() -> None:
    head = streamed_head(b'{"statusCode": 404, "headers": {"Content-Type": "text/html"}, "cookies": ["a=b"]}')
    assert head is not None
    assert (head.status, head.headers) == (404, ((b"Content-Type", b"text/html"), (b"Set-Cookie", b"a=b")))
    bare = streamed_head(b"{}")
    assert bare is not None
    assert (bare.status, bare.headers) == (200, ((b"Content-Type", b"application/octet-stream"),))
    for wrong in (b"", b"[]", b"nonsense", b'{"statusCode": 700}', b'{"headers": {"a": "b\\r\\nc"}}'):
        assert streamed_head(wrong) is None
