"""Segment documents: what a trace is made of, as X-Ray takes them, and what is wrong with those it does not. Pure.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from lambdad.resources.trace_header import SEGMENT_ID

Document = dict[str, Any]
MOST_BYTES: Final = 64 * 1024
"""Of one document."""
MOST_TRACE_BYTES: Final = 500 * 1024
"""Of all documents of a trace."""
_TRACE: Final = re.compile(r"(?:1-)?[0-9a-fA-F]{8}-?[0-9a-fA-F]{24}")
DEEPEST: Final = 64
"""Subsegments in subsegments."""
_NESTED: Final = 120
"""Objects and lists in each other, in one document: what it is put into can be written as JSON, too, which ends at 254."""
_LATE: Final = 24 * 3600
"""Seconds that a trace is older than its first segment to come, at most, if its id is to tell when it began, and …"""
_AHEAD: Final = 300
"""… that the clock of whoever made the id is ahead."""


class InvalidSegment(Exception):
    """`code`: as UnprocessedTraceSegments name it; `id`: the document's, if it has one."""

    def __init__(self, code: str, document_id: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.id = document_id


@dataclass(frozen=True, slots=True)
class Segment:
    """A document that is fit to be kept, and what is looked for in it. `text` is its JSON."""

    trace_id: str
    id: str
    begun: float
    """Seconds since the epoch."""
    ended: float | None
    """None: it is in progress."""
    document: Document
    text: bytes


def read_segments(what: Document | bytes) -> "list[Segment | InvalidSegment]":
    """A document, or each of an array of subsegments by itself: what is wrong with one is none of the others' business."""
    if isinstance(what, dict):
        return [_read(what)]
    if len(what) > MOST_BYTES:
        return [InvalidSegment("DocumentSizeExceeded")]
    try:
        document = orjson.loads(what)
    except orjson.JSONDecodeError:
        return [InvalidSegment("ParseError")]
    if what.count(b"{") + what.count(b"[") > _NESTED and _is_nested(document):
        return [InvalidSegment("ParseError")]
    if isinstance(document, list) and document:
        return [_read(one) for one in document]
    return [_read(document, what)]


def _is_nested(document: Any) -> bool:
    """Too much."""
    row = [document]
    for _ in range(_NESTED + 1):
        row = [one for each in row for one in (each.values() if isinstance(each, dict) else each)]
        row = [one for one in row if isinstance(one, dict | list)]
    return bool(row)


def _read(document: Any, text: bytes | None = None) -> "Segment | InvalidSegment":
    if not isinstance(document, dict):
        return InvalidSegment("ParseError")
    try:
        return segment_of(document, text)
    except InvalidSegment as error:
        return error


def segment_of(document: Document, text: bytes | None = None) -> Segment:
    """Raises InvalidSegment."""
    own_id = document.get("id")
    if not isinstance(own_id, str):
        raise InvalidSegment("MissingId")
    if not SEGMENT_ID.fullmatch(own_id):
        raise InvalidSegment("InvalidId", own_id[:64])
    trace_id = document.get("trace_id")
    if not isinstance(trace_id, str):
        raise InvalidSegment("MissingTraceId", own_id)
    if not _TRACE.fullmatch(trace_id):
        raise InvalidSegment("InvalidTraceId", own_id)
    _check(document, own_id)
    if document.get("type") == "subsegment" and not isinstance(document.get("parent_id"), str):
        raise InvalidSegment("MissingParentId", own_id)
    begun, ended = document["start_time"], document.get("end_time")
    return Segment(normal(trace_id), own_id, begun, ended, document, text or orjson.dumps(document))


def _check(document: Document, own_id: str) -> None:
    """Of a segment, and of every subsegment in it, what others here rely on."""
    name = document.get("name")
    if not isinstance(name, str) or not name or len(name) > 200:
        raise InvalidSegment("InvalidName" if name else "MissingName", own_id)
    begun, ended = document.get("start_time"), document.get("end_time")
    if not _is_time(begun):
        raise InvalidSegment("InvalidStartTime" if begun is not None else "MissingStartTime", own_id)
    if not _is_time(ended) if ended is not None else document.get("in_progress") is not True:
        raise InvalidSegment("InvalidEndTime" if ended is not None else "MissingEndTime", own_id)
    for field in ("http", "aws", "annotations", "metadata"):
        if not isinstance(document.get(field, {}), dict):
            raise InvalidSegment("ParseError", own_id)
    parent, children = document.get("parent_id"), document.get("subsegments", [])
    if (parent is not None and not isinstance(parent, str)) or not isinstance(children, list):
        raise InvalidSegment("ParseError", own_id)
    for child in children:
        if not isinstance(child, dict) or not isinstance(child.get("id"), str):
            raise InvalidSegment("ParseError", own_id)
        _check(child, own_id)


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11


def normal(trace_id: str) -> str:
    """`1-<8>-<24>`, also of one that a W3C trace brought: 32 digits."""
    digits = trace_id.removeprefix("1-").replace("-", "").lower()
    return f"1-{digits[:8]}-{digits[8:]}"


def made_at(segment: Segment, now: float) -> int:
    """When its trace began, in seconds since the epoch: as the trace's id says, or if that cannot be, as the segment does. A W3C
    trace's id has random digits where X-Ray's has the time."""
    said = int(segment.trace_id[2:10], 16)
    return said if now - _LATE <= said <= now + _AHEAD else int(segment.begun)


def children(document: Mapping[str, Any]) -> Iterator[Document]:
    """Its subsegments, and theirs, in their order. Not by recursion: how deep they are is up to whoever sends them."""
    waiting = [*reversed(document.get("subsegments") or ())]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.get("subsegments") or ())


def end_of(document: Mapping[str, Any]) -> float:
    """Of one in progress: when it began."""
    ended = document.get("end_time")
    return float(document["start_time"] if ended is None else ended)


def response_status(document: Mapping[str, Any]) -> int | None:
    response = document.get("http", {}).get("response")
    status = response.get("status") if isinstance(response, dict) else None
    return status if isinstance(status, int) else None


def kinds_of_failure(document: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """(error, fault, throttle): as it says itself, or as its status does."""
    status = response_status(document) or 0
    throttle = document.get("throttle") is True or status == 429
    error = document.get("error") is True or throttle or 400 <= status < 500
    return error, document.get("fault") is True or 500 <= status < 600, throttle
