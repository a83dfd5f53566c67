"""Cross-origin requests, as a rule: what the configuration adds, and what it takes away."""

from typing import Any

import pytest

from lambdad.triggers.function_url_cors import is_preflight, preflight_headers, with_cors

ORIGIN = b"https://example.org"
CORS = {
    "AllowOrigins": ["https://Example.org", "https://other.example"],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["x-one", "x-two"],
    "ExposeHeaders": ["x-three"],
    "MaxAge": 60,
    "AllowCredentials": True,
}
PREFLIGHT = {b"origin": ORIGIN, b"access-control-request-method": b"POST"}


def test_a_preflight() -> None:
    assert is_preflight(CORS, b"OPTIONS", PREFLIGHT)
    assert dict(preflight_headers(CORS, PREFLIGHT)) == {
        b"access-control-allow-origin": ORIGIN,
        b"access-control-allow-credentials": b"true",
        b"access-control-allow-methods": b"GET,POST",
        b"access-control-allow-headers": b"x-one,x-two",
        b"access-control-max-age": b"60",
        b"Vary": b"Origin",
    }


@pytest.mark.parametrize(
    ("cors", "method", "headers"),
    [
        (None, b"OPTIONS", PREFLIGHT),
        ({}, b"OPTIONS", PREFLIGHT),
        (CORS, b"GET", PREFLIGHT),
        (CORS, b"OPTIONS", {b"origin": ORIGIN}),
        (CORS, b"OPTIONS", {b"access-control-request-method": b"GET"}),
    ],
)
def test_requests_that_are_no_preflight(cors: Any, method: bytes, headers: dict[bytes, bytes]) -> None:
    assert not is_preflight(cors, method, headers)


def test_an_origin_that_is_not_allowed() -> None:
    for origin in (b"https://example.org.evil", b"null", b"https://example.or", b""):
        assert preflight_headers(CORS, {**PREFLIGHT, b"origin": origin}) == ((b"Vary", b"Origin"),)
        assert with_cors(CORS, {b"origin": origin}, ()) == ((b"Vary", b"Origin"),)


def test_the_configuration_wins_over_the_function() -> None:
    own = (
        (b"Access-Control-Allow-Origin", b"*"),
        (b"access-control-ALLOW-credentials", b"false"),
        (b"Access-Control-Expose-Headers", b"x-own"),
        (b"X-Own", b"1"),
    )
    assert with_cors(CORS, {b"origin": ORIGIN}, own) == (
        (b"X-Own", b"1"),
        (b"access-control-allow-origin", ORIGIN),
        (b"access-control-allow-credentials", b"true"),
        (b"Vary", b"Origin"),
        (b"access-control-expose-headers", b"x-three"),
    )
    assert with_cors(CORS, {b"origin": b"https://evil.example"}, own) == ((b"X-Own", b"1"), (b"Vary", b"Origin"))
    assert with_cors(None, {b"origin": ORIGIN}, own) == own
    assert with_cors({"AllowMethods": ["GET"]}, {b"origin": ORIGIN}, own) == own


def test_every_origin() -> None:
    every = {"AllowOrigins": ["*"]}
    for request in ({}, {b"origin": ORIGIN}):
        assert with_cors(every, request, ()) == ((b"access-control-allow-origin", b"*"),)
    # With credentials browsers refuse `*`; the caller's origin in its place would let every page act for its visitor.
    assert with_cors({**every, "AllowCredentials": True}, {b"origin": ORIGIN}, ()) == (
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-credentials", b"true"),
    )


def test_a_configuration_adds_no_line_of_its_own() -> None:
    cors = {"AllowOrigins": ["*"], "AllowHeaders": ["a\r\nSet-Cookie: b=c", "ü→"]}
    for _, value in preflight_headers(cors, PREFLIGHT):
        assert not set(b"\r\n\0") & set(value)
