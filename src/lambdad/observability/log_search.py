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
_SCANNED = 200_000
"""Lines that one page looks at: whoever searches a long log asks again, as on AWS."""

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


def search(
    directory: Path, wanted: Wanted, match: Callable[[str], bool], after: Place | None, most: int
) -> tuple[list[FoundEvent], Place | None]:
    """Events in order, those after a place; and the place to go on from, None when there are no more."""
    found: list[FoundEvent] = []
    size = scanned = 0
    if after is not None:
        wanted = replace(wanted, start=max(wanted.start, after[0]))
    for place, line in _merged(_paths(directory, wanted), wanted):
        if after is not None and place <= after:
            continue
        scanned += 1
        event = _event(place, line)
        if event is not None and match(event.message):
            found.append(event)
            size += len(event.message)
        if len(found) >= most or size >= PAGE_BYTES or scanned >= _SCANNED:
            return found, place
    return found, None


def _paths(directory: Path, wanted: Wanted) -> list[Path]:
    if wanted.streams is not None:
        paths = [directory / quote(name, safe="") for name in wanted.streams]
        return [path for path in paths if path.is_file()]
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if unquote(path.name).startswith(wanted.prefix))


def _merged(paths: Sequence[Path], wanted: Wanted) -> Iterator[_Line]:
    files = [_lines(path, wanted) for path in paths]
    return files[0] if len(files) == 1 else heapq.merge(*files)


def _lines(path: Path, wanted: Wanted) -> Iterator[_Line]:
    """Those in the time that is wanted; what a crash has torn is passed over."""
    name, offset = unquote(path.name), 0
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            at, offset = offset, offset + len(line)
            try:
                timestamp = int(line[1 : line.index(b",")])
            except ValueError:
                continue
            if timestamp >= wanted.start and (wanted.end is None or timestamp < wanted.end):
                yield (timestamp, name, at), line


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
