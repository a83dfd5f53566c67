"""What a function is given of a RabbitMQ queue's messages. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-mq.html (the RabbitMQ record event)
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from lambdad.event_source_mappings.java_bytes import java_bytes


@dataclass(frozen=True, slots=True)
class RabbitMessage:
    """As the broker delivers it."""

    body: bytes
    redelivered: bool
    headers: Mapping[str, Any]
    content_type: str | None = None
    content_encoding: str | None = None
    delivery_mode: int | None = None
    priority: int | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    expiration: str | None = None
    message_id: str | None = None
    timestamp: datetime | None = None
    type: str | None = None
    user_id: str | None = None
    app_id: str | None = None
    cluster_id: str | None = None


def event_of(arn: str, queue: str, virtual_host: str, records: Sequence[Mapping[str, Any]]) -> bytes:
    return orjson.dumps(
        {
            "eventSource": "aws:rmq",
            "eventSourceArn": arn,
            "rmqMessagesByQueue": {f"{queue}::{virtual_host}": list(records)},
        }
    )


def record_of(message: RabbitMessage) -> dict[str, Any]:
    return {
        "basicProperties": {
            "contentType": message.content_type,
            "contentEncoding": message.content_encoding,
            "headers": {name: _header(value) for name, value in message.headers.items()},
            "deliveryMode": message.delivery_mode,
            "priority": message.priority,
            "correlationId": message.correlation_id,
            "replyTo": message.reply_to,
            "expiration": message.expiration,
            "messageId": message.message_id,
            "timestamp": _moment(message.timestamp),
            "type": message.type,
            "userId": message.user_id,
            "appId": message.app_id,
            "clusterId": message.cluster_id,
            "bodySize": len(message.body),
        },
        "redelivered": message.redelivered,
        "data": base64.b64encode(message.body).decode(),
    }


def _header(value: Any) -> Any:
    """Texts are long strings on the wire: bytes, for AWS's reader."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes | bytearray):
        return {"bytes": java_bytes(value)}
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Mapping):
        return {name: _header(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_header(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _moment(moment: datetime | None) -> str | None:
    """As Java writes dates: `Jan 1, 1970, 12:33:41 AM`."""
    if moment is None:
        return None
    at = moment.astimezone(UTC)
    return f"{at:%b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M:%S %p}"


def filtered_document(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What filters look at: the record, its data as text or, where it is JSON, parsed. None: no filter matches it."""
    try:
        text = base64.b64decode(record["data"]).decode()
    except UnicodeDecodeError:
        return None
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {**record, "data": text}
    return {**record, "data": document}
