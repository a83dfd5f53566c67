"""What subscription filters let through goes to functions, as events of theirs.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html. Gathered for a moment, then accepted like any
asynchronous event. A function whose own log is subscribed to itself would never come to an end: its own events are left out.
"""

import asyncio
import base64
import gzip
import logging
from dataclasses import dataclass, field

import orjson

from lambdad.errors import ServiceError
from lambdad.ids import new_uuid
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.observability.filter_pattern import compile_pattern
from lambdad.observability.filter_terms import Match
from lambdad.observability.log_writer import LogEvent
from lambdad.resources.arn import find_function_arn, qualifier_of
from lambdad.resources.function import FunctionKey
from lambdad.store.database import WRITE_FAILED
from lambdad.store.log_groups import LogGroup, LogGroupKey, LogGroups, Subscription

log = logging.getLogger(__name__)

_GATHERED = 0.2
"""Seconds that events of one stream are gathered for."""
_WAITING = 16 * 1024 * 1024
"""Characters that may wait to be sent; beyond them events are not forwarded, and that is said."""
_BATCH = 512 * 1024
"""Characters of one event's messages, about."""


@dataclass(frozen=True, slots=True)
class _Route:
    subscription: Subscription
    match: Match
    function: FunctionKey
    qualifier: str | None


@dataclass(slots=True)
class _Batch:
    events: list[LogEvent] = field(default_factory=list)
    size: int = 0


class Forwarder:
    def __init__(self, groups: LogGroups, asynchronous: Asynchronous) -> None:
        self._asynchronous = asynchronous
        self._routes: dict[LogGroupKey, list[_Route]] = {}
        self._batches: dict[tuple[LogGroupKey, str, str], tuple[_Route, _Batch]] = {}
        self._waiting = 0
        self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        groups.subscribe(self.group_changed)

    def group_changed(self, key: LogGroupKey, before: LogGroup | None, after: LogGroup | None) -> None:
        routes = [_route(one) for one in after.subscriptions] if after is not None else []
        if routes:
            self._routes[key] = routes
        else:
            self._routes.pop(key, None)

    def listen(self, account: str, region: str, group: str, stream: str, events: list[LogEvent]) -> None:
        """Of every log: it costs a look-up where nothing is subscribed."""
        if not self._routes:
            return
        key = LogGroupKey(account, region, group)
        for route in self._routes.get(key, ()):
            if group != f"/aws/lambda/{route.function.name}":
                self._gather(route, key, stream, [event for event in events if route.match(event.message)])

    def _gather(self, route: _Route, key: LogGroupKey, stream: str, events: list[LogEvent]) -> None:
        size = sum(len(event.message) for event in events)
        if not events:
            return
        if self._waiting + size > _WAITING:
            self._dropped += len(events)
            return
        place = (key, stream, route.subscription.name)
        _, batch = self._batches.setdefault(place, (route, _Batch()))
        batch.events += events
        batch.size += size
        self._waiting += size
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHERED, self._send_all)

    def _send_all(self) -> None:
        self._timer = None
        if self._dropped:
            log.warning("%d log events were not forwarded: they came too fast", self._dropped)
            self._dropped = 0
        for (key, stream, _), (route, batch) in self._batches.items():
            task = asyncio.get_running_loop().create_task(self._send(route, key, stream, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._batches = {}

    async def _send(self, route: _Route, key: LogGroupKey, stream: str, batch: _Batch) -> None:
        try:
            for events in _parts(batch.events):
                payload = await asyncio.to_thread(_payload, route, key, stream, events)
                await self._asynchronous.accept(route.function, route.qualifier, payload, new_uuid(), None, None)
        except (*WRITE_FAILED, ServiceError) as error:
            log.warning("%d log events of %s were not forwarded: %s", len(batch.events), key.name, error)
        finally:
            self._waiting -= batch.size

    async def close(self) -> None:
        """What was gathered is accepted."""
        if self._timer is not None:
            self._timer.cancel()
            self._send_all()
        while self._tasks:
            await asyncio.wait(list(self._tasks))


def _route(subscription: Subscription) -> _Route:
    key = find_function_arn(subscription.destination)
    assert key is not None
    return _Route(subscription, compile_pattern(subscription.pattern), key, qualifier_of(subscription.destination))


def _parts(events: list[LogEvent]) -> list[list[LogEvent]]:
    parts: list[list[LogEvent]] = []
    size = 0
    for event in events:
        if not parts or size > _BATCH:
            parts.append([])
            size = 0
        parts[-1].append(event)
        size += len(event.message)
    return parts


def _payload(route: _Route, key: LogGroupKey, stream: str, events: list[LogEvent]) -> bytes:
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": key.account,
        "logGroup": key.name,
        "logStream": stream,
        "subscriptionFilters": [route.subscription.name],
        "logEvents": [
            {"id": f"{event.timestamp:020d}{number:036d}", "timestamp": event.timestamp, "message": event.message}
            for number, event in enumerate(events)
        ],
    }
    packed = base64.b64encode(gzip.compress(orjson.dumps(document), 6)).decode()
    return orjson.dumps({"awslogs": {"data": packed}})
