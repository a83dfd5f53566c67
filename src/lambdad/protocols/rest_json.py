"""The protocol rest-json: paths, queries, headers and a JSON body ↔ the members of an operation's input and output.

AWS: smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from lambdad.errors import (
    InvalidRequestContentException,
    SerializationException,
    ServiceError,
    UnknownOperationException,
)
from lambdad.http import refusal
from lambdad.http.exchange import Exchange
from lambdad.protocols.codec import Answer, Body
from lambdad.protocols.context import Members
from lambdad.protocols.event_stream import CONTENT_TYPE, messages
from lambdad.protocols.json_values import NAMES, from_json, to_json
from lambdad.protocols.model import Member, Model, Operation, Shape
from lambdad.protocols.router import Router


class RestJson:
    """A Codec."""

    def __init__(self, model: Model) -> None:
        self._router = Router(model)

    def read(self, exchange: Exchange) -> tuple[Operation, Members]:
        path, _, query = exchange.target.decode("latin-1").partition("?")
        route = self._router.find(exchange.method.decode("latin-1"), path, query)
        if route is None:
            raise UnknownOperationException.path()
        return route.operation, decode(route.operation, route.parameters, query, exchange.headers, exchange.body)

    def answer(self, operation: Operation, members: Members, request_id: str) -> Answer:
        status, headers, body = encode(operation, members)
        return Answer(status, (*headers, (b"x-amzn-RequestId", request_id.encode())), body)

    def refusal(self, error: ServiceError, request_id: str) -> Answer:
        return Answer(refusal.status_of(error), refusal.headers_of(error, request_id), refusal.body_of(error))


def decode(
    operation: Operation, path: Mapping[str, str], query: str, headers: Mapping[bytes, bytes], body: bytes
) -> dict[str, Any]:
    """By member name; only what was given. Raises SerializationException, InvalidRequestContentException."""
    shape = operation.input
    if shape is None:
        return {}
    values: dict[str, Any] = {}
    given = _query(query)
    document: Any = None
    for member in shape.members.values():
        if member.location == "uri":
            values[member.name] = _from_text(path[member.wire_name], member.shape)
        elif member.location == "querystring":
            _put_query(values, member, given)
        elif member.location in ("header", "headers"):
            text = headers.get(member.wire_name.lower().encode())
            if text is not None:
                values[member.name] = _from_text(text.decode("latin-1"), member.shape)
        elif shape.payload == member.name and member.shape.type == "blob":
            values[member.name] = body
        elif shape.payload == member.name:
            values[member.name] = from_json(_parse(body), member.shape)
        else:
            if document is None:
                document = _parse(body)
            value = document.get(member.wire_name)
            if value is not None:
                values[member.name] = from_json(value, member.shape)
    return values


def _parse(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestContentException.body(body, error.pos, error.msg) from error
    if not isinstance(document, dict):
        raise SerializationException(f"Unexpected value type in payload: {NAMES.get(type(document), 'NULL_VALUE')}")
    return document


def _query(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _put_query(values: dict[str, Any], member: Member, given: Mapping[str, list[str]]) -> None:
    texts = given.get(member.wire_name)
    if not texts:
        return
    if member.shape.type == "list":
        values[member.name] = [_from_text(text, member.shape.element) for text in texts]
    else:
        values[member.name] = _from_text(texts[0], member.shape)


def _from_text(text: str, shape: Shape) -> Any:
    """A value that travels as text: path, query string, header."""
    if shape.type in ("integer", "long"):
        try:
            return int(text)
        except ValueError as error:
            raise SerializationException(f"{text!r} can not be converted to an Integer") from error
    if shape.type == "boolean":
        return text.lower() == "true"
    return text


def encode(operation: Operation, members: Members) -> tuple[int, list[tuple[bytes, bytes]], Body]:
    """(status, headers, body). Members that are None are left out. An event stream's body comes message by message."""
    shape = operation.output
    status = operation.status
    headers: list[tuple[bytes, bytes]] = []
    if shape is None:
        return status, headers, b""
    body: dict[str, Any] = {}
    for member in shape.members.values():
        value = members.get(member.name)
        if value is None:
            continue
        if member.location == "statusCode":
            status = value
        elif member.location == "header":
            headers.append((member.wire_name.encode(), str(value).encode()))
        elif member.name != shape.payload:
            body[member.wire_name] = to_json(value, member.shape)
    if status == 204:
        return status, headers, b""
    if shape.payload is not None and shape.members[shape.payload].shape.eventstream:
        events = shape.members[shape.payload].shape
        headers.append((b"Content-Type", CONTENT_TYPE))
        return status, headers, messages(members[shape.payload], events)
    headers.append((b"Content-Type", b"application/json"))
    return status, headers, orjson.dumps(body)
