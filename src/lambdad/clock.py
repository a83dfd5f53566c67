"""The one source of time. Decisions take time as an argument; effects take a Clock."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Two readings: `now` is wall time, `monotonic` never goes back; both in seconds."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def last_modified(seconds: float) -> str:
    """A function's LastModified as AWS writes it: `2026-01-31T12:00:00.123+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def last_modified_to_the_second(seconds: float) -> str:
    """Provisioned concurrency's: `2026-01-31T12:00:00+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


@lru_cache(maxsize=1)
def http_date(second: int) -> str:
    """A Date header's value (RFC 9110 5.6.7), made once a second: `Sun, 29 Nov 2026 12:00:00 GMT`."""
    return formatdate(second, usegmt=True)
