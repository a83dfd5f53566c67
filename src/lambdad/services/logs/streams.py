"""Operations on log streams and their events: create, list, put, read, search."""

import asyncio
import re
from collections.abc import Sequence

from lambdad.errors.logs import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFound,
    ServiceUnavailableException,
)
from lambdad.observability.filter_terms import needle_of
from lambdad.observability.log_search import FoundEvent, Place, Wanted
from lambdad.observability.log_writer import LogEvent
from lambdad.observability.logs import Stream
from lambdad.protocols.context import Context, Members
from lambdad.services.logs.backend import Backend, pattern_of
from lambdad.services.logs.pages import PAGE, name_before, page_of, read_token, token_of
from lambdad.store.log_groups import LogGroup, LogGroupKey

_EVENTS = 10_000
_BATCH = 1_048_576
_OVERHEAD = 26
"""Bytes that each event counts beside its message."""
_DAY = 86_400_000
_TOO_OLD, _TOO_NEW = 14 * _DAY, 2 * 3_600_000
_FIRST_BACKWARDS = 1_704_067_200_000
"""The beginning of 2024: searches that give the newest first go no further back."""
_NO_TOKEN = "0" * 56
_POSITION = re.compile(r"([fb])/([0-9]{56})/s")
"""A token of GetLogEvents."""
"""Sequence tokens mean nothing any more; old clients want one."""


async def create_log_stream(backend: Backend, context: Context, request: Members) -> Members:
    key = backend.group(LogGroupKey(context.account, context.region, request["logGroupName"])).key
    name = request["logStreamName"]
    if backend.logs.find_stream(key.account, key.region, key.name, name) is not None:
        raise ResourceAlreadyExistsException.stream()
    await backend.logs.create_stream(key.account, key.region, key.name, name)
    return {}


async def delete_log_stream(backend: Backend, context: Context, request: Members) -> Members:
    key = backend.group(LogGroupKey(context.account, context.region, request["logGroupName"])).key
    _stream(backend, key, request["logStreamName"])
    await backend.logs.delete_stream(key.account, key.region, key.name, request["logStreamName"])
    return {}


def _stream(backend: Backend, key: LogGroupKey, name: str) -> Stream:
    found = backend.logs.find_stream(key.account, key.region, key.name, name)
    if found is None:
        raise ResourceNotFound.stream()
    return found


async def describe_log_streams(backend: Backend, context: Context, request: Members) -> Members:
    key = backend.group_named(context, request).key
    prefix, by_time = request.get("logStreamNamePrefix", ""), request.get("orderBy") == "LastEventTime"
    if prefix and by_time:
        raise InvalidParameterException.prefix_and_order()
    await backend.logs.synced()
    streams = await asyncio.to_thread(backend.logs.streams, key.account, key.region, key.name)
    found = [(_position(stream, by_time), stream) for stream in streams if stream.name.startswith(prefix)]
    found.sort(key=lambda pair: pair[0])
    if request.get("descending"):
        return _descending(key, found, request)
    page, token = page_of(found, lambda pair: pair[0], request)
    return {"logStreams": [_members_of(key, stream) for _, stream in page], "nextToken": token}


def _position(stream: Stream, by_time: bool) -> str:
    return f"{stream.last_timestamp or 0:020d} {stream.name}" if by_time else stream.name


def _descending(key: LogGroupKey, found: list[tuple[str, Stream]], request: Members) -> Members:
    before = name_before(request)
    rest = [pair for pair in reversed(found) if before is None or pair[0] < before]
    page = rest[: request.get("limit", PAGE)]
    token = token_of(page[-1][0]) if len(rest) > len(page) else None
    return {"logStreams": [_members_of(key, stream) for _, stream in page], "nextToken": token}


def _members_of(key: LogGroupKey, stream: Stream) -> Members:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_at,
        "firstEventTimestamp": stream.first_timestamp,
        "lastEventTimestamp": stream.last_timestamp,
        "lastIngestionTime": stream.last_ingested,
        "uploadSequenceToken": _NO_TOKEN,
        "arn": f"{key.arn}:log-stream:{stream.name}",
        "storedBytes": 0,  # AWS has not told since 2019
    }


# --- Events in --------------------------------------------------------------------------------------------------------


async def put_log_events(backend: Backend, context: Context, request: Members) -> Members:
    group = backend.group(LogGroupKey(context.account, context.region, request["logGroupName"]))
    _stream(backend, group.key, request["logStreamName"])
    events = request["logEvents"]
    size = sum(len(event["message"].encode()) + _OVERHEAD for event in events)
    if size > _BATCH:
        raise InvalidParameterException.size(size, _BATCH)
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise InvalidParameterException.order()
    old, expired, new = _rejected(group, times, backend.now())
    key, kept = group.key, events[max(old, expired) : new]
    if kept and kept[-1]["timestamp"] - kept[0]["timestamp"] > _DAY:
        raise InvalidParameterException.span()
    taken = [LogEvent(event["timestamp"], event["message"]) for event in kept]
    try:
        await backend.logs.put(key.account, key.region, key.name, request["logStreamName"], taken)
    except OSError as error:
        raise ServiceUnavailableException.disk() from error
    rejected = {
        "tooNewLogEventStartIndex": new if new < len(events) else None,
        "tooOldLogEventEndIndex": old or None,
        "expiredLogEventEndIndex": expired or None,
    }
    told = rejected if any(value is not None for value in rejected.values()) else None
    return {"nextSequenceToken": _NO_TOKEN, "rejectedLogEventsInfo": told}


def _rejected(group: LogGroup, times: Sequence[int], now: int) -> tuple[int, int, int]:
    """(how many are too old, how many have expired, from which on they are too new)."""
    oldest = now - _TOO_OLD
    kept_from = now - group.retention_days * _DAY if group.retention_days is not None else 0
    old = sum(time < oldest for time in times)
    expired = sum(time < kept_from for time in times)
    return old, expired, len(times) - sum(time > now + _TOO_NEW for time in times)


# --- Events out -------------------------------------------------------------------------------------------------------


async def get_log_events(backend: Backend, context: Context, request: Members) -> Members:
    key = backend.group_named(context, request).key
    _stream(backend, key, request["logStreamName"])
    wanted = Wanted(start=request.get("startTime", 0), end=request.get("endTime"))
    position, head = _read_position(request.get("nextToken"), bool(request.get("startFromHead")))
    await backend.logs.synced()
    events, first, last = await asyncio.to_thread(
        backend.logs.page_of_stream,
        *(key.account, key.region, key.name, request["logStreamName"]),
        *(wanted, position, request.get("limit", _EVENTS), head),
    )
    return {
        "events": [_plain(event) for event in events],
        "nextForwardToken": f"f/{last:056d}/s",
        "nextBackwardToken": f"b/{first:056d}/s",
    }


def _read_position(token: str | None, head: bool) -> tuple[int | None, bool]:
    """(where, forwards). A token tells its own direction."""
    if token is None:
        return None, head
    given = _POSITION.fullmatch(token)
    if given is None:
        raise InvalidParameterException.token()
    return int(given[2]), given[1] == "f"


def _plain(event: FoundEvent) -> Members:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


async def filter_log_events(backend: Backend, context: Context, request: Members) -> Members:
    key = backend.group_named(context, request).key
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise InvalidParameterException.names_and_prefix()
    for name in names or ():
        _stream(backend, key, name)
    pattern = request.get("filterPattern", "")
    match = pattern_of(pattern)
    after, newest_first = _read_place(request)
    start, end = request.get("startTime", 0), _exclusive(request.get("endTime"))
    wanted = Wanted(names, prefix or "", start, end, needle_of(pattern), newest_first)
    await backend.logs.synced()
    events, place = await asyncio.to_thread(
        backend.logs.search,
        *(key.account, key.region, key.name, wanted, match, after, request.get("limit", _EVENTS)),
    )
    found = [{**_plain(event), "logStreamName": event.stream, "eventId": event.id} for event in events]
    token = token_of([*place, newest_first]) if place is not None else None
    return {"events": found, "searchedLogStreams": [], "nextToken": token}


def _exclusive(end: int | None) -> int | None:
    """The last millisecond belongs to it here, and does not for GetLogEvents."""
    return None if end is None else end + 1


def _read_place(request: Members) -> tuple[Place | None, bool]:
    """(where, newest first). A token tells its own direction. Raises InvalidParameterException."""
    if "nextToken" in request:
        match read_token(request["nextToken"]):
            case [int(timestamp), str(stream), int(offset), bool(newest_first)]:
                return (timestamp, stream, offset), newest_first
        raise InvalidParameterException.token()
    newest_first = not request.get("startFromHead", True)
    if newest_first and request.get("startTime", _FIRST_BACKWARDS) < _FIRST_BACKWARDS:
        raise InvalidParameterException.newest_first()
    return None, newest_first
