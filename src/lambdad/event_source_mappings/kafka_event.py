"""What a function is given of Kafka topics' records, and what its answer says of them. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-msk.html, …/with-kafka.html (the events), …/kafka-retry-configurations.html
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from lambdad.event_source_mappings.batch_failures import milliseconds
from lambdad.event_source_mappings.java_bytes import java_bytes
from lambdad.event_source_mappings.partial_failures import failures_of

_TIMESTAMP_TYPES: Final = ("CREATE_TIME", "LOG_APPEND_TIME")
MANAGED: Final = "aws:kafka"
SELF_MANAGED: Final = "SelfManagedKafka"


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch."""
    timestamp_type: int
    """0: when it was made, 1: when the broker had it."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def arrived_at(self) -> float:
        return self.timestamp / 1000

    @property
    def place(self) -> str:
        """As events name partitions."""
        return f"{self.topic}-{self.partition}"

    @property
    def size(self) -> int:
        """Bytes in the event, about."""
        headers = sum(len(name) + 5 * len(value) for name, value in self.headers)
        return (len(self.key or b"") + len(self.value or b"")) * 4 // 3 + headers + 256


@dataclass(frozen=True, slots=True)
class KafkaSource:
    """What every event of one mapping begins with."""

    servers: Sequence[str]
    arn: str | None
    """Of an Amazon MSK cluster."""

    def event_of(self, records: Sequence[KafkaRecord]) -> bytes:
        by_place: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            by_place.setdefault(record.place, []).append(document_of(record))
        arn = {"eventSourceArn": self.arn} if self.arn is not None else {}
        source = MANAGED if self.arn is not None else SELF_MANAGED
        return orjson.dumps(
            {"eventSource": source, **arn, "bootstrapServers": ",".join(self.servers), "records": by_place}
        )


def document_of(record: KafkaRecord) -> dict[str, Any]:
    key = {"key": base64.b64encode(record.key).decode()} if record.key is not None else {}
    value = {"value": base64.b64encode(record.value).decode()} if record.value is not None else {}
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestampType": _TIMESTAMP_TYPES[record.timestamp_type],
        **key,
        **value,
        "headers": [{name: java_bytes(content)} for name, content in record.headers],
    }


def filtered_document(record: KafkaRecord) -> dict[str, Any] | None:
    """What filters look at: the record, its key and value as text or, where they are JSON, parsed. None: one is neither."""
    document = document_of(record)
    for member, content in (("key", record.key), ("value", record.value)):
        if content is None:
            continue
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return None
        try:
            document[member] = orjson.loads(text)
        except orjson.JSONDecodeError:
            document[member] = text
    return document


def batch_info_of(source: KafkaSource, records: Sequence[KafkaRecord], payload: bytes) -> dict[str, Any]:
    """What an on-failure destination is told of them. `payload`: their event."""
    by_place: dict[str, list[KafkaRecord]] = {}
    for record in records:
        by_place.setdefault(record.place, []).append(record)
    return {
        "batchSize": len(records),
        **({"eventSourceArn": source.arn} if source.arn is not None else {}),
        "bootstrapServers": ",".join(source.servers),
        "payloadSize": len(payload),
        "recordsInfo": {
            place: {
                "firstRecordOffset": str(ones[0].offset),
                "lastRecordOffset": str(ones[-1].offset),
                "firstRecordTimestamp": milliseconds(ones[0].arrived_at),
                "lastRecordTimestamp": milliseconds(ones[-1].arrived_at),
            }
            for place, ones in by_place.items()
        },
    }


def failed_of(payload: bytes, records: Sequence[KafkaRecord]) -> list[KafkaRecord]:
    """With ReportBatchItemFailures: those that the function says it failed on; all of them if it cannot be told."""
    named = failures_of(payload)
    if named is None:
        return list(records)
    places = {_place_of(one) for one in named}
    failed = [record for record in records if (record.place, record.offset) in places]
    return failed if len(failed) == len(places) else list(records)


def _place_of(identifier: object) -> tuple[str, int] | None:
    if not isinstance(identifier, Mapping):
        return None
    place, offset = identifier.get("partition"), identifier.get("offset")
    return (place, offset) if isinstance(place, str) and isinstance(offset, int) else None
