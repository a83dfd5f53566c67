"""Streams of DynamoDB's tables as consumers need them: AWS's records, iterators that are kept nowhere, an end of what is kept,
and word of what was written.

AWS: docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html,
docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (sizes)
"""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time
from moto.dynamodb import models as dynamodb
from moto.dynamodb.models import table as tables
from moto.dynamodbstreams import models

from lambdad.companion.news import News

_KEPT = 24 * 3600
"""Seconds that records are kept."""
_MOST = 1000
_MOST_BYTES = 1024 * 1024
"""Of one GetRecords."""


class StreamError(JsonRESTError):  # type: ignore[misc]
    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"com.amazonaws.dynamodb.v20120810#{code}", message)


class TableStreams:
    """`install` puts it in moto's place."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._writing = threading.RLock()
        self._held = threading.local()

    def install(self) -> None:
        update = dynamodb.DynamoDBBackend.update_item

        def updated(backend: Any, *given: Any, **named: Any) -> Any:
            with self._as_one():
                return update(backend, *given, **named)

        dynamodb.DynamoDBBackend.update_item = updated
        tables.StreamShard.add = lambda shard, old, new: self.add(shard, old, new)
        models.DynamoDBStreamsBackend.describe_stream = describe
        models.DynamoDBStreamsBackend.get_shard_iterator = _iterator_of
        models.DynamoDBStreamsBackend.get_records = lambda backend, iterator, limit: self.records(
            backend, iterator, limit
        )

    # --- Writing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        """moto makes an item before it updates it: that is one change."""
        self._held.changes = []
        try:
            yield
        finally:
            changes, self._held.changes = self._held.changes, None
            if changes:
                shard, old, _ = changes[0]
                self._add(shard, old, changes[-1][2])

    def add(self, shard: Any, old: Any, new: Any) -> None:
        held = getattr(self._held, "changes", None)
        if held is not None:
            held.append((shard, old, new))
            return
        self._add(shard, old, new)

    def _add(self, shard: Any, old: Any, new: Any) -> None:
        """What leaves an item as it was is no change."""
        table = shard.table
        if not table.stream_specification.get("StreamEnabled"):
            return
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        with self._writing:
            trimmed = getattr(shard, "trimmed", 0)
            number = shard.starting_sequence_number + trimmed + len(shard.items)
            view = table.stream_specification["StreamViewType"]
            item = tables.StreamRecord(table, view, kind, old, new, number)
            item.record |= {"eventVersion": "1.1", "awsRegion": table.region_name}
            item.record["dynamodb"]["SizeBytes"] = size_of(item.record["dynamodb"])
            shard.items.append(item)
            self._trim(shard)
        self._news.written(_arn_of(table))

    @staticmethod
    def _trim(shard: Any) -> None:
        """What is older than a day goes, a few at a time."""
        for _ in range(2):
            created = shard.items[0].record["dynamodb"]["ApproximateCreationDateTime"]
            if len(shard.items) == 1 or unix_time(created) >= time.time() - _KEPT:
                return
            del shard.items[0]
            shard.trimmed = getattr(shard, "trimmed", 0) + 1

    # --- Reading ------------------------------------------------------------------------------------------------------

    def records(self, backend: Any, iterator_arn: str, limit: int) -> dict[str, Any]:
        iterator = _Iterator.read(iterator_arn)
        shard = _shard_of(backend, iterator.stream, iterator.shard)
        found: list[dict[str, Any]] = []
        room = _MOST_BYTES
        with self._writing:
            first = shard.starting_sequence_number + getattr(shard, "trimmed", 0)
            start = max(iterator.number - first, 0)
            for item in shard.items[start : start + min(limit, _MOST)]:
                room -= item.record["dynamodb"]["SizeBytes"]
                if found and room < 0:
                    break
                found.append(item.to_json())
        following = _Iterator(iterator.stream, iterator.shard, first + start + len(found))
        answer: dict[str, Any] = {"Records": found}
        if shard.table.stream_specification.get("StreamEnabled") or start + len(found) < len(shard.items):
            answer["NextShardIterator"] = following.arn
        return answer


class _Iterator:
    """All that it means is in its name."""

    def __init__(self, stream: str, shard: str, number: int) -> None:
        self.stream = stream
        self.shard = shard
        self.number = number

    @property
    def arn(self) -> str:
        text = base64.urlsafe_b64encode(json.dumps([self.shard, self.number]).encode()).decode()
        return f"{self.stream}|1|{text}"

    @classmethod
    def read(cls, arn: str) -> "_Iterator":
        stream, _, text = arn.rpartition("|1|")
        try:
            shard, number = json.loads(base64.urlsafe_b64decode(text))
        except ValueError:
            raise StreamError("ExpiredIteratorException", "Iterator expired.") from None
        return cls(stream, shard, number)


def _iterator_of(
    backend: Any, arn: str, shard_id: str, shard_iterator_type: str, sequence_number: int | None = None
) -> _Iterator:
    shard = _shard_of(backend, arn, shard_id)
    first = shard.starting_sequence_number + getattr(shard, "trimmed", 0)
    number = int(sequence_number or 0)
    if shard_iterator_type in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER") and number < first - 1:
        raise StreamError(
            "TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard."
        )
    starts = {
        "TRIM_HORIZON": first,
        "LATEST": first + len(shard.items),
        "AT_SEQUENCE_NUMBER": number,
        "AFTER_SEQUENCE_NUMBER": number + 1,
    }
    return _Iterator(arn, shard_id, starts[shard_iterator_type])


def _arn_of(table: Any) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


def _table_of(backend: Any, arn: str) -> Any:
    """With this very stream: a table's earlier one is another."""
    table = backend.dynamodb.tables.get(arn.split(":", 5)[-1].split("/")[1])
    if table is None or table.stream_shard is None or _arn_of(table) != arn:
        raise StreamError("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return table


def _shard_of(backend: Any, arn: str, shard_id: str) -> Any:
    shard = _table_of(backend, arn).stream_shard
    if shard.id != shard_id:
        raise StreamError(
            "ResourceNotFoundException",
            f"Requested resource not found: Shard does not exist for the given Stream and ShardId {shard_id}",
        )
    return shard


def describe(backend: Any, arn: str) -> dict[str, Any]:
    table = _table_of(backend, arn)
    shard, wished = table.stream_shard, table.stream_specification
    enabled = bool(wished.get("StreamEnabled"))
    view = wished.get("StreamViewType") or (shard.items and shard.items[-1].record["dynamodb"]["StreamViewType"])
    found = shard.to_json()
    if not enabled:
        last = shard.starting_sequence_number + getattr(shard, "trimmed", 0) + len(shard.items)
        found["SequenceNumberRange"]["EndingSequenceNumber"] = str(last)
    return {
        "StreamArn": arn,
        "StreamLabel": table.latest_stream_label,
        "StreamStatus": "ENABLED" if enabled else "DISABLED",
        "StreamViewType": view or "KEYS_ONLY",
        "CreationRequestDateTime": shard.created_on,
        "TableName": table.name,
        "KeySchema": table.schema,
        "Shards": [found],
    }


def size_of(change: Mapping[str, Any]) -> int:
    """Bytes of keys and images, as AWS counts them."""
    return sum(_item_size(change[member]) for member in ("Keys", "NewImage", "OldImage") if member in change)


def _item_size(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(str(content).encode())
    if kind == "N":
        digits = str(content).strip("-").replace(".", "").strip("0")
        return len(digits) // 2 + 1 + str(content).startswith("-")
    if kind == "B":
        return len(content if isinstance(content, bytes) else base64.b64decode(content))
    if kind in ("SS", "NS", "BS"):
        return sum(_value_size({kind[0]: one}) for one in content)
    if kind == "L":
        return 3 + sum(1 + _value_size(one) for one in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_size(one) for name, one in content.items())
    return 1  # BOOL, NULL
