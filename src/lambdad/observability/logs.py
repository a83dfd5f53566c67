"""The log store: events by account, region, group and stream, on disk within a moment, bounded in memory and on disk.

Shaped for the CloudWatch Logs API (docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference): DescribeLogStreams,
GetLogEvents and FilterLogEvents can stand on `streams` and `read`. One file per stream, one JSON line per event
(`[timestamp, ingested, message]`): a crash can tear only the last line, and a torn line is passed over.
"""

import asyncio
import contextlib
import heapq
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import orjson

from lambdad.observability.exposition import head
from lambdad.observability.log_search import FoundEvent, Place, Wanted, edges, page_of_stream, search
from lambdad.observability.log_writer import LogEvent, LogWriter, lines_of

_MAX_STREAM = 16 * 1024 * 1024
"""Bytes of one file; then its first half is let go."""
_ROOM = 0.9
"""Of a group's bound: what is left when it was reached."""
_RESERVED = "aws/"
"""What names of groups may not begin with; `/aws/` they may."""


def is_reserved(group: str) -> bool:
    """Nobody can create it: what a function would log there goes nowhere."""
    return group.lower().startswith(_RESERVED)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    timestamp: int
    ingested: int
    message: str
    stream: str


@dataclass(frozen=True, slots=True)
class Stream:
    """Times in milliseconds since the epoch; None: nothing is in it yet."""

    name: str
    created_at: int
    first_timestamp: int | None
    last_timestamp: int | None
    last_ingested: int | None
    size: int
    """Bytes on disk."""


class LogStore:
    def __init__(self, data_dir: Path, retention_bytes: int) -> None:
        """`retention_bytes`: of one group; its oldest streams go first."""
        self._root = data_dir / "logs"
        self._retention = retention_bytes
        self._most_of_stream = min(_MAX_STREAM, retention_bytes)
        self._sizes: dict[Path, int] = {}
        """Bytes of each group's directory, as far as the writer's thread knows them."""
        self._writer = LogWriter(self._grown)
        self._listeners: set[Callable[[str, str, str, str, list[LogEvent]], None]] = set()
        self._written: set[tuple[str, str, str]] = set()
        self._deleted: set[tuple[str, str, str]] = set()
        """Groups that environments write to; and those of them that were deleted: with the next line they are there again."""
        self.on_group: Callable[[str, str, str], None] = _nobody
        """(account, region, group): told of every stream that is begun to be written."""

    def open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._writer.start()

    # --- Writing ----------------------------------------------------------------------------------------------------

    def stream(self, account: str, region: str, group: str, stream: str) -> Callable[[list[LogEvent]], None]:
        """What appends to a stream. It returns at once: it is called once or more for every invocation."""
        if is_reserved(group):
            return lambda events: None
        place = account, region, group
        path = self._directory(*place) / quote(stream, safe="")
        self._begun(*place)
        listeners, write, deleted = self._listeners, self._writer.append, self._deleted

        def append(events: list[LogEvent]) -> None:
            if deleted and place in deleted:
                self._begun(*place)
            write(path, events)
            for listener in listeners:
                listener(account, region, group, stream, events)

        return append

    def _begun(self, account: str, region: str, group: str) -> None:
        self._deleted.discard((account, region, group))
        self._written.add((account, region, group))
        self.on_group(account, region, group)

    async def put(self, account: str, region: str, group: str, stream: str, events: list[LogEvent]) -> None:
        """On disk when it returns, `events` in order. Raises OSError."""
        path = self._directory(account, region, group) / quote(stream, safe="")
        if not events:
            return
        await self._writer.do(lambda: self._put(path, events))
        for listener in self._listeners:
            listener(account, region, group, stream, events)

    def _put(self, path: Path, events: list[LogEvent]) -> None:
        """Files stay in order, or their readers would have to look for what is older behind what is newer."""
        lines, last = lines_of(events), edges(path)[1]
        if last is None or last.timestamp <= events[0].timestamp:
            self._writer.write(path, b"".join(lines))
            return
        there = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        ordered: list[bytes] = sorted([*there, *lines], key=_timestamp)
        content = b"".join(ordered)
        self._rewrite(path, content)
        self._grown(path, len(content), len(content))

    def subscribe(self, listener: Callable[[str, str, str, str, list[LogEvent]], None]) -> Callable[[], None]:
        """`listener(account, region, group, stream, events)` for what comes from now on; call the result to end it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def create_stream(self, account: str, region: str, group: str, stream: str) -> None:
        """Empty, durable when it returns."""
        path = self._directory(account, region, group) / quote(stream, safe="")

        def create() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

        await self._writer.do(create)

    async def delete_stream(self, account: str, region: str, group: str, stream: str) -> None:
        path = self._directory(account, region, group) / quote(stream, safe="")
        await self._writer.do(lambda: self._remove(path))

    async def delete_group(self, account: str, region: str, group: str) -> None:
        directory = self._directory(account, region, group)

        def remove() -> None:
            for path in list(directory.iterdir()) if directory.is_dir() else ():
                self._remove(path)
            self._sizes.pop(directory, None)
            with contextlib.suppress(FileNotFoundError):
                directory.rmdir()

        place = account, region, group
        if place in self._written:
            self._written.discard(place)
            self._deleted.add(place)
        await self._writer.do(remove)

    async def expire(self, account: str, region: str, group: str, before: int) -> None:
        """Events older than that are gone: whole streams, and the beginnings of others."""
        directory = self._directory(account, region, group)
        stale = await asyncio.to_thread(_stale, directory, before)
        for path in stale:
            await self._writer.do(lambda path=path: self._cut(path, before))  # type: ignore[misc]

    def _cut(self, path: Path, before: int) -> None:
        kept = [line for line in path.read_bytes().splitlines(keepends=True) if _timestamp(line) >= before]
        if kept:
            self._rewrite(path, b"".join(kept))
        else:
            self._remove(path)

    def _rewrite(self, path: Path, content: bytes) -> None:
        """Durable when it returns; after a crash it is as before or as after."""
        self._writer.forget(path)
        self._sizes.pop(path.parent, None)
        temporary = self._root / ".cut"
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fdatasync(file.fileno())
        temporary.replace(path)

    def _remove(self, path: Path) -> None:
        self._writer.forget(path)
        self._sizes.pop(path.parent, None)
        path.unlink(missing_ok=True)

    def full(self) -> bool:
        """Is so much on its way to the disk that no more should be taken?"""
        return self._writer.full()

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        return [
            *head("lambdad_log_bytes_total"),
            f"lambdad_log_bytes_total {self._writer.stored}",
            *head("lambdad_log_waiting_bytes"),
            f"lambdad_log_waiting_bytes {self._writer.waiting}",
            *head("lambdad_log_events_dropped_total"),
            f"lambdad_log_events_dropped_total {self._writer.dropped}",
        ]

    async def synced(self) -> None:
        """Until everything appended before is on disk; at most for a while."""
        await self._writer.synced()

    def _grown(self, current: Path, size: int, added: int) -> None:
        """Keep the group within its bound: the longest unwritten streams go; of a stream too large, its first half."""
        directory = current.parent
        if size > self._most_of_stream:
            data = current.read_bytes()[-self._most_of_stream // 2 :]
            self._rewrite(current, data[data.find(b"\n") + 1 :])
        known = self._sizes.get(directory)
        total = known + added if known is not None else sum(path.stat().st_size for path in directory.iterdir())
        if total > self._retention:
            total = self._make_room(current)
        self._sizes[directory] = total

    def _make_room(self, current: Path) -> int:
        """The group's bytes then: less than the bound, so that it is not done for every line."""
        files = sorted(((path.stat(), path) for path in current.parent.iterdir()), key=lambda file: file[0].st_mtime_ns)
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in files:
            if total <= self._retention * _ROOM:
                break
            if path != current:
                total -= stat.st_size
                self._writer.forget(path)
                path.unlink()
        return total

    def close(self) -> None:
        self._writer.close()

    # --- Reading ----------------------------------------------------------------------------------------------------

    def _directory(self, account: str, region: str, group: str) -> Path:
        return self._root / account / region / quote(group, safe="")

    def size(self, account: str, region: str, group: str) -> int:
        """Bytes on disk."""
        directory = self._directory(account, region, group)
        return sum(path.stat().st_size for path in directory.iterdir()) if directory.is_dir() else 0

    def all_groups(self) -> list[tuple[str, str, str]]:
        """(account, region, group) of everything that is there: once, at start."""
        found = [path.relative_to(self._root).parts for path in self._root.glob("*/*/*")]
        return [(account, region, unquote(group)) for account, region, group in found]

    def groups(self, account: str, region: str) -> list[str]:
        directory = self._root / account / region
        return sorted(unquote(path.name) for path in directory.iterdir()) if directory.is_dir() else []

    def streams(self, account: str, region: str, group: str) -> list[Stream]:
        """By name. Blocks: call it in a thread."""
        directory = self._directory(account, region, group)
        paths = sorted(directory.iterdir()) if directory.is_dir() else []
        return [_stream_of(path) for path in paths]

    def find_stream(self, account: str, region: str, group: str, stream: str) -> Stream | None:
        path = self._directory(account, region, group) / quote(stream, safe="")
        return _stream_of(path) if path.is_file() else None

    def search(
        self,
        account: str,
        region: str,
        group: str,
        wanted: Wanted,
        match: Callable[[str], bool],
        after: Place | None,
        most: int,
    ) -> tuple[list[FoundEvent], Place | None]:
        """As `log_search.search`."""
        return search(self._directory(account, region, group), wanted, match, after, most)

    def page_of_stream(
        self,
        account: str,
        region: str,
        group: str,
        stream: str,
        wanted: Wanted,
        position: int | None,
        most: int,
        head: bool,
    ) -> tuple[list[FoundEvent], int, int]:
        """As `log_search.page_of_stream`."""
        path = self._directory(account, region, group) / quote(stream, safe="")
        return page_of_stream(path, wanted, position, most, head)

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


def _stream_of(path: Path) -> Stream:
    first, last, size = edges(path)
    created = int(path.stat().st_ctime * 1000) if first is None else first.ingested
    return Stream(
        unquote(path.name),
        created,
        first.timestamp if first is not None else None,
        last.timestamp if last is not None else None,
        last.ingested if last is not None else None,
        size,
    )


def _stale(directory: Path, before: int) -> list[Path]:
    """Files that begin with what is too old."""
    found = []
    for path in directory.iterdir() if directory.is_dir() else ():
        first, _, _ = edges(path)
        if first is not None and first.timestamp < before:
            found.append(path)
    return found


def _timestamp(line: bytes) -> int:
    """0: it is torn."""
    try:
        return int(line[1 : line.index(b",")])
    except ValueError:
        return 0


def _nobody(account: str, region: str, group: str) -> None:
    """Until someone wants to know."""
