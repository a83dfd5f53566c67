"""One queue's messages to one function, as long as its mapping is enabled.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, …/services-sqs-scaling.html. Five batches at a time at first, more while
there are more messages; what fails stays in the queue until its visibility timeout is over, and so comes again, or goes to the
queue's dead-letter queue.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import orjson

from lambdad.aws.json_client import SQS, AwsError, JsonClient
from lambdad.clock import Clock
from lambdad.event_source_mappings.event_counts import EventCounts
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.invocations import Invocations, Ran
from lambdad.event_source_mappings.sqs_event import Message, failed_of, filtered_document, record_of
from lambdad.invocation.recursion import most_looped
from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.resources.sqs_queue import key_of_arn

log = logging.getLogger(__name__)

_RECEIVED = 10
"""Messages that one request may bring, or delete."""
_LONG_POLL = 20
_FIRST_BATCHES = 5
_MOST_BATCHES = 1000
_MORE_BATCHES = 0.2
"""Seconds until there may be one batch more at a time, while all are busy: 300 a minute."""
_PAYLOAD = 6 * 1024 * 1024
_RECORD = 512
"""Bytes that a record takes beside its body, about."""
_HELD = 5 / 6
"""The part of the visibility timeout that a batch is tried for, while the function is throttled."""
_RETRIES = (1.0, 60.0)
"""Seconds between attempts at a queue that cannot be read: first and longest."""


class SqsPoller:
    """`run` until it is cancelled; `drain` lets what has begun come to its end."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        client: JsonClient,
        invocations: Invocations,
        clock: Clock,
        counts: EventCounts,
    ) -> None:
        self._mapping = mapping
        self._client = client
        self._invocations = invocations
        self._clock = clock
        self._counts = counts
        settings = mapping.settings
        self._arn: str = settings["EventSourceArn"]
        key = key_of_arn(self._arn)
        assert key is not None
        self._key = key
        self._size: int = settings["BatchSize"]
        self._window: int = settings["MaximumBatchingWindowInSeconds"]
        self._partial = "ReportBatchItemFailures" in settings.get("FunctionResponseTypes", ())
        self._most: int = (settings.get("ScalingConfig") or {}).get("MaximumConcurrency") or _MOST_BATCHES
        self._filters = Filters.of(settings.get("FilterCriteria"))
        self._batches = min(_FIRST_BATCHES, self._most)
        self._grown_at = 0.0
        self._running: set[asyncio.Task[None]] = set()
        self._visibility = 30.0
        self._url = ""

    async def run(self) -> None:
        wait = _RETRIES[0]
        while True:
            try:
                await self._look_up()
                wait = _RETRIES[0]
                while True:
                    await self._turn()
            except AwsError as error:
                log.warning("messages of %s cannot be received: %s", self._arn, error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _RETRIES[1])

    async def drain(self) -> None:
        while self._running:
            await asyncio.wait(list(self._running))

    async def _call(self, operation: str, wait: float = 0.0, **members: Any) -> dict[str, Any]:
        return await self._client.call(SQS, operation, self._key.account, self._key.region, members, wait)

    async def _look_up(self) -> None:
        endpoint = self._client.endpoint("sqs")
        self._url = f"{endpoint}/{self._key.account}/{self._key.name}"
        answer = await self._call("GetQueueAttributes", QueueUrl=self._url, AttributeNames=["VisibilityTimeout"])
        self._visibility = float(answer["Attributes"]["VisibilityTimeout"])

    # --- Receiving ----------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        """The next messages, in batches on their way to the function."""
        await self._room()
        free = self._batches - len(self._running)
        received_at = self._clock.monotonic()
        # Of a FIFO queue one batch at a time: two of one receive could have messages of the same group.
        most = self._size if self._key.fifo else min(free * self._size, max(self._size, _RECEIVED))
        messages = await self._gather(most)
        if not messages:
            self._batches = min(_FIRST_BATCHES, self._most)
            return
        until = received_at + self._window + self._visibility * _HELD
        for batch in _batches(messages, self._size):
            task = asyncio.get_running_loop().create_task(self._process(batch, until))
            self._running.add(task)
            task.add_done_callback(self._done)

    async def _room(self) -> None:
        """Until there may be another batch; while there is none, more of them are allowed bit by bit."""
        while len(self._running) >= self._batches:
            now = self._clock.monotonic()
            if self._batches < self._most and now - self._grown_at >= _MORE_BATCHES:
                self._batches += 1
                self._grown_at = now
                return
            limit = _MORE_BATCHES if self._batches < self._most else None
            await asyncio.wait(list(self._running), timeout=limit, return_when=asyncio.FIRST_COMPLETED)

    async def _gather(self, most: int) -> list[Message]:
        """As many as there are; for larger batches, until one is full or its window is over."""
        messages = await self._receive(min(most, _RECEIVED), _LONG_POLL)
        if not messages or not self._window:
            return messages
        until = self._clock.monotonic() + self._window
        size = sum(map(_size_of, messages))
        while len(messages) < self._size and size < _PAYLOAD:
            left = until - self._clock.monotonic()
            if left <= 0:
                break
            more = await self._receive(min(self._size - len(messages), _RECEIVED), min(int(left), _LONG_POLL))
            messages += more
            size += sum(map(_size_of, more))
            if not more and left < 1:  # the service waits whole seconds only
                break
        return messages

    async def _receive(self, most: int, wait: int) -> list[Message]:
        answer = await self._call(
            "ReceiveMessage",
            wait,
            QueueUrl=self._url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages") or []
        self._counts.polled(len(messages))
        return messages

    # --- Batches ------------------------------------------------------------------------------------------------------

    async def _process(self, batch: Sequence[Message], until: float) -> None:
        records = [record_of(message, self._arn, self._key.region) for message in batch]
        passed = [self._filters.match(filtered_document(record)) for record in records]
        wanted = [record for record, one in zip(records, passed, strict=True) if one]
        self._counts.filtered_out(len(records) - len(wanted))
        failed: set[str] = set()
        if wanted:
            ran = await self._invoke(wanted, until)
            failed = self._failed(ran, [record["messageId"] for record in wanted])
            self._counts.invoked(ran, len(wanted), len(failed))
            await self._invocations.logged()
        done = [record for record in records if record["messageId"] not in failed]
        await self._delete([record["receiptHandle"] for record in done])

    async def _invoke(self, records: Sequence[dict[str, Any]], until: float) -> Ran:
        traces = (record["attributes"].get("AWSTraceHeader") for record in records)
        trace_id = most_looped(traces, self._mapping.function)
        payload = orjson.dumps({"Records": records})
        ran = await self._invocations.run(self._mapping, payload, trace_id, until)
        if ran.throttled:
            self._batches = min(_FIRST_BATCHES, self._most)
        return ran

    def _failed(self, ran: Ran, identifiers: Sequence[str]) -> set[str]:
        if ran.error is not None:
            log.info("a batch of %s failed in %s: %s", self._arn, self._mapping.function_arn, ran.error)
            return set(identifiers)
        return failed_of(ran.payload, identifiers) if self._partial else set()

    async def _delete(self, handles: Sequence[str]) -> None:
        for start in range(0, len(handles), _RECEIVED):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles[start : start + _RECEIVED])
            ]
            answer = await self._call("DeleteMessageBatch", QueueUrl=self._url, Entries=entries)
            self._counts.deleted(len(entries) - len(answer.get("Failed") or ()))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("messages of %s were not deleted; they come again", self._arn, exc_info=error)


def _batches(messages: list[Message], size: int) -> list[list[Message]]:
    """Of so many messages at most, and of what one invocation may be given."""
    batches: list[list[Message]] = []
    room = 0
    for message in messages:
        needed = _size_of(message)
        if not batches or len(batches[-1]) == size or needed > room:
            batches.append([])
            room = _PAYLOAD
        batches[-1].append(message)
        room -= needed
    return batches


def _size_of(message: Message) -> int:
    """Bytes in the event, about: quotes and the like are escaped there."""
    attributes = sum(len(str(value)) for value in message.get("MessageAttributes", {}).values())
    return len(orjson.dumps(message["Body"])) + attributes + _RECORD
