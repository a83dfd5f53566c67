"""Cross-origin requests to a function URL, by its Cors configuration. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors. Preflight requests are answered without the
function, and without asking who may call it; what is configured wins over what the function says of the same.
"""

from collections.abc import Mapping
from typing import Any, Final

from lambdad.triggers.function_url_response import Headers

Cors = Mapping[str, Any]
"""As CreateFunctionUrlConfig takes it."""

_GOVERNED: Final = {
    "AllowOrigins": b"access-control-allow-origin",
    "AllowMethods": b"access-control-allow-methods",
    "AllowHeaders": b"access-control-allow-headers",
    "ExposeHeaders": b"access-control-expose-headers",
    "AllowCredentials": b"access-control-allow-credentials",
    "MaxAge": b"access-control-max-age",
}


def is_preflight(cors: Cors | None, method: bytes, headers: Mapping[bytes, bytes]) -> bool:
    asked = b"origin" in headers and b"access-control-request-method" in headers
    return bool(cors) and method == b"OPTIONS" and asked


def preflight_headers(cors: Cors, headers: Mapping[bytes, bytes]) -> Headers:
    """Nothing but `Vary` for an origin that is not allowed: that is how browsers hear it."""
    origin = _origin(cors, headers.get(b"origin"))
    if origin is None:
        return ((b"Vary", b"Origin"),)
    answer = list(origin)
    for member in ("AllowMethods", "AllowHeaders"):
        if cors.get(member):
            answer.append((_GOVERNED[member], _list(cors[member])))
    if cors.get("MaxAge") is not None:
        answer.append((_GOVERNED["MaxAge"], str(cors["MaxAge"]).encode()))
    return tuple(answer)


def with_cors(cors: Cors | None, request: Mapping[bytes, bytes], headers: Headers) -> Headers:
    """A response's headers, and those that the configuration adds; the function's own of these go."""
    if not cors:
        return headers
    governed = {name for member, name in _GOVERNED.items() if cors.get(member)}
    kept = [(name, value) for name, value in headers if name.lower() not in governed]
    origin = _origin(cors, request.get(b"origin"))
    if origin is None:
        return (*kept, (b"Vary", b"Origin")) if cors.get("AllowOrigins") else tuple(kept)
    kept += origin
    if cors.get("ExposeHeaders"):
        kept.append((_GOVERNED["ExposeHeaders"], _list(cors["ExposeHeaders"])))
    return tuple(kept)


def _origin(cors: Cors, origin: bytes | None) -> Headers | None:
    """None: not allowed. `*` stays `*` where credentials are allowed, too: browsers then refuse to send them."""
    allowed = [one.lower().encode() for one in cors.get("AllowOrigins") or ()]
    credentials = ((_GOVERNED["AllowCredentials"], b"true"),) if cors.get("AllowCredentials") else ()
    if b"*" in allowed:
        return ((_GOVERNED["AllowOrigins"], b"*"), *credentials)
    if origin is None or origin.lower() not in allowed:
        return None
    return ((_GOVERNED["AllowOrigins"], origin), *credentials, (b"Vary", b"Origin"))


def _list(values: list[str]) -> bytes:
    """One line, whatever was configured."""
    return ",".join(values).encode("latin-1", "replace").translate(None, b"\r\n\x00")
