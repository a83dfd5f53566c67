"""A refused request's answer: the one place where a ServiceError becomes bytes, for the API and for function URLs.

AWS: docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

import cbor2
import orjson

from lambdad.errors import ServiceError, Unauthorized
from lambdad.http.exchange import Exchange

_TARGET, _SMITHY = b"x-amz-target", b"smithy-protocol"
"""Headers of requests in JSON and in CBOR."""
_JSON = (b"application/x-amz-json", b"application/json")


def refuse(exchange: Exchange, error: ServiceError, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Answer with an error, as AWS writes it; `headers` come beside its own."""
    exchange.respond(status_of(error), (*headers_of(error, exchange.request_id), *headers), body_of(error))


def refuse_for_other_service(exchange: Exchange, error: ServiceError) -> None:
    """To clients of services whose protocol may be another: XML (STS, IAM, S3 …) or CBOR."""
    if _SMITHY in exchange.headers:
        document = {"__type": error.code, "message": error.message}
        headers = ((b"Content-Type", b"application/cbor"), (_SMITHY, b"rpc-v2-cbor"))
        exchange.respond(error.status, headers, cbor2.dumps(document))
        return
    if _TARGET in exchange.headers or exchange.headers.get(b"content-type", b"").startswith(_JSON):
        refuse(exchange, error)
        return
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{exchange.request_id}</RequestId></ErrorResponse>"
    )
    exchange.respond(error.status, ((b"Content-Type", b"text/xml"),), body.encode())


def status_of(error: ServiceError) -> int:
    return error.answer_status if isinstance(error, Unauthorized) else error.status


def headers_of(error: ServiceError, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"Content-Type", b"application/json"),
        (b"x-amzn-RequestId", request_id.encode()),
        (b"x-amzn-ErrorType", error.code.encode()),
        *error.headers,
    ]


def body_of(error: ServiceError) -> bytes:
    body: dict[str, str | None] = dict(error.members)
    if error.kind is not None and error.has_type:
        body["Type"] = error.kind
    body[error.message_member] = error.message or None
    return orjson.dumps(body)
