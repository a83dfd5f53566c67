"""What is done with a batch of a shard's records: the function is given it, and what it has done, or given up, is kept."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from lambdad.clock import Clock
from lambdad.event_source_mappings.batch_attempts import PAUSES, BatchAttempts, Ending, Failure, GivenUp
from lambdad.event_source_mappings.batch_failures import delivery_of
from lambdad.event_source_mappings.event_counts import EventCounts
from lambdad.event_source_mappings.invocations import Invocations, Ran
from lambdad.event_source_mappings.results import FAILED, OK, Results
from lambdad.event_source_mappings.shard_place import ShardPlace
from lambdad.event_source_mappings.stream_batches import failed_from
from lambdad.event_source_mappings.stream_event import Window, event_of, state_of, windowed_event_of
from lambdad.event_source_mappings.stream_record import StreamRecord, StreamSource
from lambdad.event_source_mappings.stream_settings import StreamSettings
from lambdad.resources.event_source_mapping import EventSourceMapping

log = logging.getLogger(__name__)

_THROTTLED = 5.0
"""Seconds of waiting for room until it is looked whether the mapping ends, and whether records are too old by now."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who works a stream off: the same for all of its shards."""

    mapping: EventSourceMapping
    settings: StreamSettings
    source: StreamSource
    invocations: Invocations
    results: Results
    ending: Ending
    clock: Clock
    counts: EventCounts


class ShardWork:
    """Of one shard (a `Work`)."""

    def __init__(self, consumer: Consumer, place: ShardPlace) -> None:
        self._consumer = consumer
        self._place = place
        self._attempts = BatchAttempts(self, consumer.settings.retries, consumer.ending, consumer.clock)

    async def work_off(self, batch: list[StreamRecord]) -> bool:
        """False: the mapping ends before it is done."""
        return await self._attempts.work_off(batch)

    async def invoke(self, records: list[StreamRecord]) -> Failure[StreamRecord] | None:
        consumer = self._consumer
        consumer.invocations.observe_age(consumer.mapping, records[-1].arrived_at)
        ran = await self._run(self._event(records))
        failed = self._failed_from(ran, records)
        window = self._place.window
        if window is not None and failed != 0 and (state := state_of(ran.payload)) is not None:
            self._place.window = await self._carried_on(replace(window, state=state))
        consumer.results.set(OK if failed is None else FAILED)
        consumer.counts.invoked(ran, len(records), 0 if failed is None else len(records) - failed)
        self._done(records[:failed])
        return None if failed is None else Failure(records[failed:], ran, failed == 0)

    def _failed_from(self, ran: Ran, records: list[StreamRecord]) -> int | None:
        """The place of the first record that is to be tried again; None: there is none."""
        if ran.error is not None:
            log.info(
                "a batch of %s failed in %s: %s", self._place.shard, self._consumer.mapping.function_arn, ran.error
            )
            return 0
        if self._place.window is not None and state_of(ran.payload) is None:
            return 0
        return failed_from(ran.payload, records) if self._consumer.settings.partial else None

    async def _run(self, payload: bytes) -> Ran:
        consumer = self._consumer
        until = consumer.clock.monotonic() + _THROTTLED
        return await consumer.invocations.run(consumer.mapping, payload, None, until)

    def _event(self, records: list[StreamRecord]) -> bytes:
        if self._place.window is None:
            return event_of(records)
        return windowed_event_of(records, self._place.window, self._place.shard, self._consumer.source.event_arn)

    def _done(self, records: list[StreamRecord]) -> None:
        self._place.progress.done([record.sequence for record in records])
        self._place.changed()

    async def give_up(self, records: list[StreamRecord], why: GivenUp) -> None:
        consumer, source = self._consumer, self._consumer.source
        shard, target = self._place.shard, consumer.settings.destination
        log.warning("%d records of %s are given up: %s", len(records), shard, why.condition)
        if target is None:
            consumer.counts.dropped(len(records))
            self._done(records)
            return
        info: dict[str, Any] = {
            "shardId": shard,
            "startSequenceNumber": records[0].sequence,
            "endSequenceNumber": records[-1].sequence,
            "approximateArrivalOfFirstRecord": source.arrival(records[0].arrived_at),
            "approximateArrivalOfLastRecord": source.arrival(records[-1].arrived_at),
            "batchSize": len(records),
            "streamArn": source.arn,
        }
        batch = source.batch_info, info
        payload, now = self._event(records), consumer.clock.now()
        told = delivery_of(consumer.mapping, target, why, batch, payload, shard, now)
        await self._place.tell([record.sequence for record in records], [told])

    # --- Tumbling windows ---------------------------------------------------------------------------------------------

    def open(self, start: int) -> None:
        self._place.window = Window(start, self._consumer.settings.tumbling)

    async def close(self) -> bool:
        """The function is given what the window has come to. False: the mapping ends before."""
        window = self._place.window
        assert window is not None
        closed = await self._told(window, final=True)
        if closed:
            self._place.window = None
            self._place.changed()
        return closed

    async def _carried_on(self, window: Window) -> Window:
        """One whose state has become too large is given to the function at once, and goes on with none."""
        if not window.too_large:
            return window
        await self._told(window, final=False)
        return Window(window.start, window.seconds)

    async def _told(self, window: Window, final: bool) -> bool:
        consumer, pause, attempts = self._consumer, PAUSES[0], 0
        while True:
            event = windowed_event_of(
                (), window, self._place.shard, consumer.source.event_arn, final=final, early=not final
            )
            ran = await self._run(event)
            attempts += ran.result is not None
            if ran.error is None or consumer.settings.retries.given_up(attempts):
                consumer.results.set(OK if ran.error is None else FAILED)
                return True
            consumer.results.set(FAILED)
            if await consumer.ending.pause(pause):
                return False
            pause = min(pause * 2, PAUSES[1])
