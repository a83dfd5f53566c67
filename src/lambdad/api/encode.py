"""The members of an operation's output → status, headers and body, by the service model. Protocol: rest-json."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from lambdad.api.context import Members
from lambdad.api.event_stream import CONTENT_TYPE, message
from lambdad.api.model import Operation, Shape

Body = bytes | AsyncGenerator[bytes, None]


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
            body[member.wire_name] = _value(value, member.shape)
    if status == 204:
        return status, headers, b""
    if shape.payload is not None and shape.members[shape.payload].shape.eventstream:
        events = shape.members[shape.payload].shape
        headers.append((b"Content-Type", CONTENT_TYPE))
        return status, headers, _messages(members[shape.payload], events)
    headers.append((b"Content-Type", b"application/json"))
    return status, headers, orjson.dumps(body)


async def _messages(events: AsyncGenerator[Members, None], shape: Shape) -> AsyncGenerator[bytes, None]:
    async with aclosing(events) as all_events:
        async for event in all_events:
            yield _event(event, shape)


def _event(event: Members, shape: Shape) -> bytes:
    """`event`: its type and its members."""
    ((name, members),) = event.items()
    own = shape.members[name].shape
    if own.event_payload is not None:
        return message(name, "application/octet-stream", members[own.event_payload])
    return message(name, "application/json", orjson.dumps(_value(members, own)))


def _value(value: Any, shape: Shape) -> Any:
    kind = shape.type
    if kind == "structure":
        return {
            member.wire_name: _value(value[member.name], member.shape)
            for member in shape.members.values()
            if value.get(member.name) is not None
        }
    if kind == "list":
        return [_value(item, shape.element) for item in value]
    if kind == "map":
        return {key: _value(item, shape.element) for key, item in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value
