"""The event of a request to a function URL, as a rule: payload format 2.0."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.triggers.function_url_access import Caller
from lambdad.triggers.function_url_event import UrlRequest, body_of, cookies_of, event_of, parameters_of

TRACE = "Root=1-6b04ded9-b239bae5d7c82a54674f8253;Parent=89cc63d5aeed724a;Sampled=0"
DOMAIN = "abc.lambda-url.eu-west-1.localhost"


def event(
    target: bytes = b"/",
    headers: dict[bytes, bytes] | None = None,
    body: bytes = b"",
    method: bytes = b"GET",
    caller: Caller | None = None,
) -> Any:
    given_headers = {b"host": b"abc.lambda-url.eu-west-1.localhost:4566", **(headers or {})}
    request = UrlRequest(
        "abc", DOMAIN, method, target, given_headers, body, "10.0.0.7", "request-1", TRACE, 1583348638.39, caller
    )
    return json.loads(event_of(request))


def test_everything_at_once() -> None:
    headers = {
        b"content-type": b"text/plain",
        b"cookie": b"a=1; b=2",
        b"header2": b"value1,value2",
        b"user-agent": b"agent",
    }
    target = b"/my/path?parameter1=value1&parameter1=value2&parameter2=value"
    assert event(target, headers, b"Hello from client!", b"POST") == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "abc.lambda-url.eu-west-1.localhost:4566",
            "content-type": "text/plain",
            "cookie": "a=1; b=2",
            "header2": "value1,value2",
            "user-agent": "agent",
            "x-amzn-trace-id": "Root=1-6b04ded9-b239bae5d7c82a54674f8253",
            "x-forwarded-for": "10.0.0.7",
            "x-forwarded-port": "4566",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": DOMAIN,
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.0.0.7",
                "userAgent": "agent",
            },
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "body": "Hello from client!",
        "isBase64Encoded": False,
    }


def test_what_is_not_there_is_left_out() -> None:
    assert not {"cookies", "queryStringParameters", "body", "pathParameters"} & event().keys()
    assert event()["isBase64Encoded"] is False
    assert event()["rawQueryString"] == ""
    assert "authorizer" not in event()["requestContext"]


def test_who_has_signed() -> None:
    headers = {b"authorization": b"AWS4-HMAC-SHA256 x", b"x-amz-security-token": b"secret", b"x-amz-date": b"now"}
    signed = event(headers=headers, caller=Caller("111122223333", "AKID"))
    assert signed["requestContext"]["accountId"] == "111122223333"
    assert signed["requestContext"]["authorizer"]["iam"] == {
        "accessKey": "AKID",
        "accountId": "111122223333",
        "callerId": "111122223333",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": "arn:aws:iam::111122223333:root",
        "userId": "111122223333",
    }
    assert "authorization" not in signed["headers"]
    assert signed["headers"]["x-amz-security-token"] == "secret"
    assert signed["headers"]["x-amz-date"] == "now"
    assert event(headers=headers)["headers"]["authorization"].startswith("AWS4")


def test_headers_of_the_connection_stay_with_it() -> None:
    headers = {
        b"connection": b"keep-alive, X-Secret,host",
        b"keep-alive": b"5",
        b"te": b"trailers",
        b"upgrade": b"h2c",
        b"x-secret": b"1",
        b"x-kept": b"1",
        b"x-forwarded-for": b"1.2.3.4",
    }
    seen = event(headers=headers)["headers"]
    assert not {"connection", "keep-alive", "te", "upgrade", "x-secret"} & seen.keys()
    assert seen["x-kept"] == "1"
    assert seen["host"]
    assert seen["x-forwarded-for"] == "1.2.3.4, 10.0.0.7"


@pytest.mark.parametrize(
    ("host", "port"),
    [(b"x:81", "81"), (b"x", "80"), (b"8080", "80"), (b"[::1]", "80"), (b"[::1]:81", "81"), (b"x:", "80")],
)
def test_the_port_that_was_asked(host: bytes, port: str) -> None:
    assert event(headers={b"host": host})["headers"]["x-forwarded-port"] == port


def test_bytes_that_are_no_text() -> None:
    odd = event(b"/\xff%2F?\xfe=\xfd", {b"x": b"\xff\x80", b"cookie": b"\xe9"})
    assert (odd["rawPath"], odd["rawQueryString"]) == ("/%FF%2F", "%FE=%FD")
    assert odd["headers"]["x"] == "\xff\x80"
    assert odd["cookies"] == ["\xe9"]


@pytest.mark.parametrize("path", [b"/a%2Fb/%20%C3%BC", b"//a/../b/./", b"/a;b=c", b"/%", b"/%zz"])
def test_paths_are_handed_on_as_sent(path: bytes) -> None:
    assert event(path)["rawPath"] == path.decode()


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_query_strings(pairs: list[tuple[str, str]]) -> None:
    try:
        query = urlencode(pairs)
    except UnicodeEncodeError:
        return
    expected: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        expected.setdefault(name, []).append(value)
    assert parameters_of(query) == {name: ",".join(values) for name, values in expected.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("&&", {}),
        ("a", {"a": ""}),
        ("=b", {"": "b"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=%", {"a": "%"}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a=1+2&a=%2B", {"a": "1 2,+"}),
    ],
)
def test_odd_query_strings(query: str, expected: dict[str, str]) -> None:
    assert parameters_of(query) == expected


@given(st.binary())
def test_any_target_makes_an_event(raw: bytes) -> None:
    made = event(b"/" + raw)
    assert made["rawPath"].isascii()
    assert made["rawQueryString"].isascii()
    assert quote(made["rawPath"], safe="".join(map(chr, range(33, 127)))) == made["rawPath"]


@given(
    st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters=";\x7f\x85\xa0"), min_size=1)
    )
)
def test_cookies(cookies: list[str]) -> None:
    assert cookies_of("; ".join(cookies).encode("latin-1")) == cookies


TEXT = ["text/plain", "TEXT/html; charset=utf-8", "application/json", "application/xml;x=y", "application/javascript"]
BINARY = [
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "image/png",
    "",
]


@given(st.binary(min_size=1), st.sampled_from(TEXT + BINARY))
def test_no_byte_of_a_body_is_lost(body: bytes, content_type: str) -> None:
    text, is_base64 = body_of(body, content_type.encode())
    assert (base64.b64decode(text) if is_base64 else text.encode()) == body
    if content_type in BINARY:
        assert is_base64


@pytest.mark.parametrize("content_type", TEXT)
def test_text_is_text(content_type: str) -> None:
    assert body_of("grün".encode(), content_type.encode()) == ("grün", False)
    assert body_of(b"\xff", content_type.encode()) == ("/w==", True)
