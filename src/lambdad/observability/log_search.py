"""Finding events in the files of a log group, page by page, with bounds on what one page reads and holds.

A line begins with its timestamp, so what is too old or too new is passed over without being parsed. Everything here blocks: call
it in a thread.
"""

import contextlib
import heapq
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

import orjson

PAGE_BYTES = 1 << 20
_LAST = 4096
"""Bytes read at the end of a file, at first."""
_MOST_READ = 32 << 20
"""Bytes that one page reads: whoever searches a long log asks again, as on AWS."""
_CHEAPER = 8
"""Times, where only lines with a needle are looked at."""
_BLOCK = 256 * 1024
_NEVER = 1 << 63

Place = tuple[int, str, int]
"""Timestamp, stream, where in its file: the order of a group's events, and no two have the same."""
_Line = tuple[Place, bytes]


@dataclass(frozen=True, slots=True)
class FoundEvent:
    timestamp: int
    ingested: int
    message: str
    stream: str
    place: Place

    @property
    def id(self) -> str:
        timestamp, stream, offset = self.place
        return f"{timestamp:020d}{zlib.crc32(stream.encode()):010d}{offset:026d}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which streams (None: all), from when to before when (milliseconds)."""

    streams: Sequence[str] | None = None
    prefix: str = ""
    start: int = 0
    end: int | None = None
    needle: bytes = b""
    """What a line has to have to be looked at."""
    newest_first: bool = False

    def has_next(self, place: Place, after: Place | None) -> bool:
        """Is a place one that follows another?"""
        return after is None or (place < after if self.newest_first else place > after)


@dataclass(slots=True)
class _Spent:
    """On one page so far, in bytes read."""

    size: int = 0


def search(
    directory: Path, wanted: Wanted, match: Callable[[str], bool], after: Place | None, most: int
) -> tuple[list[FoundEvent], Place | None]:
    """Events in order, those after a place; and the place to go on from, None when there are no more."""
    found: list[FoundEvent] = []
    size, spent = 0, _Spent()
    if after is not None and wanted.newest_first:
        wanted = replace(wanted, end=min(wanted.end if wanted.end is not None else _NEVER, after[0] + 1))
    elif after is not None:
        wanted = replace(wanted, start=max(wanted.start, after[0]))
    files = [_matching(path, wanted, match, after, spent) for path in _paths(directory, wanted)]
    for place, event in heapq.merge(*files, reverse=wanted.newest_first):
        if event is not None:
            found.append(event)
            size += len(event.message)
        if len(found) >= most or size >= PAGE_BYTES or spent.size >= _MOST_READ:
            return found, place
    return found, None


def _paths(directory: Path, wanted: Wanted) -> list[Path]:
    if wanted.streams is not None:
        paths = [directory / quote(name, safe="") for name in wanted.streams]
        return [path for path in paths if path.is_file()]
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if unquote(path.name).startswith(wanted.prefix))


def _matching(
    path: Path, wanted: Wanted, match: Callable[[str], bool], after: Place | None, spent: _Spent
) -> Iterator[tuple[Place, FoundEvent | None]]:
    """One file's; and now and then where it was read to, without an event: files are read in step, and a page may end there."""
    name, price = unquote(path.name), _CHEAPER if wanted.needle else 1
    start, end = wanted.start, wanted.end if wanted.end is not None else _NEVER
    for offset, block in _blocks_from_end(path) if wanted.newest_first else _blocks(path):
        last = 0 if wanted.newest_first else block.rfind(b"\n", 0, len(block) - 1) + 1
        reached = _place(block[last:], name, offset + last)
        if reached is not None and not wanted.has_next(reached, after):
            continue  # a page before had it
        lines = _candidates(block, wanted.needle)
        for at, line in reversed(list(lines)) if wanted.newest_first else lines:
            try:
                timestamp = int(line[1 : line.index(b",")])
                if not start <= timestamp < end:
                    continue
                _, ingested, message = orjson.loads(line)
            except ValueError:
                continue  # a crash has torn it
            if match(message):
                place = timestamp, name, offset + at
                if wanted.has_next(place, after):
                    yield place, FoundEvent(timestamp, ingested, message, name, place)
        if reached is not None and (reached[0] < end if wanted.newest_first else reached[0] >= start):
            spent.size += len(block) // price
            yield reached, None


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """(where, whole lines)"""
    offset = 0
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        while block := file.read(_BLOCK):
            block += file.readline()
            yield offset, block[: block.rfind(b"\n") + 1]  # what is torn, or not yet written, is passed over
            offset += len(block)


def _blocks_from_end(path: Path) -> Iterator[tuple[int, bytes]]:
    """As `_blocks`, the last first."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        offset, begun = file.seek(0, 2), b""
        while offset > 0:
            size = min(_BLOCK, offset)
            offset -= size
            file.seek(offset)
            block = file.read(size) + begun
            whole = block.find(b"\n") + 1 if offset else 0
            if offset and not whole:
                begun = block
                continue
            begun, lines = block[:whole], block[whole : block.rfind(b"\n") + 1]
            if lines:
                yield offset + whole, lines


def _candidates(block: bytes, needle: bytes) -> Iterator[tuple[int, bytes]]:
    """Its lines that have the needle; most are never looked at."""
    at = 0
    if not needle:
        for line in block.split(b"\n"):
            yield at, line
            at += len(line) + 1
        return
    while (hit := block.find(needle, at)) >= 0:
        begin = block.rfind(b"\n", 0, hit) + 1
        at = block.find(b"\n", hit) + 1 or len(block)
        yield begin, block[begin:at]


def _place(line: bytes, stream: str, offset: int) -> Place | None:
    """None: a crash has torn it."""
    try:
        return int(line[1 : line.index(b",")]), stream, offset
    except ValueError:
        return None


def _lines(path: Path, wanted: Wanted) -> Iterator[_Line]:
    """Those in the time that is wanted; what a crash has torn is passed over."""
    name, offset = unquote(path.name), 0
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            at, offset = offset, offset + len(line)
            place = _place(line, name, at)
            if place is not None and wanted.start <= place[0] and (wanted.end is None or place[0] < wanted.end):
                yield place, line


def _event(place: Place, line: bytes) -> FoundEvent | None:
    try:
        timestamp, ingested, message = orjson.loads(line)
    except ValueError:
        return None
    return FoundEvent(timestamp, ingested, message, place[1], place)


def page_of_stream(
    path: Path, wanted: Wanted, position: int | None, most: int, from_head: bool
) -> tuple[list[FoundEvent], int, int]:
    """(events, where they begin, where they end), by number within what is wanted of the stream.

    `position`: from there on, or (unless `from_head`) up to there; None: from the first, or up to the last.
    """
    lines = sorted(_lines(path, wanted))
    if position is None:
        position = 0 if from_head else len(lines)
    position = max(0, min(position, len(lines)))
    chosen = lines[position : position + most] if from_head else lines[max(0, position - most) : position]
    events: list[FoundEvent] = []
    size = 0
    for place, line in chosen if from_head else reversed(chosen):
        event = _event(place, line)
        if event is not None:
            size += len(event.message)
            if size > PAGE_BYTES and events:
                break
            events.append(event)
    if from_head:
        return events, position, position + len(events)
    return events[::-1], position - len(events), position


def edges(path: Path) -> tuple[FoundEvent | None, FoundEvent | None, int]:
    """(the first event, the last, bytes) without reading what is between."""
    first, last, size = b"", b"", 0
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        first = file.readline()
        size = file.seek(0, 2)
        last = _last_line(file, size)
    place = (0, unquote(path.name), 0)
    return _event(place, first), _event(place, last), size


def _last_line(file: BinaryIO, size: int) -> bytes:
    """The last that is whole; nothing if there is none."""
    back = _LAST
    while True:
        file.seek(max(0, size - back))
        lines = file.read().splitlines(keepends=True)
        whole = [line for line in lines[1 if size > back else 0 :] if line.endswith(b"\n")]
        if whole or back >= size:
            return whole[-1] if whole else b""
        back *= 8
