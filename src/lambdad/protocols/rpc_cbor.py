"""The protocol smithy-rpc-v2-cbor: the operation in the path, the members in CBOR (RFC 8949).

AWS: smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

import io
import re
from datetime import datetime
from typing import Any

import cbor2

from lambdad.errors import SerializationException, ServiceError, UnknownTargetException
from lambdad.http.exchange import Exchange
from lambdad.protocols.codec import Answer
from lambdad.protocols.context import Members
from lambdad.protocols.json_values import from_json, from_scalar, mismatch, to_json
from lambdad.protocols.model import Model, Operation
from lambdad.protocols.query_errors import query_error

PROTOCOL = b"smithy-protocol"
_HEADERS = ((b"Content-Type", b"application/cbor"), (PROTOCOL, b"rpc-v2-cbor"))
_PATH = re.compile(rb"/service/\w+/operation/(\w+)")
_EPOCH = 1
"""The tag of a time in seconds."""


class RpcCbor:
    """A Codec."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        path = _PATH.fullmatch(exchange.target.partition(b"?")[0])
        operation = self._model.operations.get(path[1].decode()) if path is not None else None
        if operation is None:
            raise UnknownTargetException("")
        if operation.input is None or not exchange.body:
            return operation, {}
        members: Members = from_json(_document(exchange.body), operation.input, _from_cbor)
        return operation, members

    def answer(self, operation: Operation, members: Members, request_id: str) -> Answer:
        headers = [*_HEADERS, (b"x-amzn-RequestId", request_id.encode())]
        document = {} if operation.output is None else to_json(members, operation.output, _to_cbor)
        return Answer(200, headers, cbor2.dumps(document))

    def refusal(self, error: ServiceError, request_id: str) -> Answer:
        headers = [*_HEADERS, (b"x-amzn-RequestId", request_id.encode())]
        if self._model.query_compatible:
            headers.append(query_error(self._model, error))
        body = {"__type": error.code, **error.members, "message": error.message}
        return Answer(error.status, headers, cbor2.dumps(body))


def _document(body: bytes) -> Any:
    """Tags but that of a time mean nothing here; a body that ends too early, or goes on, is none."""
    stream = io.BytesIO(body)
    try:
        document = cbor2.load(stream)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise SerializationException("") from error
    if stream.read(1):
        raise SerializationException("")
    return document


def _from_cbor(value: Any, kind: str) -> Any:
    if kind == "blob" and isinstance(value, bytes):
        return value
    if kind == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    if kind == "blob" or isinstance(value, (bytes, datetime)):
        raise mismatch(value, kind.capitalize())
    return from_scalar(value, kind)


def _to_cbor(value: Any, kind: str) -> Any:
    if kind == "timestamp":
        return cbor2.CBORTag(_EPOCH, float(value))
    return float(value) if kind in ("double", "float") else value
