"""Who sends a request: AWS Signature Version 4, read always, verified when asked for. Pure: time and secrets are arguments.

AWS: docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from lambdad.errors import Unauthorized

_ACCOUNT = re.compile(r"\d{12}")
DEFAULT_ACCOUNT = "000000000000"
_SKEW = 300.0
_FIELDS = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope: whose request, and for which region and service."""

    account: str
    region: str
    service: str | None
    access_key: str | None
    date: str = ""


@lru_cache(maxsize=1024)
def scope_of(credential: str, default_region: str) -> Scope:
    """From `AKID/20260101/us-east-1/lambda/aws4_request`; empty: an unsigned request."""
    parts = credential.split("/")
    if len(parts) < 5:
        return Scope(DEFAULT_ACCOUNT, default_region, None, None)
    access_key, date, region, service = "/".join(parts[:-4]), parts[-4], parts[-3], parts[-2]
    account = access_key if _ACCOUNT.fullmatch(access_key) else DEFAULT_ACCOUNT
    return Scope(account, region, service, access_key, date)


def credential_of(headers: Mapping[bytes, bytes], query: str) -> str:
    """The Credential of the Authorization header or of a presigned query; empty if there is none."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        start = authorization.find(b"Credential=")
        if start >= 0:
            return authorization[start + 11 :].split(b",", 1)[0].strip().decode("latin-1")
    if "X-Amz-Credential=" in query:
        return dict(parse_qsl(query)).get("X-Amz-Credential", "")
    return ""


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def verify(
    method: str,
    target: str,
    headers: Mapping[bytes, bytes],
    body: bytes,
    secret_of: Callable[[str], str | None],
    now: float,
) -> Scope:
    """Whose it is. Raises Unauthorized with AWS's type and words unless the signature holds."""
    path, _, query = target.partition("?")
    signed, scope = _read(query, headers)
    secret = secret_of(scope.access_key or "")
    if secret is None:
        raise Unauthorized("UnrecognizedClientException", "The security token included in the request is invalid.")
    _check_time(signed, scope, now)
    request = _canonical_request(method, path, query, headers, body, signed)
    expected = _signature(request, signed.time, _signing_key(secret, scope.date, scope.region, scope.service), scope)
    if not hmac.compare_digest(expected.encode(), signed.signature.encode()):
        raise Unauthorized(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    return scope


def read_unverified(target: str, headers: Mapping[bytes, bytes]) -> Scope:
    """Whose a request says it is, where nobody's secret is known: its signature must be there and complete, no more.

    Raises Unauthorized.
    """
    return _read(target.partition("?")[2], headers)[1]


def check_service(scope: Scope, service: str, region: str) -> None:
    """Raises Unauthorized when the credential is scoped to another service or region."""
    if scope.service != service:
        raise Unauthorized(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'. "
        )
    if scope.region != region:
        raise Unauthorized("InvalidSignatureException", "Credential should be scoped to a valid region. ")


def sign(
    method: str, target: str, headers: dict[str, str], body: bytes, scope: Scope, secret: str, moment: datetime
) -> None:
    """Add what signs a request: X-Amz-Date and Authorization. Every header given is signed; `host` must be among them."""
    headers["X-Amz-Date"] = time = f"{moment:%Y%m%dT%H%M%SZ}"
    given = {name.lower().encode(): value.encode() for name, value in headers.items()}
    names = tuple(sorted(name.decode() for name in given))
    credential = f"{scope.access_key}/{scope.date}/{scope.region}/{scope.service}/aws4_request"
    path, _, query = target.partition("?")
    request = _canonical_request(method, path, query, given, body, _Signed(credential, names, "", time, _SKEW, False))
    key = _signing_key(secret, scope.date, scope.region, scope.service or "")
    signature = _signature(request, time, key, scope)
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )


def _signature(request: str, time: str, key: bytes, scope: Scope) -> str:
    date_scope = f"{scope.date}/{scope.region}/{scope.service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{time}\n{date_scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Signed:
    credential: str
    headers: tuple[str, ...]
    signature: str
    time: str
    lifetime: float
    presigned: bool


def _read(query: str, headers: Mapping[bytes, bytes]) -> tuple[_Signed, Scope]:
    signed = _presigned(query) if "X-Amz-Signature=" in query else _from_header(headers)
    scope = scope_of(signed.credential, "")
    if scope.access_key is None or scope.service is None:
        raise Unauthorized(
            "IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements", 400
        )
    if "host" not in signed.headers:  # else it would hold for any host
        raise Unauthorized(
            "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    return signed, scope


def _from_header(headers: Mapping[bytes, bytes]) -> _Signed:
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if not authorization:
        raise Unauthorized("MissingAuthenticationTokenException", "Missing Authentication Token")
    fields = dict(_FIELDS.findall(authorization))
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if name not in fields]
    if missing or not authorization.startswith("AWS4-HMAC-SHA256"):
        needs = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise Unauthorized("IncompleteSignatureException", needs or "Unsupported signing algorithm.", 400)
    time = headers.get(b"x-amz-date", b"").decode("latin-1")
    names = tuple(fields["SignedHeaders"].split(";"))
    return _Signed(fields["Credential"], names, fields["Signature"], time, _SKEW, False)


def _presigned(query: str) -> _Signed:
    given = dict(parse_qsl(query))
    expires = given.get("X-Amz-Expires", "0")
    return _Signed(
        given.get("X-Amz-Credential", ""),
        tuple(given.get("X-Amz-SignedHeaders", "").split(";")),
        given.get("X-Amz-Signature", ""),
        given.get("X-Amz-Date", ""),
        float(expires) if expires.isascii() and expires.isdigit() else 0.0,
        True,
    )


def _check_time(signed: _Signed, scope: Scope, now: float) -> None:
    try:
        moment = datetime.strptime(signed.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Unauthorized(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' header.",
            400,
        ) from None
    late = now - moment > signed.lifetime + (_SKEW if signed.presigned else 0.0)
    if late or moment - now > _SKEW or not signed.time.startswith(scope.date):
        raise Unauthorized(
            "InvalidSignatureException", f"Signature expired: {signed.time} is now out of the allowed time."
        )


def _canonical_request(
    method: str, path: str, query: str, headers: Mapping[bytes, bytes], body: bytes, signed: _Signed
) -> str:
    # The path is encoded once more than it was sent, as for every service but S3.
    canonical_path = quote(path, safe="/-_.~") if path else "/"
    pairs = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if not (signed.presigned and name == "X-Amz-Signature"):
            pairs.append((_encoded(name), _encoded(value)))
    canonical_query = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    lines = [f"{name}:{_value(headers.get(name.encode(), b''))}" for name in signed.headers]
    payload = headers.get(b"x-amz-content-sha256", b"").decode("latin-1")
    if signed.presigned and not payload:
        payload = hashlib.sha256(body).hexdigest()
    if payload != "UNSIGNED-PAYLOAD":
        payload = hashlib.sha256(body).hexdigest()
    header_block = "\n".join(lines)
    return f"{method}\n{canonical_path}\n{canonical_query}\n{header_block}\n\n{';'.join(signed.headers)}\n{payload}"


def _value(header: bytes) -> str:
    return " ".join(header.decode(errors="replace").split())


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")
