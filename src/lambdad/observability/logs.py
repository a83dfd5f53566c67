"""The log store: events by account, region, group and stream, on disk within a moment, bounded in memory and on disk.

Shaped for the CloudWatch Logs API (docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference): DescribeLogStreams,
GetLogEvents and FilterLogEvents can stand on `streams` and `read`. One file per stream, one JSON line per event
(`[timestamp, ingested, message]`): a crash can tear only the last line, and a torn line is passed over.
"""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import orjson

_FLUSH = 0.1
"""Seconds between writes."""
_BUFFER = 64 * 1024 * 1024
"""Bytes that may wait to be written; beyond it events are dropped, counted, and said."""
_MAX_STREAM = 16 * 1024 * 1024
"""Bytes of one file; then the stream goes on in another."""


class LogEvent(NamedTuple):
    """Made for every line of every invocation: a tuple costs least. `timestamp` in milliseconds since the epoch."""

    timestamp: int
    message: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    timestamp: int
    ingested: int
    message: str
    stream: str


@dataclass(frozen=True, slots=True)
class Stream:
    name: str
    first_timestamp: int
    last_timestamp: int
    size: int
    """Bytes on disk."""


Batch = tuple[Path, list[LogEvent]]


class LogStore:
    def __init__(self, data_dir: Path, retention_bytes: int) -> None:
        """`retention_bytes`: of one group; its oldest streams go first."""
        self._root = data_dir / "logs"
        self._retention = retention_bytes
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._waiting = 0
        self._dropped = 0
        self._written = threading.Condition()
        self._accepted_number = 0
        self._written_number = 0
        self._writer: threading.Thread | None = None
        self._listeners: set[Callable[[str, str, str, str, list[LogEvent]], None]] = set()

    def open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._writer = threading.Thread(target=self._write_loop, name="log-writer", daemon=True)
        self._writer.start()

    # --- Writing ----------------------------------------------------------------------------------------------------

    def append(self, account: str, region: str, group: str, stream: str, events: list[LogEvent]) -> None:
        """Returns at once. Over the buffer's bound the events are dropped: memory and other functions come first."""
        if self._waiting > _BUFFER:
            self._dropped += len(events)
            return
        self._waiting += sum(len(event.message) for event in events)
        self._accepted_number += 1
        self._queue.put((self._directory(account, region, group) / quote(stream, safe=""), events))
        for listener in self._listeners:
            listener(account, region, group, stream, events)

    def subscribe(self, listener: Callable[[str, str, str, str, list[LogEvent]], None]) -> Callable[[], None]:
        """`listener(account, region, group, stream, events)` for what comes from now on; call the result to end it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _write_loop(self) -> None:
        while True:
            batch = self._queue.get()
            if batch is None:
                return
            stop = self._write([batch, *self._gather()])
            if stop:
                return
            time.sleep(_FLUSH)  # what comes meanwhile shares one write and one fsync per stream

    def _gather(self) -> Iterator[Batch | None]:
        while True:
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return

    def _write(self, batches: list[Batch | None]) -> bool:
        """Append all of them; True if the end was among them."""
        by_file: dict[Path, list[bytes]] = {}
        size = 0
        ingested = int(time.time() * 1000)
        for batch in batches:
            if batch is not None:
                path, events = batch
                lines = by_file.setdefault(path, [])
                for event in events:
                    size += len(event.message)
                    lines.append(orjson.dumps([event.timestamp, ingested, event.message]))
        if self._dropped:
            notice, self._dropped = f"{self._dropped} log events were dropped: they came too fast\n", 0
            for lines in by_file.values():
                lines.append(orjson.dumps([ingested, ingested, notice]))
        for path, lines in by_file.items():
            self._append(path, b"\n".join(lines) + b"\n")
        with self._written:
            self._waiting -= size
            self._written_number += sum(batch is not None for batch in batches)
            self._written.notify_all()
        return None in batches

    def _append(self, path: Path, data: bytes) -> None:
        new = not path.exists()
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        if new or path.stat().st_size > _MAX_STREAM:
            self._retain(path)

    def _retain(self, current: Path) -> None:
        """Keep the group within its bound: the longest unwritten streams go; of a stream too large, its first half."""
        if current.stat().st_size > _MAX_STREAM:
            data = current.read_bytes()[-_MAX_STREAM // 2 :]
            current.write_bytes(data[data.find(b"\n") + 1 :])
        files = sorted(current.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._retention or path == current:
                return
            total -= path.stat().st_size
            path.unlink()

    def flush(self, limit: float = 10.0) -> None:
        """Everything appended before is on disk. Blocks: call it in a thread."""
        with self._written:
            number = self._accepted_number
            self._written.wait_for(lambda: self._written_number >= number, limit)

    def close(self) -> None:
        self._queue.put(None)
        if self._writer is not None:
            self._writer.join()

    # --- Reading ----------------------------------------------------------------------------------------------------

    def _directory(self, account: str, region: str, group: str) -> Path:
        return self._root / account / region / quote(group, safe="")

    def groups(self, account: str, region: str) -> list[str]:
        directory = self._root / account / region
        return sorted(unquote(path.name) for path in directory.iterdir()) if directory.is_dir() else []

    def streams(self, account: str, region: str, group: str) -> list[Stream]:
        """The one written last comes last."""
        found = []
        directory = self._directory(account, region, group)
        for path in directory.iterdir() if directory.is_dir() else ():
            timestamps = [timestamp for timestamp, _, _ in _events(path)]
            if timestamps:
                name = unquote(path.name)
                found.append(Stream(name, min(timestamps), max(timestamps), path.stat().st_size))
        return sorted(found, key=lambda stream: stream.last_timestamp)

    def read(
        self, account: str, region: str, group: str, stream: str | None = None, start: int = 0, end: int | None = None
    ) -> list[StoredEvent]:
        """Events with start ≤ timestamp < end (milliseconds), of one stream or of all, in the order of time."""
        directory = self._directory(account, region, group)
        if stream is not None:
            paths = [directory / quote(stream, safe="")]
        else:
            paths = list(directory.iterdir()) if directory.is_dir() else []
        found = [
            StoredEvent(timestamp, ingested, message, unquote(path.name))
            for path in paths
            for timestamp, ingested, message in _events(path)
            if timestamp >= start and (end is None or timestamp < end)
        ]
        found.sort(key=lambda event: event.timestamp)
        return found

    def delete_group(self, account: str, region: str, group: str) -> None:
        directory = self._directory(account, region, group)
        for path in directory.iterdir() if directory.is_dir() else ():
            path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            directory.rmdir()


def _events(path: Path) -> Iterator[tuple[int, int, str]]:
    """What a file holds; a line that a crash has torn is passed over."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for line in data.split(b"\n"):
        if not line:
            continue
        try:
            timestamp, ingested, message = orjson.loads(line)
        except (orjson.JSONDecodeError, ValueError):
            continue
        yield timestamp, ingested, message
