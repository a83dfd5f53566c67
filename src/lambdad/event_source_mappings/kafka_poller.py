"""Kafka topics' records to one function, in the order of each partition, as long as the mapping is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html, …/kafka-starting-positions.html. The consumer group in
the cluster knows how far it has come: offsets are committed when the function has done its batch. Partitions do not wait for each
other: while the batch of one runs, those of others go on.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdad.aws.json_client import AwsError, JsonClient
from lambdad.clock import Clock
from lambdad.event_source_mappings.batch_attempts import BatchAttempts, Ending, Failure, GivenUp
from lambdad.event_source_mappings.batch_failures import delivery_of
from lambdad.event_source_mappings.event_counts import EventCounts
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.invocations import Invocations, Ran
from lambdad.event_source_mappings.kafka_client import consumer_of, listener_of
from lambdad.event_source_mappings.kafka_event import (
    KafkaRecord,
    KafkaSource,
    batch_info_of,
    failed_of,
    filtered_document,
)
from lambdad.event_source_mappings.keeping import Keeping
from lambdad.event_source_mappings.results import FAILED, OK
from lambdad.event_source_mappings.retries import Retries, destination_of
from lambdad.event_source_mappings.source_access import AccessError, access_of
from lambdad.resources.event_source_mapping import EventSourceMapping, timestamp_of

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition

log = logging.getLogger(__name__)

_WINDOW = 0.5
"""Seconds that a batch is gathered for unless the mapping says otherwise."""
_PAYLOAD = 6 * 1024 * 1024
_LOOK = 1000
"""Milliseconds of one look for records."""
_START = 30.0
_RETRIES = (1.0, 60.0)
"""Seconds between attempts at the cluster: first and longest."""
_THROTTLED = 5.0
"""Seconds of waiting for room until it is looked whether the mapping ends."""
_WITH_DESTINATION = 10
"""Retries where there is somewhere to put what fails, and no limit was named."""

_Batch = Mapping["TopicPartition", Sequence[KafkaRecord]]


class KafkaPoller:
    """`run` until it is cancelled; `drain` lets what has begun come to its end."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        client: JsonClient,
        invocations: Invocations,
        clock: Clock,
        counts: EventCounts,
        keeping: Keeping,
        servers: Sequence[str],
    ) -> None:
        """`servers`: host:port of the cluster's; empty where none is known."""
        self._mapping = mapping
        self._client = client
        self._invocations = invocations
        self._clock = clock
        self._counts = counts
        self._keeping = keeping
        settings = mapping.settings
        self._source = KafkaSource(servers, settings.get("EventSourceArn"))
        self._topic: str = settings["Topics"][0]
        self._group = _group_of(settings)
        self._size: int = settings["BatchSize"]
        window = settings.get("MaximumBatchingWindowInSeconds")
        self._window: float = _WINDOW if window is None else window
        self._partial = "ReportBatchItemFailures" in settings.get("FunctionResponseTypes", ())
        self._filters = Filters.of(settings.get("FilterCriteria"))
        self._ending = Ending()
        self._attempts = BatchAttempts(self, Retries.of(settings, _WITH_DESTINATION), self._ending, clock)
        self._consumer: AIOKafkaConsumer | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        if not self._source.servers:
            log.warning("%s is not polled: --broker does not say where it is", self._source.arn)
            return
        try:
            from aiokafka.errors import KafkaError
        except ImportError:
            log.error("%s is not polled: aiokafka is not installed (pip install 'lambdad[kafka]')", self._topic)
            return
        wait = _RETRIES[0]
        while True:
            began_at = self._clock.monotonic()
            try:
                await self._consume()
            except (KafkaError, AwsError, AccessError, OSError, TimeoutError) as error:
                log.warning("records of %s cannot be read: %s: %s", self._topic, type(error).__name__, error)
            await self._disconnect()
            if self._clock.monotonic() - began_at > _RETRIES[1]:
                wait = _RETRIES[0]
            await asyncio.sleep(wait)
            wait = min(wait * 2, _RETRIES[1])

    async def drain(self) -> None:
        """A batch that fails is not tried again: its records are not committed, and come again."""
        self._ending.begin()
        while self._running:
            await asyncio.wait(list(self._running))
        await self._disconnect()
        await self._keeping.results.kept()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _consume(self) -> None:
        access = await access_of(self._mapping, self._client)
        position = self._mapping.settings.get("StartingPosition", "TRIM_HORIZON")
        self._consumer = consumer = consumer_of(self._source.servers, self._group, position == "TRIM_HORIZON", access)
        consumer.subscribe([self._topic], listener=listener_of(self._begin_at))
        async with asyncio.timeout(_START):
            await consumer.start()
        while True:
            batch = await self._gather(consumer)
            if not batch:
                continue
            consumer.pause(*batch)
            task = asyncio.get_running_loop().create_task(self._process(consumer, batch))
            self._running.add(task)
            task.add_done_callback(self._done)

    async def _begin_at(self, partitions: "Sequence[TopicPartition]") -> None:
        """Where the group knows no place yet, the one that the mapping names; kept at once: what comes now is not missed."""
        from aiokafka import OffsetAndMetadata

        consumer, starts = self._consumer, {}
        assert consumer is not None
        new = [one for one in partitions if await consumer.committed(one) is None]
        if not new:
            return
        moment = self._mapping.settings.get("StartingPositionTimestamp")
        ends = await consumer.end_offsets(new)
        if self._mapping.settings.get("StartingPosition") == "AT_TIMESTAMP" and moment is not None:
            found = await consumer.offsets_for_times(dict.fromkeys(new, int(timestamp_of(moment) * 1000)))
            starts = {one: found[one].offset if found.get(one) else ends[one] for one in new}
        elif self._mapping.settings.get("StartingPosition") == "LATEST":
            starts = ends
        for one, offset in starts.items():
            consumer.seek(one, offset)
        if starts:
            await consumer.commit({one: OffsetAndMetadata(offset, "") for one, offset in starts.items()})

    async def _gather(self, consumer: "AIOKafkaConsumer") -> "dict[TopicPartition, list[KafkaRecord]]":
        """Of all partitions that no batch is of; until it is full or its window is over."""
        found: dict[TopicPartition, list[KafkaRecord]] = {}
        count = size = 0
        until = self._clock.monotonic() + self._window
        while count < self._size and size < _PAYLOAD:
            left = _LOOK if not found else int((until - self._clock.monotonic()) * 1000)
            if left <= 0:
                break
            more = await consumer.getmany(timeout_ms=left, max_records=self._size - count)
            self._counts.polled(sum(map(len, more.values())))
            if not found:
                if not more:
                    return found
                until = self._clock.monotonic() + self._window
            for partition, records in more.items():
                plain = [_plain(record) for record in records]
                found.setdefault(partition, []).extend(plain)
                count += len(plain)
                size += sum(record.size for record in plain)
        return found

    # --- Batches ------------------------------------------------------------------------------------------------------

    async def _process(self, consumer: "AIOKafkaConsumer", batch: _Batch) -> None:
        from aiokafka import OffsetAndMetadata

        records = [record for ones in batch.values() for record in ones]
        wanted = [record for record in records if self._filters.match_if(filtered_document(record))]
        self._counts.filtered_out(len(records) - len(wanted))
        for part in _parts(wanted):
            if not await self._attempts.work_off(part):
                return
        await self._invocations.logged()
        await consumer.commit({one: OffsetAndMetadata(ones[-1].offset + 1, "") for one, ones in batch.items()})
        consumer.resume(*(set(batch) & consumer.assignment()))

    async def invoke(self, records: list[KafkaRecord]) -> Failure[KafkaRecord] | None:
        payload = self._source.event_of(records)
        ran: Ran = await self._invocations.run(self._mapping, payload, None, self._clock.monotonic() + _THROTTLED)
        if ran.error is None:
            failed = failed_of(ran.payload, records) if self._partial else []
        else:
            log.info("a batch of %s failed in %s: %s", self._topic, self._mapping.function_arn, ran.error)
            failed = records
        self._counts.invoked(ran, len(records), len(failed))
        self._keeping.results.set(FAILED if failed else OK)
        return Failure(failed, ran, len(failed) == len(records)) if failed else None

    async def give_up(self, records: list[KafkaRecord], why: GivenUp) -> None:
        """Where they are to be told of, that is durable before their offsets are committed."""
        log.warning("%d records of %s are given up: %s", len(records), self._topic, why.condition)
        target = destination_of(self._mapping.settings)
        if target is None:
            self._counts.dropped(len(records))
            return
        payload = self._source.event_of(records)
        info = "KafkaBatchInfo", batch_info_of(self._source, records, payload)
        delivery = delivery_of(self._mapping, target, why, info, payload, records[0].place, self._clock.now())
        await self._keeping.deliveries.append(delivery)
        self._keeping.wake()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("offsets of %s were not committed; its records come again", self._topic, exc_info=error)


def _group_of(settings: Mapping[str, Any]) -> str:
    managed = settings.get("AmazonManagedKafkaEventSourceConfig") or {}
    own = settings.get("SelfManagedKafkaEventSourceConfig") or {}
    group: str = (managed or own)["ConsumerGroupId"]
    return group


def _plain(record: Any) -> KafkaRecord:
    return KafkaRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.timestamp_type,
        record.key,
        record.value,
        record.headers,
    )


def _parts(records: Sequence[KafkaRecord]) -> list[list[KafkaRecord]]:
    """What one invocation may be given each."""
    parts: list[list[KafkaRecord]] = []
    room = 0
    for record in records:
        if not parts or record.size > room:
            parts.append([])
            room = _PAYLOAD
        parts[-1].append(record)
        room -= record.size
    return parts
