"""What a function's answer means as an HTTP response. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload. An object with a statusCode is a response;
any other JSON is the body of one. What cannot be a response (a status that is none, a header with a line break) is None, and
its caller gets 502.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

Headers = tuple[tuple[bytes, bytes], ...]

_JSON: Final = b"application/json"
_STREAM: Final = b"application/octet-stream"
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters: a line break in a header would begin another, or a response of its own."""
_REMAPPED: Final = frozenset(
    {"authorization", "connection", "content-length", "content-md5", "date", "expect", "host", "max-forwards"}
    | {"proxy-authenticate", "server", "te", "trailer", "user-agent", "www-authenticate"}
)
"""AWS sends these as `x-amzn-Remapped-…`: they are the connection's business, not the function's."""
_DROPPED: Final = frozenset({"keep-alive", "transfer-encoding", "upgrade", "x-amzn-requestid", "x-amzn-trace-id"})

_STATUSES: Final = range(200, 600)
"""Informational ones are the server's own: no function can announce, or switch to, another protocol."""


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes


def buffered_response(payload: bytes) -> Response | None:
    """Of what a function of a BUFFERED URL answered."""
    answer = _load(payload)
    if answer is _NOTHING:
        return None
    if isinstance(answer, str):
        return Response(200, ((b"Content-Type", _JSON),), answer.encode(errors="replace"))
    if not isinstance(answer, dict) or answer.get("statusCode") is None:
        return Response(200, ((b"Content-Type", _JSON),), payload)
    head = head_of(answer, _JSON)
    body = _body(answer.get("body"), answer.get("isBase64Encoded"))
    return Response(head.status, head.headers, body) if head is not None and body is not None else None


def streamed_response(payload: bytes) -> Response:
    """Of what a function of a RESPONSE_STREAM URL answered all at once: that is the body, whatever it is."""
    return Response(200, ((b"Content-Type", _STREAM),), payload)


def streamed_head(prelude: bytes) -> Head | None:
    """Of the prelude of a streamed answer (`response_prelude.py`)."""
    document = _load(prelude)
    if not isinstance(document, dict):
        return None
    return head_of({"statusCode": 200} | {name: one for name, one in document.items() if one is not None}, _STREAM)


def head_of(document: dict[str, Any], content_type: bytes) -> Head | None:
    """`content_type`: when the function says none."""
    status = _status(document.get("statusCode"))
    headers = _headers(document.get("headers"), document.get("cookies"))
    if status is None or headers is None:
        return None
    if not any(name.lower() == b"content-type" for name, _ in headers):
        headers.insert(0, (b"Content-Type", content_type))
    return Head(status, tuple(headers))


_NOTHING: Final = object()


def _load(payload: bytes) -> Any:
    """`_NOTHING` if it is no JSON."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:  # orjson refuses halves of surrogate pairs and huge numbers, which JSON allows
            return json.loads(payload.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return _NOTHING


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's own


def _status(given: Any) -> int | None:
    """A number, or one as text."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) == 3:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return int(given) if given in _STATUSES else None


def _headers(given: Any, cookies: Any) -> list[tuple[bytes, bytes]] | None:
    if not isinstance(given, dict | None) or not isinstance(cookies, list | None):
        return None
    pairs = [*(given or {}).items(), *(("Set-Cookie", cookie) for cookie in cookies or ())]
    headers = []
    for name, value in pairs:
        text = _text(value)
        if text is None or _NAME.fullmatch(name) is None or _NO_VALUE.search(text) is not None:
            return None
        lower = name.lower()
        if lower not in _DROPPED:
            sent = f"x-amzn-Remapped-{lower}" if lower in _REMAPPED else name
            headers.append((sent.encode(), _value(text)))
    return headers


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _value(text: str) -> bytes:
    stripped = text.strip(" \t")
    try:
        return stripped.encode("latin-1")
    except UnicodeEncodeError:
        return stripped.encode(errors="replace")


def _body(given: Any, is_base64: Any) -> bytes | None:
    if given is None:
        return b""
    if not isinstance(given, str):
        return None
    if is_base64 is not True:
        return given.encode(errors="replace")
    try:
        return base64.b64decode(given.encode().translate(None, b"\r\n"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
