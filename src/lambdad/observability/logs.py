"""The log store: events by account, region, group and stream, on disk within a moment, bounded in memory and on disk.

Shaped for the CloudWatch Logs API (docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference): DescribeLogStreams,
GetLogEvents and FilterLogEvents can stand on `streams` and `read`. One file per stream, one JSON line per event
(`[timestamp, ingested, message]`): a crash can tear only the last line, and a torn line is passed over.
"""

import contextlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import orjson

from lambdad.observability.log_writer import LogEvent, LogWriter

_MAX_STREAM = 16 * 1024 * 1024
"""Bytes of one file; then the stream goes on in another."""


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


class LogStore:
    def __init__(self, data_dir: Path, retention_bytes: int) -> None:
        """`retention_bytes`: of one group; its oldest streams go first."""
        self._root = data_dir / "logs"
        self._retention = retention_bytes
        self._writer = LogWriter(_MAX_STREAM, self._retain)
        self._listeners: set[Callable[[str, str, str, str, list[LogEvent]], None]] = set()

    def open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._writer.start()

    # --- Writing ----------------------------------------------------------------------------------------------------

    def stream(self, account: str, region: str, group: str, stream: str) -> Callable[[list[LogEvent]], None]:
        """What appends to a stream. It returns at once: it is called once or more for every invocation."""
        path = self._directory(account, region, group) / quote(stream, safe="")
        listeners, write = self._listeners, self._writer.append

        def append(events: list[LogEvent]) -> None:
            write(path, events)
            for listener in listeners:
                listener(account, region, group, stream, events)

        return append

    def subscribe(self, listener: Callable[[str, str, str, str, list[LogEvent]], None]) -> Callable[[], None]:
        """`listener(account, region, group, stream, events)` for what comes from now on; call the result to end it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def synced(self) -> None:
        """Until everything appended before is on disk; at most for a while."""
        await self._writer.synced()

    def _retain(self, current: Path, size: int) -> None:
        """Keep the group within its bound: the longest unwritten streams go; of a stream too large, its first half."""
        if size > _MAX_STREAM:
            data = current.read_bytes()[-_MAX_STREAM // 2 :]
            current.write_bytes(data[data.find(b"\n") + 1 :])
        files = sorted(current.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._retention or path == current:
                return
            total -= path.stat().st_size
            self._writer.forget(path)
            path.unlink()

    def close(self) -> None:
        self._writer.close()

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
        self,
        account: str,
        region: str,
        group: str,
        stream: str | None = None,
        start: int = 0,
        end: int | None = None,
        most: int = 100_000,
    ) -> list[StoredEvent]:
        """Events with start ≤ timestamp < end (milliseconds), of one stream or of all, in the order of time: the last `most`.

        Reads through everything, keeps no more than that in memory. Blocks: call it in a thread.
        """
        directory = self._directory(account, region, group)
        if stream is not None:
            paths = [directory / quote(stream, safe="")]
        else:
            paths = list(directory.iterdir()) if directory.is_dir() else []
        found = (
            StoredEvent(timestamp, ingested, message, unquote(path.name))
            for path in paths
            for timestamp, ingested, message in _events(path)
            if timestamp >= start and (end is None or timestamp < end)
        )
        # By number too: within a millisecond a stream's own order counts.
        kept = heapq.nlargest(most, enumerate(found), key=lambda numbered: (numbered[1].timestamp, numbered[0]))
        return [event for _, event in reversed(kept)]


def _events(path: Path) -> Iterator[tuple[int, int, str]]:
    """What a file holds; a line that a crash has torn is passed over."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            try:
                timestamp, ingested, message = orjson.loads(line)
            except ValueError:
                continue
            yield timestamp, ingested, message
