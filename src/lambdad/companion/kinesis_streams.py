"""Streams of Kinesis as consumers need them: numbers that grow, records that stay in their shard, shards that end, an end of
what is kept, and word of what was written.

AWS: docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html, …/kinesis-extended-retention.html
"""

import json
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import unix_time
from moto.kinesis import models, responses
from moto.kinesis.exceptions import InvalidArgumentError

from lambdad.companion import kinesis_rules
from lambdad.companion.news import News

_JSON = "application/x-amz-json"
_VERSION = 4959
_MOST = 10_000
_MOST_BYTES = 10 * 1024 * 1024
"""Of one GetRecords."""


class Numbers:
    """Sequence numbers as AWS's look: 56 digits that grow; also over a restart that has forgotten the last ones."""

    def __init__(self) -> None:
        self._last = 0
        self._giving = threading.Lock()

    def next(self, shard: int) -> int:
        with self._giving:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return int(f"{_VERSION}{self._last:020}{0:022}{shard:010}")


class KinesisStreams:
    """`install` puts it in moto's place."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._numbers = Numbers()
        self._writing = threading.RLock()

    def install(self) -> None:
        models.Stream.put_record = lambda stream, *given: self.put(stream, *given)
        models.Stream.split_shard = self._resharded(models.Stream.split_shard)
        models.Stream.merge_shards = self._resharded(models.Stream.merge_shards)
        models.Shard.get_records = lambda shard, after, limit: self.records(shard, int(after), limit)
        models.Shard.get_sequence_number_at = lambda shard, moment: self.before(shard, moment)
        models.Consumer.__init__ = _named_with_its_time(models.Consumer.__init__)
        models.KinesisBackend.deregister_stream_consumer = _deregister
        models.KinesisBackend._send_stream_metrics = lambda *given, **named: None
        models.KinesisBackend.get_shard_iterator = _iterator_with_name(models.KinesisBackend.get_shard_iterator)
        kinesis_rules.install()
        responses.KinesisResponse.get_records = lambda response: self.answer(response)

    # --- Writing ------------------------------------------------------------------------------------------------------

    def put(self, stream: Any, partition_key: str, explicit_hash_key: str, data: str) -> tuple[str, str]:
        """(sequence number, shard)."""
        with self._writing:
            shard = self._shard_of(stream, partition_key, explicit_hash_key)
            number = self._numbers.next(shard._shard_id)
            shard.records[number] = models.Record(partition_key, data, number, explicit_hash_key)
            self._trim(stream, shard)
        self._news.written(stream.arn)
        return str(number), shard.shard_id

    @staticmethod
    def _shard_of(stream: Any, partition_key: str, explicit_hash_key: str) -> Any:
        """Raises InvalidArgumentError."""
        hashed = explicit_hash_key or int(models.md5_hash(partition_key.encode()).hexdigest(), 16)
        at = int(hashed)
        for shard in stream.shards.values():
            if shard.is_open and shard.starting_hash <= at <= shard.ending_hash:
                return shard
        raise InvalidArgumentError(f"ExplicitHashKey {at} is in no open shard.")

    @staticmethod
    def _trim(stream: Any, shard: Any) -> None:
        """What is older than the stream keeps it goes, a few at a time."""
        oldest = time.time() - stream.retention_period_hours * 3600
        for _ in range(2):
            first = next(iter(shard.records.values()))
            if first.created_at >= oldest or len(shard.records) == 1:
                return
            del shard.records[first.sequence_number]

    def _resharded(self, reshard: Any) -> Any:
        """Parents keep their records, and children begin without any."""

        def changed(stream: Any, *given: Any) -> None:
            with self._writing:
                kept = {name: shard.records for name, shard in stream.shards.items()}
                for shard in stream.shards.values():
                    shard.records = models.OrderedDict()
                try:
                    reshard(stream, *given)
                finally:
                    for name, records in kept.items():
                        stream.shards[name].records = records
            self._news.written(stream.arn)

        return changed

    # --- Reading ------------------------------------------------------------------------------------------------------

    def records(self, shard: Any, after: int, limit: int | None) -> tuple[list[Any], int, int]:
        """(records, the last one's number, milliseconds that it is behind the newest)."""
        with self._writing:
            numbers: Sequence[int] = list(shard.records)
            found = list(self._first(shard, numbers[bisect_right(numbers, after) :], limit or _MOST))
            newest = shard.records[numbers[-1]].created_at if numbers else 0.0
        last = found[-1].sequence_number if found else after
        behind = int((newest - found[-1].created_at) * 1000) if found else 0
        if found and last != numbers[-1]:
            behind = max(behind, 1)
        return found, last, behind

    @staticmethod
    def _first(shard: Any, numbers: Sequence[int], limit: int) -> Iterator[Any]:
        room = _MOST_BYTES
        for place, number in enumerate(numbers[:limit]):
            record = shard.records[number]
            room -= len(record.data) * 3 // 4
            if place and room < 0:
                return
            yield record

    def before(self, shard: Any, moment: float | datetime) -> int:
        """The number of the last record that came before that moment; 0: none did."""
        at = unix_time(moment.replace(tzinfo=None)) if isinstance(moment, datetime) else float(moment)
        with self._writing:
            earlier = [number for number, record in shard.records.items() if record.created_at < at]
        return earlier[-1] if earlier else 0

    def answer(self, response: Any) -> Any:
        """GetRecords: a shard that has ended has no next iterator, and names its children."""
        iterator = response._get_param("ShardIterator")
        backend = response.kinesis_backend
        following, records, behind = backend.get_records(
            response._get_param("StreamARN"), iterator, response._get_param("Limit")
        )
        name, shard_id, last = models.decompose_shard_iterator(following)
        stream = backend.describe_stream(stream_arn=None, stream_name=name)
        shard = stream.get_shard(shard_id)
        more: dict[str, Any] = {"NextShardIterator": following}
        if not shard.is_open and not any(number > int(last) for number in list(shard.records)[-1:]):
            children = [one for one in stream.shards.values() if shard_id in (one.parent, one.adjacent_parent)]
            more = {"ChildShards": [_child(one) for one in children]}
        more["MillisBehindLatest"] = behind
        kind = str(response.headers.get("Content-Type", ""))
        if not kind.startswith(_JSON):
            return ActionResult({"Records": [record.to_json() for record in records], **more})
        # A tenth of what moto takes to write it by the service's model.
        return 200, {"Content-Type": kind}, json.dumps({"Records": [_plain(one) for one in records], **more})


def _plain(record: Any) -> dict[str, Any]:
    return {
        "SequenceNumber": str(record.sequence_number),
        "ApproximateArrivalTimestamp": round(record.created_at, 3),
        "Data": record.data,
        "PartitionKey": record.partition_key,
    }


def _child(shard: Any) -> dict[str, Any]:
    range_of = {"StartingHashKey": str(shard.starting_hash), "EndingHashKey": str(shard.ending_hash)}
    parents = [parent for parent in (shard.parent, shard.adjacent_parent) if parent]
    return {"ShardId": shard.shard_id, "ParentShards": parents, "HashKeyRange": range_of}


def _named_with_its_time(make: Any) -> Any:
    """The ARN of a consumer ends with when it was made."""

    def made(consumer: Any, *given: Any) -> None:
        make(consumer, *given)
        consumer.consumer_arn += f":{int(unix_time(consumer.created))}"

    return made


def _deregister(backend: Any, stream_arn: str, consumer_name: str, consumer_arn: str) -> None:
    """That one, and no other. Raises ConsumerNotFound."""
    found = backend.describe_stream_consumer(stream_arn, consumer_name, consumer_arn)
    for stream in backend.streams.values():
        stream.delete_consumer(found.consumer_arn)


def _iterator_with_name(get: Any) -> Any:
    """An iterator of a stream that was named by its ARN leads there, too."""

    def named(backend: Any, stream_arn: str | None, stream_name: str | None, *given: Any, **more: Any) -> str:
        stream = backend.describe_stream(stream_arn=stream_arn, stream_name=stream_name)
        return str(get(backend, stream.arn, stream.stream_name, *given, **more))

    return named
