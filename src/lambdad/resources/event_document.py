"""An event as rules see it and targets are given it. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from lambdad.errors.events import EntryError
from lambdad.resources.event_bus import BusKey

LARGEST_REQUEST: Final = 1024 * 1024
"""Bytes of all entries of a PutEvents request together."""
_TIME_BYTES: Final = 14
_REQUIRED: Final = ("Source", "DetailType", "Detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusEvent:
    """On its way through a bus."""

    bus: BusKey
    document: Mapping[str, Any]
    time: float
    ingested_at: float
    trace_header: str | None = None
    forwarded: bool = False
    """It comes from another bus: no rule sends it on to a third."""
    rules: frozenset[str] | None = None
    """ARNs of those that it is for; None: of all."""

    @property
    def replayed(self) -> bool:
        return "replay-name" in self.document


def event_of(
    entry: Mapping[str, Any], bus: BusKey, id: str, account: str, now: float, *, service: bool = False
) -> BusEvent:
    """Of an entry of PutEvents. `account`: whose event it is; `service`: an AWS service's own. Raises EntryError."""
    for name in _REQUIRED:
        if not entry.get(name):
            raise EntryError.missing(name)
    if entry["Source"].startswith("aws.") and not service:
        raise EntryError.source()
    try:
        detail = orjson.loads(entry["Detail"])
    except orjson.JSONDecodeError as error:
        raise EntryError.detail() from error
    if not isinstance(detail, dict):
        raise EntryError.detail()
    time = float(entry["Time"]) if entry.get("Time") is not None else now
    document = {
        "version": "0",
        "id": id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": account,
        "time": time_of(time),
        "region": bus.region,
        "resources": entry.get("Resources") or [],
        "detail": detail,
    }
    return BusEvent(bus=bus, document=document, time=time, ingested_at=now, trace_header=entry.get("TraceHeader"))


def time_of(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size_of(entry: Mapping[str, Any]) -> int:
    """AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html"""
    texts = [*(entry.get(name) or "" for name in _REQUIRED), *(entry.get("Resources") or ())]
    return sum(len(text.encode()) for text in texts) + (_TIME_BYTES if entry.get("Time") is not None else 0)


def with_replay_name(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Where AWS has it: behind the region."""
    changed: dict[str, Any] = {}
    for member, value in document.items():
        changed[member] = value
        if member == "region":
            changed["replay-name"] = name
    return changed
