"""The broker: messages into queues and out of them, durable before anything is acknowledged.

What waits is in the database alone; memory has, of each queue, who is waiting for messages, and before when there is nothing to
look for. So a million messages cost no memory, and a thousand idle pollers no look into the database.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw

from lambdad.clock import Clock
from lambdad.errors.sqs import InvalidParameterValue
from lambdad.resources.sqs_queue import Queue, QueueKey
from lambdad.services.sqs.receipt_handle import ReceiptHandle, new_receipt
from lambdad.store import sqs_messages
from lambdad.store.database import WRITE_FAILED, Database
from lambdad.store.sqs_messages import Message, Overflow, Received, Sent, Wanted
from lambdad.store.sqs_queues import SqsQueues

log = logging.getLogger(__name__)

_PIECE = 1000
"""Messages deleted in one change."""
_EXPIRY = 60.0
"""Seconds between looks for what has expired."""
_NEVER = float("inf")
_LONGEST_IN_FLIGHT = 43_200
"""Seconds since its first receive."""


@dataclass(slots=True)
class _State:
    """What is known of a queue beside the database."""

    nothing_before: float = 0.0
    """There is nothing to receive until then, unless somebody sends."""
    news: int = 0
    """How often something came: a look into the database that began before knows nothing of it."""
    waiting: set[asyncio.Event] = field(default_factory=set)

    def comes(self, at: float) -> None:
        """Something may be received at that time."""
        self.news += 1
        self.nothing_before = min(self.nothing_before, at)
        for waiter in self.waiting:
            waiter.set()


@dataclass(frozen=True, slots=True)
class Deduplication:
    scope: str
    """The message group, or nothing: the queue."""
    id: str


class Broker:
    def __init__(self, queues: SqsQueues, database: Database, clock: Clock) -> None:
        self.queues = queues
        self._database = database
        self._clock = clock
        self._states: dict[int, _State] = {}
        self._last_id = 0
        self._tasks: set[asyncio.Task[None]] = set()
        queues.subscribe(self._queue_changed)

    def load(self) -> None:
        ((highest,),) = self._database.read("SELECT max(id) FROM sqs_messages")
        self._last_id = highest or 0

    def start(self) -> None:
        self._spawn(self._housekeeping())

    # --- Numbers ------------------------------------------------------------------------------------------------------

    def new_id(self, now: float) -> int:
        """Of a message, or a queue: microseconds since the epoch, each once."""
        self._last_id = max(self._last_id + 1, int(now * 1_000_000))
        return self._last_id

    def _state(self, queue: int) -> _State:
        return self._states.setdefault(queue, _State())

    # --- Sending ------------------------------------------------------------------------------------------------------

    async def send(self, messages: Sequence[tuple[Message, Deduplication | None]]) -> list[Sent]:
        """To one queue; all or none of them is durable when it returns."""

        def change(connection: apsw.Connection) -> list[Sent]:
            return [_send(connection, message, once) for message, once in messages]

        sent = await self._database.write(change)
        self._state(messages[0][0].queue).comes(min(message.visible_at for message, _ in messages))
        return sent

    def insert(self, connection: apsw.Connection, message: Message, once: Deduplication | None) -> None:
        """Within somebody else's change; then `arrived`."""
        _send(connection, message, once)

    def arrived(self, message: Message) -> None:
        """It is durable: who waits for it looks."""
        self._state(message.queue).comes(message.visible_at)

    # --- Receiving ----------------------------------------------------------------------------------------------------

    async def receive(self, queue: Queue, most: int, visibility: float, wait: float) -> list[Message]:
        """Up to `most`; waits so many seconds for the first."""
        until = self._clock.now() + wait
        state = self._state(queue.number)
        while True:
            now = self._clock.now()
            if state.nothing_before <= now:
                received = await self._receive(queue, most, visibility, now, state)
                if received.messages:
                    return received.messages
            if now >= until or self.queues.get(queue.key) is None:
                return []
            await self._wait(state, min(until, max(state.nothing_before, now)) - now)

    async def _receive(self, queue: Queue, most: int, visibility: float, now: float, state: _State) -> Received:
        wanted = Wanted(
            queue=queue.number,
            fifo=queue.fifo,
            most=most,
            now=now,
            visibility=visibility,
            oldest=now - queue.bound("MessageRetentionPeriod"),
            overflow=self._overflow_of(queue),
            receipts=[new_receipt() for _ in range(most)],
        )
        news = state.news
        received = await self._database.write(lambda connection: sqs_messages.receive(connection, wanted))
        if len(received.messages) < most and state.news == news:
            state.nothing_before = _NEVER if received.next_visible is None else received.next_visible
        if received.moved and wanted.overflow is not None:
            self._state(wanted.overflow.queue).comes(now)
        return received

    def _overflow_of(self, queue: Queue) -> Overflow | None:
        """None also when the dead-letter queue is gone: then messages stay, and are received on."""
        redrive = queue.redrive
        target = None if redrive is None else self.queues.get(redrive.target)
        if redrive is None or target is None:
            return None
        return Overflow(target.number, target.fifo, queue.key.arn, redrive.most_receives)

    async def _wait(self, state: _State, seconds: float) -> None:
        news = asyncio.Event()
        state.waiting.add(news)
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            pass
        finally:
            state.waiting.discard(news)

    # --- What was received --------------------------------------------------------------------------------------------

    async def delete(self, queue: Queue, handles: Sequence[ReceiptHandle]) -> list[InvalidParameterValue | None]:
        """Those of a standard queue may be of an earlier receive: the work is done all the same."""
        now = self._clock.now()

        def change(connection: apsw.Connection) -> list[InvalidParameterValue | None]:
            return [_delete(connection, queue, handle, now) for handle in handles]

        outcomes = await self._database.write(change)
        if queue.fifo:
            self._state(queue.number).comes(now)
        return outcomes

    async def change_visibility(
        self, queue: Queue, changes: Sequence[tuple[ReceiptHandle, int]]
    ) -> list[InvalidParameterValue | None]:
        now = self._clock.now()

        def change(connection: apsw.Connection) -> list[InvalidParameterValue | None]:
            return [_change_visibility(connection, handle, seconds, now) for handle, seconds in changes]

        outcomes = await self._database.write(change)
        self._state(queue.number).comes(now + min(seconds for _, seconds in changes))
        return outcomes

    # --- Whole queues -------------------------------------------------------------------------------------------------

    async def counts(self, queue: Queue) -> tuple[int, int, int]:
        """(visible, in flight, delayed)."""
        now = self._clock.now()
        return await self._database.write(lambda connection: sqs_messages.counts(connection, queue.number, now))

    async def purge(self, number: int) -> None:
        """What was sent before is gone when it returns."""
        before = self.new_id(self._clock.now())
        while await self._database.write(
            lambda connection: sqs_messages.delete_some(connection, number, before, _PIECE)
        ):
            pass

    async def move(self, source: Queue, destinations: Mapping[str, Queue], to: Queue | None, most: int) -> int:
        """Messages of a dead-letter queue to another, or back to where each came from (`destinations`, by ARN). How many."""
        now = self._clock.now()

        def change(connection: apsw.Connection) -> list[Queue]:
            moved = []
            for message in sqs_messages.first_visible(connection, source.number, now, most):
                origin = message.system.get("DeadLetterQueueSourceArn", "")
                target = to or destinations.get(origin)
                if target is not None:
                    system = {
                        name: value for name, value in message.system.items() if name != "DeadLetterQueueSourceArn"
                    }
                    sqs_messages.put_elsewhere(connection, message, target.number, target.fifo, system, now)
                    if source.fifo:
                        sqs_messages.refresh_group(connection, source.number, message.group_id, now)
                    moved.append(target)
            return moved

        moved = await self._database.write(change)
        for target in moved:
            self._state(target.number).comes(now)
        return len(moved)

    def _queue_changed(self, key: QueueKey, before: Queue | None, after: Queue | None) -> None:
        if before is not None and after is None:
            state = self._states.pop(before.number, None)
            if state is not None:
                state.comes(0.0)  # who waits finds that it is gone
            self._spawn(self._forget(before.number))

    async def _forget(self, number: int) -> None:
        try:
            await self.purge(number)
        except WRITE_FAILED as error:
            log.warning("messages of a deleted queue are still there: %s (the next start removes them)", error)

    # --- Housekeeping -------------------------------------------------------------------------------------------------

    async def _housekeeping(self) -> None:
        await self._remove_orphans()
        while True:
            try:
                await self._expire()
            except WRITE_FAILED as error:
                log.warning("expired messages are still there: %s", error)
            await asyncio.sleep(_EXPIRY)

    async def _remove_orphans(self) -> None:
        """Messages of queues whose deletion a crash has interrupted."""
        known = {queue.number for queue in self.queues.all()}
        for number in await self._database.write(sqs_messages.queues):
            if number not in known:
                await self._forget(number)

    async def _expire(self) -> None:
        now = self._clock.now()
        await self._database.write(lambda connection: sqs_messages.forget_deduplications(connection, now))
        for queue in self.queues.all():
            before = int((now - queue.bound("MessageRetentionPeriod")) * 1_000_000)
            while await self._database.write(_Expiry(queue.number, before, now)):
                pass

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Expiry:
    queue: int
    before: int
    now: float

    def __call__(self, connection: apsw.Connection) -> int:
        return sqs_messages.expire(connection, self.queue, self.before, self.now, _PIECE)


def _send(connection: apsw.Connection, message: Message, once: Deduplication | None) -> Sent:
    if once is not None:
        return sqs_messages.insert_once(connection, message, once.scope, once.id)
    sqs_messages.insert(connection, message)
    return Sent(message.message_id, message.id)


def _delete(
    connection: apsw.Connection, queue: Queue, handle: ReceiptHandle, now: float
) -> InvalidParameterValue | None:
    message = sqs_messages.find(connection, queue.number, handle.message)
    if message is None:
        return None
    if queue.fifo and (message.receipt != handle.receipt or message.visible_at <= now):
        return InvalidParameterValue.expired_handle(str(handle))
    sqs_messages.delete(connection, message, now)
    return None


def _change_visibility(
    connection: apsw.Connection, handle: ReceiptHandle, seconds: int, now: float
) -> InvalidParameterValue | None:
    message = sqs_messages.find(connection, handle.queue, handle.message)
    if message is None or message.receipt != handle.receipt or message.visible_at <= now:
        return InvalidParameterValue.not_available(str(handle))
    if now + seconds > message.first_received_at + _LONGEST_IN_FLIGHT:
        return InvalidParameterValue.total_visibility(seconds)
    sqs_messages.change_visibility(connection, message, now + seconds, now)
    return None
