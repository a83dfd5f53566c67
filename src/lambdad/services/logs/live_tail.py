"""StartLiveTail: what comes, each second, for up to three hours.

AWS: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from lambdad.errors.logs import InvalidParameterException
from lambdad.ids import new_uuid
from lambdad.observability.filter_terms import Match
from lambdad.observability.log_writer import LogEvent
from lambdad.protocols.context import Context, Members
from lambdad.services.logs.backend import Backend, key_of, pattern_of
from lambdad.store.log_groups import LogGroupKey

_EVERY = 1.0
_LONGEST = 3 * 3600
_MOST = 500
"""Events of one update; of more, AWS shows a sample."""


@dataclass(slots=True)
class _Tail:
    groups: frozenset[LogGroupKey]
    names: Sequence[str] | None
    prefixes: Sequence[str] | None
    match: Match
    news: "deque[Members]" = field(default_factory=lambda: deque(maxlen=_MOST))
    sampled: bool = False

    def listen(self, account: str, region: str, group: str, stream: str, events: list[LogEvent]) -> None:
        key = LogGroupKey(account, region, group)
        if key not in self.groups or not self._wants(stream):
            return
        for event in events:
            if self.match(event.message):
                self.sampled |= len(self.news) == _MOST
                self.news.append(
                    {
                        "logStreamName": stream,
                        "logGroupIdentifier": f"{account}:{group}",
                        "message": event.message,
                        "timestamp": event.timestamp,
                        "ingestionTime": event.timestamp,
                    }
                )

    def _wants(self, stream: str) -> bool:
        if self.names is not None:
            return stream in self.names
        return self.prefixes is None or stream.startswith(tuple(self.prefixes))

    def take(self) -> Members:
        results, sampled = list(self.news), self.sampled
        self.news.clear()
        self.sampled = False
        return {"sessionUpdate": {"sessionMetadata": {"sampled": sampled}, "sessionResults": results}}


async def start_live_tail(backend: Backend, context: Context, request: Members) -> Members:
    identifiers = request["logGroupIdentifiers"]
    groups = frozenset(backend.group(key_of(context, one)).key for one in identifiers)
    names, prefixes = request.get("logStreamNames"), request.get("logStreamNamePrefixes")
    if names and prefixes:
        raise InvalidParameterException.names_and_prefix()
    pattern = request.get("logEventFilterPattern", "")
    tail = _Tail(groups, names, prefixes, pattern_of(pattern))
    start = {
        "requestId": context.request_id,
        "sessionId": new_uuid(),
        "logGroupIdentifiers": identifiers,
        "logStreamNames": names or [],
        "logStreamNamePrefixes": prefixes or [],
        "logEventFilterPattern": pattern,
    }
    return {"responseStream": _updates(backend, tail, start)}


async def _updates(backend: Backend, tail: _Tail, start: Members) -> AsyncGenerator[Members, None]:
    end = backend.logs.subscribe(tail.listen)
    until = backend.clock.monotonic() + _LONGEST
    try:
        yield {"sessionStart": start}
        while backend.clock.monotonic() < until:
            await asyncio.sleep(_EVERY)
            yield tail.take()
        yield {"SessionTimeoutException": {"message": "The session has lasted for three hours."}}
    finally:
        end()
