"""The event of a batch of a stream's records, with its tumbling window where there is one. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html, …/services-ddb-windows.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from lambdad.event_source_mappings.stream_record import StreamRecord

LARGEST_STATE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    start: int
    """Seconds since the epoch."""
    seconds: int
    state: str = "{}"
    """JSON: what the function made of it so far."""

    @property
    def end(self) -> int:
        return self.start + self.seconds

    @property
    def too_large(self) -> bool:
        """Its state may not be kept: the function is given it at once, and it begins anew."""
        return len(self.state.encode()) > LARGEST_STATE


def event_of(records: Sequence[StreamRecord]) -> bytes:
    return b'{"Records":[' + b",".join([record.document for record in records]) + b"]}"


def windowed_event_of(
    records: Sequence[StreamRecord], window: Window, shard: str, arn: str, final: bool = False, early: bool = False
) -> bytes:
    more = {
        "window": {"start": _moment(window.start), "end": _moment(window.end)},
        "state": orjson.Fragment(window.state),
        "shardId": shard,
        "eventSourceARN": arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }
    return event_of(records)[:-1] + b"," + orjson.dumps(more)[1:]


def state_of(payload: bytes) -> str | None:
    """What the function's answer says the window has come to; None: nothing, so that it failed."""
    try:
        answer = orjson.loads(payload or b"null")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(answer, dict) or answer.get("state") is None:
        return None
    return orjson.dumps(answer["state"]).decode()


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
