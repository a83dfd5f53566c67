"""Event streams, as answers carry them: `application/vnd.amazon.eventstream`.

AWS: smithy.io/2.0/aws/amazon-eventstream.html. A message: total length, headers' length, CRC of both, headers, payload, CRC of all.
"""

import struct
import zlib
from typing import Final

CONTENT_TYPE: Final = b"application/vnd.amazon.eventstream"
_STRING: Final = 7
"""The type of a header's value."""


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
