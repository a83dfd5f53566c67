"""Addresses of function URLs: which is answered, and which URL one means."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.resources.function_url import HOST_LABEL, PATH, Address, read_host, read_path, url_of

BY_HOST = "http://abc.lambda-url.eu-west-1.localhost:4566/"


@pytest.mark.parametrize(
    ("endpoint", "domain", "localhost_names", "expected"),
    [
        ("http://127.0.0.1:4566", None, True, BY_HOST),
        ("http://localhost:4566", None, True, BY_HOST),
        ("http://lambda.localhost:4566", None, True, BY_HOST),
        ("http://[::1]:4566", None, True, BY_HOST),
        ("http://localhost", None, True, "http://abc.lambda-url.eu-west-1.localhost/"),
        ("http://127.0.0.1:4566", None, False, "http://127.0.0.1:4566/_lambdad/function-urls/abc/"),
        ("http://10.0.0.1:4566", None, True, "http://10.0.0.1:4566/_lambdad/function-urls/abc/"),
        ("http://build:4566", None, True, "http://build:4566/_lambdad/function-urls/abc/"),
        ("http://build:4566", "example.org", False, "http://abc.lambda-url.eu-west-1.example.org:4566/"),
        ("http://build:4566", "https://example.org", False, "https://abc.lambda-url.eu-west-1.example.org/"),
        ("http://build:port", None, True, "http://build:port/_lambdad/function-urls/abc/"),
        ("http://[build", "example.org", True, "http://abc.lambda-url.eu-west-1.example.org/"),
        ("http://build", "http://example.org:81", False, "http://abc.lambda-url.eu-west-1.example.org:81/"),
    ],
)
def test_what_is_answered(endpoint: str, domain: str | None, localhost_names: bool, expected: str) -> None:
    assert url_of("abc", "eu-west-1", endpoint, domain, localhost_names) == expected


@given(
    st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=32),
    st.sampled_from(["us-east-1", "eu-west-3"]),
)
def test_what_is_answered_is_understood(url_id: str, region: str) -> None:
    host = url_of(url_id, region, "http://127.0.0.1:4566", None, True).removeprefix("http://").rstrip("/")
    name = f"{url_id}.lambda-url.{region}.localhost"
    for written in (host, host.upper(), name, f"{name}.:4566"):
        assert read_host(written.encode()) == Address(url_id, region, name)
    path = url_of(url_id, region, "http://127.0.0.1:4566", None, False).removeprefix("http://127.0.0.1:4566")
    assert read_path(path.encode() + b"x/y?z=/") == (Address(url_id, None, None), b"/x/y?z=/")


@pytest.mark.parametrize(
    ("target", "inner"),
    [(b"abc", b"/"), (b"abc/", b"/"), (b"abc?q=/", b"/?q=/"), (b"abc//x", b"//x"), (b"abc/%2F", b"/%2F")],
)
def test_targets_by_path(target: bytes, inner: bytes) -> None:
    assert read_path(PATH + target) == (Address("abc", None, None), inner)


@given(st.binary())
def test_any_host_is_understood_or_not(host: bytes) -> None:
    address = read_host(host)
    assert address is None or HOST_LABEL in host.lower()
    assert read_host(b"a" + HOST_LABEL + host) is None or host[:1].isalnum() or host[:1] == b"-"
