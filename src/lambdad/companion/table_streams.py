"""Streams of DynamoDB's tables as consumers need them: AWS's records, iterators that are kept nowhere, an end of what is kept,
and word of what was written. A stream that is disabled stays readable for a day, whatever stream the table has by then.

AWS: docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html,
docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (sizes)
"""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import unix_time
from moto.dynamodb import models as dynamodb
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import table as tables
from moto.dynamodbstreams import models, responses

from lambdad.companion.news import News

_KEPT = 24 * 3600
"""Seconds that records are kept."""
_MOST = 1000
_MOST_BYTES = 1024 * 1024
"""Of one GetRecords."""
_MOST_LISTED = 100
_NUMBER_DIGITS = range(21, 41)
_STARTS = ("AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
_INVALID = "One or more parameter values were invalid:"
_EARLIER = "lambdad_earlier_streams"
"""Of a table: the shards of its streams that were disabled, by the streams' labels."""


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
        update, create = dynamodb.DynamoDBBackend.update_item, dynamodb.DynamoDBBackend.create_table

        def updated(backend: Any, *given: Any, **named: Any) -> Any:
            with self._as_one():
                return update(backend, *given, **named)

        def created(backend: Any, *given: Any, streams: dict[str, Any] | None = None, **named: Any) -> Any:
            _check_view(streams or {})
            return create(backend, *given, streams=streams, **named)

        dynamodb.DynamoDBBackend.update_item, dynamodb.DynamoDBBackend.create_table = updated, created
        dynamodb.DynamoDBBackend.update_table_streams = lambda backend, table, wanted: self.switch(table, wanted)
        tables.StreamShard.add = lambda shard, old, new: self.add(shard, old, new)
        models.DynamoDBStreamsBackend.describe_stream = describe
        models.DynamoDBStreamsBackend.list_streams = _list
        responses.DynamoDBStreamsHandler.list_streams = _list_page
        models.DynamoDBStreamsBackend.get_shard_iterator = _iterator_of
        responses.DynamoDBStreamsHandler.get_shard_iterator = _iterator_asked
        models.DynamoDBStreamsBackend.get_records = lambda backend, iterator, limit: self.records(
            backend, iterator, limit
        )

    # --- Enabling and disabling ---------------------------------------------------------------------------------------

    def switch(self, table: Any, wanted: dict[str, Any]) -> None:
        """A table has one stream at a time, which stays as it was made. Raises moto's ValidationException."""
        enabled, wished = bool(table.stream_specification.get("StreamEnabled")), bool(wanted.get("StreamEnabled"))
        if enabled and wished:
            raise MockValidationException(f"Table already has an enabled stream: TableName: {table.name}")
        if not enabled and not wished:
            raise MockValidationException(f"Table has no stream to disable: TableName: {table.name}")
        _check_view(wanted)
        with self._writing:
            if enabled:
                _end(table)
            table.set_stream_specification(wanted if wished else None)
        self._news.written(_arn_of(table))

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
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        kind = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        with self._writing:
            if hasattr(shard, "ended"):
                return
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
        _check_limit(limit, _MOST)
        shard = _shard_of(backend, iterator.stream, iterator.shard)
        found: list[dict[str, Any]] = []
        room = _MOST_BYTES
        with self._writing:
            first = shard.starting_sequence_number + getattr(shard, "trimmed", 0)
            start = max(iterator.number - first, 0)
            for item in shard.items[start : start + limit]:
                room -= item.record["dynamodb"]["SizeBytes"]
                if found and room < 0:
                    break
                found.append(item.to_json())
        following = _Iterator(iterator.stream, iterator.shard, first + start + len(found))
        answer: dict[str, Any] = {"Records": found}
        if not hasattr(shard, "ended") or start + len(found) < len(shard.items):
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
            return cls(stream, str(shard), int(number))
        except (ValueError, TypeError):
            raise MockValidationException(f"Invalid ShardIterator: {arn}") from None


def _iterator_asked(response: Any) -> Any:
    names = ("StreamArn", "ShardId", "ShardIteratorType", "SequenceNumber")
    return ActionResult(
        {"ShardIterator": _iterator_of(response.backend, *(response._get_param(name) for name in names)).arn}
    )


def _iterator_of(
    backend: Any, arn: str, shard_id: str, shard_iterator_type: str, sequence_number: str | None = None
) -> _Iterator:
    if shard_iterator_type not in _STARTS:
        raise _violation(
            shard_iterator_type, "shardIteratorType", f"Member must satisfy enum value set: [{', '.join(_STARTS)}]"
        )
    named = shard_iterator_type.endswith("_SEQUENCE_NUMBER")
    if named and not _is_number(sequence_number):
        raise MockValidationException(f"Invalid SequenceNumber: {sequence_number}")
    shard = _shard_of(backend, arn, shard_id)
    first = shard.starting_sequence_number + getattr(shard, "trimmed", 0)
    number = int(sequence_number) if named and sequence_number else 0
    if named and number < first - 1:
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


def _is_number(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit() and len(text) in _NUMBER_DIGITS


def _check_limit(limit: int, most: int) -> None:
    """Raises moto's ValidationException."""
    if limit < 1:
        raise _violation(limit, "limit", "Member must have value greater than or equal to 1")
    if limit > most:
        raise _violation(limit, "limit", f"Member must have value less than or equal to {most}")


def _violation(value: object, member: str, constraint: str) -> MockValidationException:
    return MockValidationException(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    )


def _arn_of(table: Any) -> str:
    return f"{table.table_arn}/stream/{table.latest_stream_label}"


@dataclass(frozen=True, slots=True)
class _Ended:
    """Kept with the shard of a stream that was disabled."""

    view: str
    at: float


def _check_view(wanted: dict[str, Any]) -> None:
    """One that is enabled has a view, and only that. Stacks give the view alone. Raises moto's ValidationException."""
    enabled, view = wanted.get("StreamEnabled"), wanted.get("StreamViewType")
    if enabled and not view:
        raise MockValidationException(f"{_INVALID} a stream that is enabled must have a StreamViewType")
    if enabled is False and view:
        raise MockValidationException(f"{_INVALID} a stream that is disabled must have no StreamViewType")


def _end(table: Any) -> None:
    shard = table.stream_shard
    shard.ended = _Ended(table.stream_specification["StreamViewType"], time.time())
    earlier = {label: one for label, one in getattr(table, _EARLIER, {}).items() if _is_kept(one)}
    setattr(table, _EARLIER, {**earlier, table.latest_stream_label: shard})


def _is_kept(shard: Any) -> bool:
    return not hasattr(shard, "ended") or bool(shard.ended.at >= time.time() - _KEPT)


def _streams_of(table: Any) -> dict[str, Any]:
    """The shard of each that can be read, by the stream's label."""
    streams = dict(getattr(table, _EARLIER, {}))
    if table.stream_shard is not None:
        streams[table.latest_stream_label] = table.stream_shard
    return {label: shard for label, shard in streams.items() if _is_kept(shard)}


def _list(backend: Any, table_name: str | None = None) -> list[dict[str, Any]]:
    tables_asked = [one for one in backend.dynamodb.tables.values() if table_name in (None, one.name)]
    return [
        {"StreamArn": f"{table.table_arn}/stream/{label}", "TableName": table.name, "StreamLabel": label}
        for table in tables_asked
        for label in _streams_of(table)
    ]


def _list_page(response: Any) -> Any:
    limit, after = response._get_param("Limit"), response._get_param("ExclusiveStartStreamArn")
    if limit is None:
        limit = _MOST_LISTED
    _check_limit(limit, _MOST_LISTED)
    found = sorted(_list(response.backend, response._get_param("TableName")), key=lambda stream: stream["StreamArn"])
    following = [stream for stream in found if after is None or stream["StreamArn"] > after]
    page: dict[str, Any] = {"Streams": following[:limit]}
    if len(following) > limit:
        page["LastEvaluatedStreamArn"] = page["Streams"][-1]["StreamArn"]
    return ActionResult(page)


def _stream(backend: Any, arn: str) -> Any:
    """The one shard of this very stream: a table's earlier one is another."""
    if "/stream/" not in arn:
        raise MockValidationException(f"Invalid StreamArn: {arn}")
    table = backend.dynamodb.tables.get(arn.split(":", 5)[-1].partition("/")[2].split("/")[0])
    label = arn.rpartition("/stream/")[2]
    shard = _streams_of(table).get(label) if table is not None and arn.startswith(f"{table.table_arn}/") else None
    if shard is None:
        raise StreamError("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return shard


def _shard_of(backend: Any, arn: str, shard_id: str) -> Any:
    shard = _stream(backend, arn)
    if shard.id != shard_id:
        raise StreamError(
            "ResourceNotFoundException",
            f"Requested resource not found: Shard does not exist for the given Stream and ShardId {shard_id}",
        )
    return shard


def describe(backend: Any, arn: str) -> dict[str, Any]:
    shard = _stream(backend, arn)
    table, ended = shard.table, getattr(shard, "ended", None)
    found = shard.to_json()
    if ended is not None:
        last = shard.starting_sequence_number + getattr(shard, "trimmed", 0) + len(shard.items)
        found["SequenceNumberRange"]["EndingSequenceNumber"] = str(last)
    return {
        "StreamArn": arn,
        "StreamLabel": arn.rpartition("/stream/")[2],
        "StreamStatus": "ENABLED" if ended is None else "DISABLED",
        "StreamViewType": table.stream_specification["StreamViewType"] if ended is None else ended.view,
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
