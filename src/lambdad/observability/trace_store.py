"""The trace store: segments that come in, by whichever way; kept for as long and as much as the settings say.

What Lambda writes itself and what functions send (`environments/segment_intake.py`) waits in memory, within bounds, and is checked
and written in batches beside the event loop: `kill -9` takes the last second of it. What PutTraceSegments is given is on disk
before it is answered. Whoever looks sees everything that has come in.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import orjson

from lambdad.clock import Clock
from lambdad.observability.exposition import head
from lambdad.resources.segment import Document, InvalidSegment, Segment, read_segments
from lambdad.resources.trace import Trace, assemble
from lambdad.store.database import WRITE_FAILED
from lambdad.store.traces import Arrived, TraceRow, Traces

log = logging.getLogger(__name__)

T = TypeVar("T")

_INTERVAL: Final = 1.0
"""Seconds until what waits is written."""
_WAITING_BYTES: Final = 16 * 1024 * 1024
"""Of documents that wait: what comes beyond is dropped, and counted."""
_SENT_BYTES: Final = 8 * 1024 * 1024
"""Of those that functions sent, and …"""
_SENT_BY_ONE: Final = 2 * 1024 * 1024
"""… of those that one function did: so is there room for the others' whatever it sends."""
_OWN_BYTES: Final = 1024
"""About what one of Lambda's own takes."""
_PORTION: Final = 200
"""Documents in one change: others wait for the database's writer meanwhile."""
_EXPIRY: Final = 60.0
"""Seconds between looks for what is too old."""
_EXPIRED: Final = 200
"""Traces that go in one change."""

INVALID, FLOOD, TRACE_FULL, DISK = "invalid", "flood", "trace full", "not written"
"""Why documents were dropped."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose traces."""

    account: str
    region: str
    sender: str = ""
    """The function that sends, if that is known."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A segment that is kept, for whoever passes it on."""

    place: Place
    segment: Segment


class TraceStore:
    """`load`, `start`, `close` once each. On the event loop; reading and checking go into a thread by themselves."""

    def __init__(self, traces: Traces, clock: Clock, retention_seconds: float, most_bytes: int) -> None:
        self._traces = traces
        self._clock = clock
        self._retention = retention_seconds
        self._most_bytes = most_bytes
        self.bytes = 0
        """Of all documents on disk."""
        self.received = 0
        self.dropped = Counter[str]({INVALID: 0, FLOOD: 0, TRACE_FULL: 0, DISK: 0})
        """Documents, by reason."""
        self._waiting: list[tuple[Place, Document | bytes]] = []
        self._waiting_bytes = 0
        self._sent = Counter[Place]()
        """Bytes of what waits that functions sent."""
        self._sent_bytes = 0
        self._listeners: list[Callable[[Sequence[Taken]], None]] = []
        self._lock = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._expire_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def load(self) -> None:
        self.bytes = self._traces.load()

    def subscribe(self, listener: Callable[[Sequence[Taken]], None]) -> None:
        """`listener` is called on the event loop with what has been taken."""
        self._listeners.append(listener)

    # --- What comes in ------------------------------------------------------------------------------------------------

    def add(self, place: Place, document: Document) -> None:
        """One of Lambda's own."""
        self._wait(place, document, _OWN_BYTES)

    def offer(self, place: Place, text: bytes) -> None:
        """One that a function sends, as it came."""
        size = len(text)
        if self._sent[place] + size > _SENT_BY_ONE or self._sent_bytes + size > _SENT_BYTES:
            self.received += 1
            self.dropped[FLOOD] += 1
            return
        self._sent[place] += size
        self._sent_bytes += size
        self._wait(place, text, size)

    def refused(self) -> None:
        """A datagram that was no document."""
        self.received += 1
        self.dropped[INVALID] += 1

    def _wait(self, place: Place, what: Document | bytes, size: int) -> None:
        self.received += 1
        if self._waiting_bytes + size > _WAITING_BYTES:
            self.dropped[FLOOD] += 1
            return
        self._waiting_bytes += size
        self._waiting.append((place, what))
        self._arrived.set()

    async def put(self, place: Place, texts: Sequence[str]) -> list[InvalidSegment]:
        """On disk when it returns, but for those that are refused. Raises what writing does."""
        self.received += len(texts)
        waiting = [(place, text.encode()) for text in texts]
        async with self._lock:
            taken, refused = await self._check(waiting)
            await self._write(taken)
        return refused

    async def flush(self) -> None:
        """What waits is on disk when it returns, or has been dropped and counted."""
        async with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._sent.clear()
            self._sent_bytes = 0
            if not waiting:
                return
            taken, _ = await self._check(waiting)
            try:
                await self._write(taken)
            except WRITE_FAILED as error:
                self.dropped[DISK] += len(taken)
                log.error("traces could not be written: %r", error)

    async def _check(
        self, waiting: Sequence[tuple[Place, Document | bytes]]
    ) -> tuple[list[Taken], list[InvalidSegment]]:
        taken, refused = await asyncio.to_thread(_checked, waiting)
        self.received += len(taken) + len(refused) - len(waiting)  # an array is as many as are in it
        self.dropped[INVALID] += len(refused)
        return taken, refused

    async def _write(self, taken: Sequence[Taken]) -> None:
        for start in range(0, len(taken), _PORTION):
            portion = taken[start : start + _PORTION]
            arrived = [Arrived(one.place.account, one.place.region, one.segment) for one in portion]
            more, refused = await self._traces.append(arrived, self._clock.now())
            self.bytes += more
            self.dropped[TRACE_FULL] += refused
            for listener in self._listeners:
                listener(portion)
        await self._make_room()

    async def _make_room(self) -> None:
        """The oldest go until there is a tenth of room again: not a few at every write."""
        if self.bytes <= self._most_bytes:
            return
        wanted = self._most_bytes * 9 // 10
        while self.bytes > wanted:
            number, size = await self._traces.delete_oldest(_EXPIRED, self.bytes - wanted)
            self.bytes -= size
            if not number:
                return

    # --- Looking ------------------------------------------------------------------------------------------------------

    async def look(self, work: Callable[[Traces], T]) -> T:
        """Runs it in a thread, with everything that has come in on disk. One at a time."""
        await self.flush()
        async with self._lock:
            return await asyncio.to_thread(work, self._traces)

    # --- The supervisor that brings it to disk ------------------------------------------------------------------------

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        """Nothing is done while nothing comes, but for looking what is too old."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), _EXPIRY)
                await asyncio.wait_for(self._stopping.wait(), _INTERVAL)
            self._arrived.clear()
            await self.flush()
            if self._clock.monotonic() >= self._expire_at:
                await self.expire()

    async def expire(self) -> None:
        """What is older than it is kept goes."""
        self._expire_at = self._clock.monotonic() + _EXPIRY
        try:
            async with self._lock:
                before = self._clock.now() - self._retention
                number = _EXPIRED
                while number == _EXPIRED:
                    number, size = await self._traces.delete_before(before, _EXPIRED)
                    self.bytes -= size
        except WRITE_FAILED as error:
            log.error("old traces could not be deleted: %r", error)

    async def close(self) -> None:
        """Everything that waits is written first."""
        self._stopping.set()
        self._arrived.set()
        if self._task is not None:
            await self._task
        await self.flush()
        self._traces.close()

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        dropped = self.dropped.items()
        return [
            *head("lambdad_trace_segments_received_total"),
            f"lambdad_trace_segments_received_total {self.received}",
            *head("lambdad_trace_segments_dropped_total"),
            *(f'lambdad_trace_segments_dropped_total{{reason="{reason}"}} {number}' for reason, number in dropped),
            *head("lambdad_trace_bytes"),
            f"lambdad_trace_bytes {self.bytes}",
        ]


def read_trace(traces: Traces, row: TraceRow, account: str) -> Trace:
    """In a thread."""
    documents = [orjson.loads(text) for text in traces.documents(row.id)]
    return assemble(row.trace_id, account, documents, row.limited)


def _checked(waiting: Sequence[tuple[Place, Document | bytes]]) -> tuple[list[Taken], list[InvalidSegment]]:
    """In a thread: what is fit to be kept, and what is not."""
    taken, refused = [], []
    for place, what in waiting:
        for one in read_segments(what):
            if isinstance(one, InvalidSegment):
                refused.append(one)
            else:
                taken.append(Taken(place, one))
    return taken, refused
