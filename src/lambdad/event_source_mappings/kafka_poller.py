"""Kafka topics' records to one function, in the order of each partition, as long as the mapping is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html, …/kafka-starting-positions.html. The consumer group in
the cluster knows how far it has come: offsets are committed when the function has done its batch. Partitions do not wait for each
other: while the batch of one runs, those of others go on.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdad.aws.json_client import AwsError, JsonClient
from lambdad.clock import Clock
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.invocations import Invocations, Ran
from lambdad.event_source_mappings.kafka_client import consumer_of, listener_of
from lambdad.event_source_mappings.kafka_event import KafkaRecord, KafkaSource, failed_of, filtered_document
from lambdad.event_source_mappings.kafka_retries import EXHAUSTED, TOO_OLD, Retries
from lambdad.event_source_mappings.source_access import AccessError, access_of
from lambdad.resources.event_source_mapping import EventSourceMapping

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
"""Seconds between attempts, at the cluster and at a batch that fails: first and longest."""
_THROTTLED = 60.0

_Batch = Mapping["TopicPartition", Sequence[KafkaRecord]]


class KafkaPoller:
    """`run` until it is cancelled; `drain` lets what has begun come to its end."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        client: JsonClient,
        invocations: Invocations,
        clock: Clock,
        servers: Sequence[str],
    ) -> None:
        """`servers`: host:port of the cluster's; empty where none is known."""
        self._mapping = mapping
        self._client = client
        self._invocations = invocations
        self._clock = clock
        settings = mapping.settings
        self._source = KafkaSource(servers, settings.get("EventSourceArn"))
        self._topic: str = settings["Topics"][0]
        self._group = _group_of(settings)
        self._size: int = settings["BatchSize"]
        window = settings.get("MaximumBatchingWindowInSeconds")
        self._window: float = _WINDOW if window is None else window
        self._partial = "ReportBatchItemFailures" in settings.get("FunctionResponseTypes", ())
        self._filters = Filters.of(settings.get("FilterCriteria"))
        self._retries = Retries.of(settings)
        self._consumer: AIOKafkaConsumer | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

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
        self._ending.set()
        while self._running:
            await asyncio.wait(list(self._running))
        await self._disconnect()

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
            found = await consumer.offsets_for_times(dict.fromkeys(new, _milliseconds(moment)))
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
        for part in _parts(wanted):
            if not await self._work_off(part):
                return
        await consumer.commit({one: OffsetAndMetadata(ones[-1].offset + 1, "") for one, ones in batch.items()})
        consumer.resume(*(set(batch) & consumer.assignment()))

    async def _work_off(self, records: list[KafkaRecord]) -> bool:
        """Until each is done or given up; False: the mapping ends before."""
        waiting, attempts, pause = [(records, 0)], 0, _RETRIES[0]
        while waiting:
            records, attempts = waiting.pop(0)
            fresh = self._retries.fresh(records, self._clock.now())
            if len(fresh) < len(records):
                self._give_up([one for one in records if one not in fresh], TOO_OLD)
            if not fresh:
                continue
            failed = await self._invoke(fresh)
            if not failed:
                pause = _RETRIES[0]
                continue
            if len(failed) == len(fresh) and len(halves := self._retries.halves(failed)) > 1:
                waiting[:0] = [(half, attempts) for half in halves]
            elif self._retries.given_up(attempts + 1):
                self._give_up(failed, EXHAUSTED)
                continue
            else:
                waiting.insert(0, (failed, attempts + 1))
            if await self._pause(pause):
                return False
            pause = min(pause * 2, _RETRIES[1])
        return True

    async def _pause(self, seconds: float) -> bool:
        """True: the mapping has come to its end."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ending.wait()
        except TimeoutError:
            return False

    async def _invoke(self, records: list[KafkaRecord]) -> list[KafkaRecord]:
        """Those that failed."""
        payload = self._source.event_of(records)
        ran: Ran = await self._invocations.run(self._mapping, payload, None, self._clock.monotonic() + _THROTTLED)
        if ran.error is None:
            return failed_of(ran.payload, records) if self._partial else []
        log.info("a batch of %s failed in %s: %s", self._topic, self._mapping.function_arn, ran.error)
        return records

    def _give_up(self, records: Sequence[KafkaRecord], condition: str) -> None:
        log.warning("%d records of %s are given up: %s", len(records), self._topic, condition)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("offsets of %s were not committed; its records come again", self._topic, exc_info=error)


def _group_of(settings: Mapping[str, Any]) -> str:
    managed = settings.get("AmazonManagedKafkaEventSourceConfig") or {}
    own = settings.get("SelfManagedKafkaEventSourceConfig") or {}
    group: str = (managed or own)["ConsumerGroupId"]
    return group


def _milliseconds(moment: datetime | float | str) -> int:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return int((moment.timestamp() if isinstance(moment, datetime) else moment) * 1000)


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
