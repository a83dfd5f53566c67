"""The event of one request to a function URL: payload format 2.0. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload. Path and query string are handed on as
they were sent; `queryStringParameters` are decoded. A member that has nothing to say (no cookies, no query, no body) is left
out, as in AWS's events.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_plus

import orjson

from lambdad.triggers.function_url_access import Caller

_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
    | {b"upgrade", b"expect", b"http2-settings"}
)
_SIGNATURE: Final = b"authorization"
"""That AWS_IAM has checked: no business of the function's. What is signed comes to it, the session's token among it, as on AWS."""
_TEXT: Final = frozenset({b"application/json", b"application/javascript", b"application/xml"})
"""Beside text/*: bodies of every other type, and of none, are handed on in base64."""
_ASCII: Final = "".join(chr(code) for code in range(33, 127))
_DEFAULT: Final = "$default"


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """What is known of one request."""

    url_id: str
    domain_name: str
    method: bytes
    target: bytes
    """Path and query, as the function sees them."""
    headers: Mapping[bytes, bytes]
    body: bytes
    peer: str
    request_id: str
    trace_id: str
    now: float
    """Seconds since the epoch."""
    caller: Caller | None
    """Who has signed it; None with NONE."""


def event_of(request: UrlRequest) -> bytes:
    """JSON."""
    raw_path, _, raw_query = request.target.partition(b"?")
    path, query = _ascii(raw_path), _ascii(raw_query)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": _DEFAULT,
        "rawPath": path,
        "rawQueryString": query,
    }
    if cookies := cookies_of(request.headers.get(b"cookie", b"")):
        event["cookies"] = cookies
    event["headers"] = _headers(request)
    if parameters := parameters_of(query):
        event["queryStringParameters"] = parameters
    event["requestContext"] = _context(request, path)
    event["isBase64Encoded"] = False
    if request.body:
        event["body"], event["isBase64Encoded"] = body_of(request.body, request.headers.get(b"content-type", b""))
    return orjson.dumps(event)


def _context(request: UrlRequest, path: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": request.caller.account if request.caller is not None else "anonymous",
        "apiId": request.url_id,
        "domainName": request.domain_name,
        "domainPrefix": request.url_id,
        "http": {
            "method": request.method.decode("latin-1"),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": request.headers.get(b"user-agent", b"").decode("latin-1"),
        },
        "requestId": request.request_id,
        "routeKey": _DEFAULT,
        "stage": _DEFAULT,
        "time": datetime.fromtimestamp(request.now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(request.now * 1000),
    }
    if request.caller is not None:
        context |= {"authentication": None, "authorizer": {"iam": _iam(request.caller)}}
    return context


def _iam(caller: Caller) -> dict[str, str | None]:
    return {
        "accessKey": caller.access_key,
        "accountId": caller.account,
        "callerId": caller.account,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.account,
    }


# --- Headers ------------------------------------------------------------------------------------------------------------


def _headers(request: UrlRequest) -> dict[str, str]:
    given = request.headers
    dropped = set(_HOP_BY_HOP)
    if b"connection" in given:
        dropped.update(name.strip().lower() for name in given[b"connection"].split(b","))
        dropped.discard(b"host")
    if request.caller is not None:
        dropped.add(_SIGNATURE)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in given.items() if name not in dropped}
    _, colon, port = given.get(b"host", b"").rpartition(b":")
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.peer}" if forwarded else request.peer
    headers.setdefault("x-forwarded-port", port.decode() if colon and port.isdigit() else "80")
    headers.setdefault("x-forwarded-proto", "http")
    headers["x-amzn-trace-id"] = request.trace_id.partition(";")[0]
    return headers


def cookies_of(header: bytes) -> list[str]:
    return [cookie for part in header.decode("latin-1").split(";") if (cookie := part.strip())]


# --- Query string -------------------------------------------------------------------------------------------------------


def parameters_of(query: str) -> dict[str, str]:
    """By name, decoded; those of one name are joined by commas, in their order."""
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return {name: ",".join(several) for name, several in values.items()}


def _ascii(raw: bytes) -> str:
    """As sent; bytes that a URL cannot have are percent-encoded."""
    return quote_from_bytes(raw, safe=_ASCII)


# --- Body ---------------------------------------------------------------------------------------------------------------


def body_of(body: bytes, content_type: bytes) -> tuple[str, bool]:
    """Body and isBase64Encoded. A text type whose bytes are no UTF-8 cannot be text in JSON, and is base64, too."""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind.startswith(b"text/") or kind in _TEXT:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
