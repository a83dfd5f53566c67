"""The thread that writes logs: events of many streams in, few system calls out.

Two promises at two prices. Within hundredths of a second an event is written: a crash of the server does not lose it. Within
half a second it is synced, and at once if someone waits for that (`synced`): a crash of the machine does not lose it.
Each release and taking of the interpreter's lock disturbs the event loop, so files stay open and are written once per round.
"""

import asyncio
import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import orjson

log = logging.getLogger(__name__)

T = TypeVar("T")

_ROUND = 0.02
"""Seconds between writes."""
_SYNC = 0.5
"""Seconds between syncs, when nobody waits."""
_SYNC_LIMIT = 10.0
_BUFFER = 64 * 1024 * 1024
"""Bytes that may wait to be written; beyond it events are dropped, counted, and said."""
_ENOUGH = 8 * 1024 * 1024
"""Bytes; who can wait does not bring more."""
_EVENT = 128
"""Bytes that an event takes beside its text."""
_OPEN = 128
"""Files kept open; those longest unwritten are closed first."""


class LogEvent(NamedTuple):
    """Made for every line of every invocation: a tuple costs least. `timestamp` in milliseconds since the epoch."""

    timestamp: int
    message: str


class _File:
    """A stream's file, open for appending."""

    __slots__ = ("fd", "size")

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.size = os.fstat(self.fd).st_size


class LogWriter:
    """`grown(path, size, added)` is called by its thread whenever a file has grown: so large it is now, by so many bytes."""

    def __init__(self, grown: Callable[[Path, int, int], None]) -> None:
        self._grown = grown
        self._queue: queue.SimpleQueue[tuple[Path, list[LogEvent]] | None] = queue.SimpleQueue()
        self._errands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._appended = 0
        self._written = 0
        """Bytes of all time: one is the event loop's, the other the thread's."""
        self._stored = 0
        self._refused = 0
        self._failed = 0
        self._told = 0
        """Events that were dropped, the same way; and how many of them the logs tell of."""
        self._waiters: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._files: dict[Path, _File] = {}
        self._unsynced: set[Path] = set()
        self._synced_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, path: Path, events: list[LogEvent]) -> None:
        """Returns at once. Over the buffer's bound the events are dropped: memory and other functions come first."""
        if self.waiting > _BUFFER:
            self._refused += len(events)
            return
        self._appended += _size_of(events)
        self._queue.put((path, events))

    def write(self, path: Path, lines: bytes) -> None:
        """On disk when it returns. Only from an errand. Raises OSError: then nobody may be told that they are."""
        self._append(path, lines)
        if path in self._files:  # else it has been rewritten, which is as durable
            os.fdatasync(self._files[path].fd)

    def full(self) -> bool:
        return self.waiting > _ENOUGH

    @property
    def waiting(self) -> int:
        """Bytes on their way to the disk."""
        return self._appended - self._written

    @property
    def stored(self) -> int:
        """Bytes of all time, as they are in files."""
        return self._stored

    @property
    def dropped(self) -> int:
        """Events of all time."""
        return self._refused + self._failed

    async def synced(self) -> None:
        """Until everything appended before is on disk; at most for a while, since a full disk never takes it."""
        loop = asyncio.get_running_loop()
        on_disk = asyncio.Event()
        self._waiters.put(partial(loop.call_soon_threadsafe, on_disk.set))
        self._queue.put(None)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(on_disk.wait(), _SYNC_LIMIT)

    async def do(self, errand: Callable[[], None]) -> None:
        """Between two writes, after what was appended before: what changes files otherwise must not meet the writer.

        Raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            try:
                errand()
            except OSError as error:
                loop.call_soon_threadsafe(_fail, done, error)
            else:
                loop.call_soon_threadsafe(_succeed, done)

        self._errands.put(run)
        self._queue.put(None)
        await done

    def forget(self, path: Path) -> None:
        """Its file is removed. Only from `grown`, or an errand."""
        if path in self._files:
            self._let_go(path)

    def close(self) -> None:
        """Everything is on disk when it returns."""
        self._closing = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    # --- The thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        closing = False
        while not closing:
            first = self._next()
            closing = self._closing  # read before the queue is emptied: what is appended after it is nobody's promise
            waiters = _all_of(self._waiters)
            errands = _all_of(self._errands)
            self._write([first, *_all_of(self._queue)])
            for errand in errands:
                errand()
            if waiters or closing or time.monotonic() - self._synced_at > _SYNC:
                self._sync()
            for tell in waiters:
                tell()
            if not closing:
                time.sleep(_ROUND)  # what comes meanwhile shares one write per stream
        for file in self._files.values():
            os.close(file.fd)

    def _next(self) -> tuple[Path, list[LogEvent]] | None:
        try:
            return self._queue.get(timeout=_SYNC if self._unsynced else None)
        except queue.Empty:
            return None

    def _write(self, batches: list[tuple[Path, list[LogEvent]] | None]) -> None:
        by_path: dict[Path, list[bytes]] = {}
        size = 0
        ingested = int(time.time() * 1000)
        for batch in batches:
            if batch is not None:
                lines = by_path.setdefault(batch[0], [])
                size += _size_of(batch[1])
                lines += [_line(event, ingested) for event in batch[1]]
        untold = self.dropped - self._told
        if untold and by_path:
            self._told += untold
            notice = f"{untold} log events were dropped: they came too fast\n"
            for lines in by_path.values():
                lines.append(_line(LogEvent(ingested, notice), ingested))
        for path, lines in by_path.items():
            try:
                self._append(path, b"".join(lines))
            except OSError as error:
                self._failed += len(lines)
                log.error("logs cannot be written: %s", error)
        self._written += size

    def _append(self, path: Path, data: bytes) -> None:
        file = self._files.pop(path, None)
        if file is None:
            file = _File(path)
            if len(self._files) >= _OPEN:
                self._let_go(next(iter(self._files)))
        self._files[path] = file  # at the end: written last
        self._unsynced.add(path)
        added = len(data)
        while data:
            data = data[os.write(file.fd, data) :]
        file.size += added
        self._stored += added
        self._grown(path, file.size, added)

    def _let_go(self, path: Path) -> None:
        file = self._files.pop(path)
        if path in self._unsynced:
            self._unsynced.discard(path)
            with contextlib.suppress(OSError):
                os.fdatasync(file.fd)
        os.close(file.fd)

    def _sync(self) -> None:
        self._synced_at = time.monotonic()
        for path in self._unsynced:
            with contextlib.suppress(OSError):  # said when it was written, or by the next write
                os.fdatasync(self._files[path].fd)
        self._unsynced.clear()


def lines_of(events: Sequence[LogEvent]) -> list[bytes]:
    """As files have them, ingested now."""
    ingested = int(time.time() * 1000)
    return [_line(event, ingested) for event in events]


def _line(event: LogEvent, ingested: int) -> bytes:
    return orjson.dumps([event.timestamp, ingested, event.message], option=orjson.OPT_APPEND_NEWLINE)


def _size_of(events: list[LogEvent]) -> int:
    return len(events) * _EVENT + sum([len(event.message) for event in events])


def _all_of(waiting: "queue.SimpleQueue[T]") -> list[T]:
    found: list[T] = []
    while True:
        try:
            found.append(waiting.get_nowait())
        except queue.Empty:
            return found


def _succeed(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _fail(done: "asyncio.Future[None]", error: OSError) -> None:
    if not done.done():
        done.set_exception(error)
