"""Event streams, as answers carry them: `application/vnd.amazon.eventstream`.

AWS: smithy.io/2.0/aws/amazon-eventstream.html. A message: total length, headers' length, CRC of both, headers, payload, CRC of all.
"""

import struct
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import orjson

from lambdad.protocols.context import Members
from lambdad.protocols.json_values import to_json
from lambdad.protocols.model import Shape

CONTENT_TYPE: Final = b"application/vnd.amazon.eventstream"
_STRING: Final = 7
"""The type of a header's value."""


async def messages(events: AsyncGenerator[Members, None], shape: Shape) -> AsyncGenerator[bytes, None]:
    """`events`: each one's type and members; `shape`: the structure that stands for the stream."""
    async with aclosing(events) as all_events:
        async for event in all_events:
            yield _event(event, shape)


def _event(event: Members, shape: Shape) -> bytes:
    """`event`: its type and its members."""
    ((name, members),) = event.items()
    own = shape.members[name].shape
    if own.event_payload is not None:
        return message(name, "application/octet-stream", members[own.event_payload])
    return message(name, "application/json", orjson.dumps(to_json(members, own)))


def message(event_type: str, content_type: str, payload: bytes) -> bytes:
    """One event."""
    headers = b"".join(
        _header(name, value)
        for name, value in ((":event-type", event_type), (":content-type", content_type), (":message-type", "event"))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
