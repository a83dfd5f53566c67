"""Traces found, whole, and as graphs of services.

AWS: docs.aws.amazon.com/xray/latest/api/API_GetTraceSummaries.html and its neighbours. A page ends when it is full or when many
traces have been looked at for it: it may be empty, and have a token.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import orjson

from lambdad.errors.xray import InvalidRequestException
from lambdad.observability.trace_store import read_trace
from lambdad.protocols.context import Context, Members
from lambdad.resources.service_graph import graph_of
from lambdad.resources.trace import Trace, summary_of
from lambdad.resources.trace_view import view_of
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.groups import filter_of, find_group
from lambdad.services.xray.pages import read_place, refuse_token, token_of
from lambdad.store.traces import Span, TraceRow, Traces

_SUMMARIES: Final = 100
_LOOKED_AT: Final = 1000
"""Traces of one page, and …"""
_LOOKED_AT_BYTES: Final = 32 * 1024 * 1024
"""… bytes of them."""
_GRAPHED: Final = 10_000
"""Traces that a graph is made of, at most, and …"""
_GRAPHED_BYTES: Final = 64 * 1024 * 1024
"""… bytes of them: the first of its time."""
_MOST_IDS: Final = 5
_MOST_GRAPHED_IDS: Final = 100

Wanted = Callable[[Trace], bool]


async def get_trace_summaries(backend: Backend, context: Context, request: Members) -> Members:
    expression = request.get("FilterExpression") or ""
    fits = wanted_by(backend, context, expression)
    kept = _sampled(request.get("SamplingStrategy") or {})
    span = _span(context, request)
    after = read_place(request.get("NextToken"))

    def read(traces: Traces) -> tuple[list[Any], list[TraceRow], bool]:
        found: list[Any] = []
        looked_at: list[TraceRow] = []
        rows = traces.page(span, after, _LOOKED_AT)
        for row in _within(_LOOKED_AT_BYTES, rows):
            looked_at.append(row)
            if kept(row.trace_id):
                trace = read_trace(traces, row, span.account)
                if fits(trace):
                    found.append({**summary_of(trace, row.revision), "MatchedEventTime": trace.began})
            if len(found) == _SUMMARIES:
                break
        more = len(found) == _SUMMARIES or len(looked_at) < len(rows) or len(rows) == _LOOKED_AT
        return found, looked_at, more

    found, looked_at, more = await backend.traces.look(read)
    members: Members = {
        "TraceSummaries": found,
        "ApproximateTime": backend.clock.now(),
        "TracesProcessedCount": len(looked_at),
    }
    if more:
        members["NextToken"] = token_of([getattr(looked_at[-1], span.by), looked_at[-1].id])
    return members


def _within(most_bytes: int, rows: Sequence[TraceRow]) -> Iterator[TraceRow]:
    """The first of them, but at least one: what is looked at has a bound."""
    total = 0
    for row in rows:
        total += row.size
        if total > most_bytes and total > row.size:
            return
        yield row


def wanted_by(backend: Backend, context: Context, expression: str) -> Wanted:
    """Raises InvalidRequestException."""
    if not expression.strip():
        return lambda trace: True
    fits = filter_of(backend, context, expression)
    return lambda trace: fits(view_of(trace))


def _sampled(strategy: Members) -> Callable[[str], bool]:
    """Of each trace it is always said the same."""
    rate = strategy.get("Value")
    if strategy.get("Name") != "FixedRate" or rate is None:
        return lambda trace_id: True
    return lambda trace_id: zlib.crc32(trace_id.encode()) < rate * 2**32


def _span(context: Context, request: Members) -> Span:
    """By the time in traces' ids unless told otherwise. Raises InvalidRequestException."""
    start, end = request["StartTime"], request["EndTime"]
    if start > end:
        raise InvalidRequestException.span()
    by_id = request.get("TimeRangeType", "TraceId") == "TraceId"
    if by_id:
        return Span(context.account, context.region, "made_at", int(start), end)
    return Span(context.account, context.region, "began", start, end)


async def batch_get_traces(backend: Backend, context: Context, request: Members) -> Members:
    """Those that there are not are not among the answers; AWS does not call them unprocessed."""
    refuse_token(request)
    ids = request["TraceIds"]
    if len(ids) > _MOST_IDS:
        raise InvalidRequestException.too_many("TraceIds", _MOST_IDS)
    return {
        "Traces": [
            {
                "Id": trace.id,
                "Duration": round(trace.ended - trace.began, 3),
                "LimitExceeded": trace.limited,
                "Segments": [
                    {"Id": segment["id"], "Document": orjson.dumps(segment).decode()} for segment in _segments(trace)
                ],
            }
            for trace in await _named(backend, context, ids)
        ],
        "UnprocessedTraceIds": [],
    }


def _segments(trace: Trace) -> list[Any]:
    """Those that are inferred beside those that were sent, by start."""
    inferred = []
    for node in trace.nodes:
        if node.inferred:
            inferred.append({**node.document, "id": _inferred_id(node.document["id"]), "trace_id": trace.id})
            inferred[-1] |= {
                "parent_id": node.document["id"],
                "name": node.service.name,
                "origin": node.service.type,
            }
    return sorted([*trace.segments, *inferred], key=lambda segment: float(segment["start_time"]))


def _inferred_id(subsegment_id: str) -> str:
    return f"{zlib.crc32(subsegment_id.encode()):08x}{zlib.adler32(subsegment_id.encode()):08x}"


async def _named(backend: Backend, context: Context, ids: Sequence[str]) -> list[Trace]:
    def read(traces: Traces) -> list[Trace]:
        rows = (traces.find(context.account, context.region, trace_id) for trace_id in dict.fromkeys(ids))
        return [read_trace(traces, row, context.account) for row in rows if row is not None]

    return await backend.traces.look(read)


async def get_trace_graph(backend: Backend, context: Context, request: Members) -> Members:
    refuse_token(request)
    ids = request["TraceIds"]
    if len(ids) > _MOST_GRAPHED_IDS:
        raise InvalidRequestException.too_many("TraceIds", _MOST_GRAPHED_IDS)
    return {"Services": graph_of(await _named(backend, context, ids))}


async def get_service_graph(backend: Backend, context: Context, request: Members) -> Members:
    """Of a group's traces, or of all."""
    refuse_token(request)
    expression = ""
    if request.get("GroupName") or request.get("GroupARN"):
        expression = find_group(backend, context, request).expression
    fits = wanted_by(backend, context, expression)
    span = _span(context, request)

    def read(traces: Traces) -> list[Any]:
        rows = _within(_GRAPHED_BYTES, traces.page(span, None, _GRAPHED))
        return graph_of(trace for row in rows if fits(trace := read_trace(traces, row, span.account)))

    return {
        "StartTime": request["StartTime"],
        "EndTime": request["EndTime"],
        "Services": await backend.traces.look(read),
        "ContainsOldGroupVersions": False,
    }
