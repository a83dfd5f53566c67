"""What waits for one subscriber: at most one batch on its way and one behind it, whatever the subscriber does.

More is dropped and counted, and told as platform.logsDropped. Nobody waits for a subscriber.
AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html#telemetry-api-buffering
"""

import asyncio
import logging
from collections.abc import Callable

from lambdad.environments.tasks import Tasks
from lambdad.environments.telemetry_delivery import Delivery
from lambdad.environments.telemetry_subscription import Subscription

log = logging.getLogger(__name__)

_PAUSES = (0.1, 0.5)
"""Seconds before a batch that was not taken is tried again."""
_SLOW = "Some logs were dropped because the downstream consumer is slower than the logs production rate"
_LOST = "Some logs were dropped because the subscriber did not take them"


class TelemetryBuffer:
    __slots__ = (
        "_batch_size",
        "_closed",
        "_delivery",
        "_dropped",
        "_dropped_bytes",
        "_events",
        "_name_drops",
        "_paused",
        "_reason",
        "_sending",
        "_tasks",
        "_timer",
        "subscription",
    )

    def __init__(
        self, subscription: Subscription, delivery: Delivery, name_drops: Callable[[int, int, str], bytes | None]
    ) -> None:
        """`name_drops(records, bytes, reason)`: the event that says what was dropped."""
        self.subscription = subscription
        self._delivery = delivery
        self._name_drops = name_drops
        self._events: list[bytes] = []
        self._batch_size = 0
        self._dropped = self._dropped_bytes = 0
        self._reason = _SLOW
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._tasks = Tasks()
        self._paused = False
        self._closed = False

    @property
    def sending(self) -> bool:
        return self._sending is not None

    @property
    def full(self) -> bool:
        """What comes now is dropped."""
        return self._blocked and self._is_complete()

    @property
    def _blocked(self) -> bool:
        return self._sending is not None or self._paused or self._closed

    def _is_complete(self) -> bool:
        settings = self.subscription
        return len(self._events) >= settings.max_items or self._batch_size >= settings.max_bytes

    def drop(self, size: int) -> None:
        self._dropped += 1
        self._dropped_bytes += size
        self._reason = _SLOW

    def offer(self, event: bytes) -> None:
        if self._is_complete() or (self._events and self._batch_size + len(event) > self.subscription.max_bytes):
            if self._blocked:
                self.drop(len(event))
                return
            self._send()
        self._events.append(event)
        self._batch_size += len(event)
        if self._is_complete():
            self._send()
        elif self._timer is None and not self._paused:
            self._timer = asyncio.get_running_loop().call_later(self.subscription.timeout, self._due)

    def _due(self) -> None:
        self._timer = None
        self._send()

    def _send(self) -> None:
        """Unless one is on its way: then it goes after that one."""
        if self._blocked:
            return
        self._stop_timer()
        batch, size, self._events, self._batch_size = self._events, self._batch_size, [], 0
        if self._dropped:
            told = self._name_drops(self._dropped, self._dropped_bytes, self._reason)
            self._dropped = self._dropped_bytes = 0
            if told is not None:
                batch.insert(0, told)
        if batch:
            self._sending = self._tasks.spawn(self._deliver(batch, size))

    async def _deliver(self, batch: list[bytes], size: int) -> None:
        try:
            taken = await self._attempts(batch)
        finally:
            self._sending = None
        if not taken:
            self._dropped += len(batch)
            self._dropped_bytes += size
            self._reason = _LOST
        if self._is_complete() or (taken and self._dropped):
            self._send()
        elif self._events and self._timer is None and not self._paused:
            self._timer = asyncio.get_running_loop().call_later(self.subscription.timeout, self._due)

    async def _attempts(self, batch: list[bytes]) -> bool:
        for pause in (*_PAUSES, None):
            try:
                await self._delivery.send(batch)
            except (OSError, TimeoutError) as error:
                log.debug("a subscriber did not take its telemetry: %r", error)
                if pause is None or self._closed:
                    return False
                await asyncio.sleep(pause)
            else:
                return True
        return False

    def pause(self) -> None:
        """Its environment is about to be frozen: nothing is begun."""
        self._paused = True
        self._stop_timer()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            if self._events and self._sending is None:
                self._timer = asyncio.get_running_loop().call_later(self.subscription.timeout, self._due)

    async def flush(self) -> None:
        """Until what there is now has been taken, or given up."""
        if self._sending is not None:
            await asyncio.wait({self._sending})
        self._send()
        if self._sending is not None:
            await asyncio.wait({self._sending})

    def close(self) -> None:
        self._closed = True
        self._stop_timer()
        if self._sending is not None:
            self._sending.cancel()
        self._delivery.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
