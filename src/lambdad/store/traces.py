"""Traces in the database: segment documents as they came, and of each trace what it is found by."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import apsw

from lambdad.resources.segment import MOST_TRACE_BYTES, Segment, made_at
from lambdad.store.database import Database

_ROW: Final = "id, trace_id, made_at, began, size, revision, limited"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A segment, and whose trace it is of."""

    account: str
    region: str
    segment: Segment


@dataclass(frozen=True, slots=True)
class TraceRow:
    id: int
    trace_id: str
    made_at: int
    began: float
    size: int
    """Bytes of its documents."""
    revision: int
    limited: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Traces of an account in a region: those that began in a time, as their ids say (`made_at`) or their segments (`began`)."""

    account: str
    region: str
    by: Literal["made_at", "began"]
    start: float
    end: float


class Traces:
    """Changes by the database's writer; reading in a thread, one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader: apsw.Connection | None = None
        self._ids = itertools.count(1)

    def load(self) -> int:
        """Once, at start; the bytes of all documents."""
        ((highest, size),) = self._database.read("SELECT max(id), sum(size) FROM traces")
        self._ids = itertools.count((highest or 0) + 1)
        return size or 0

    async def append(self, arrived: Sequence[Arrived], now: float) -> tuple[int, int]:
        """(bytes that there are more, documents that had no place in their trace). Durable when it returns."""
        fresh = [next(self._ids) for _ in arrived]

        def change(connection: apsw.Connection) -> tuple[int, int]:
            more = refused = 0
            for one, number in zip(arrived, fresh, strict=True):
                took = _append(connection, one, number, now)
                more += took or 0
                refused += took is None
            return more, refused

        return await self._database.write(change)

    async def delete_before(self, time: float, most: int) -> tuple[int, int]:
        """So many at most of those that nothing was added to since; (traces, bytes)."""
        return await self._delete(
            "SELECT id, size FROM traces WHERE updated < ? ORDER BY updated LIMIT ?", (time, most)
        )

    async def delete_oldest(self, most: int, most_bytes: int) -> tuple[int, int]:
        """Those that nothing was added to for longest: so many at most, and no more than it takes for so many bytes."""
        return await self._delete("SELECT id, size FROM traces ORDER BY updated LIMIT ?", (most,), most_bytes)

    async def _delete(
        self, statement: str, bindings: tuple[float, ...], most_bytes: float = float("inf")
    ) -> tuple[int, int]:

        def change(connection: apsw.Connection) -> tuple[int, int]:
            number = total = 0
            for trace, size in list(connection.execute(statement, bindings)):
                if total >= most_bytes:
                    break
                connection.execute("DELETE FROM trace_segments WHERE trace = ?", (trace,))
                connection.execute("DELETE FROM traces WHERE id = ?", (trace,))
                number, total = number + 1, total + size
            return number, total

        return await self._database.write(change)

    # --- Reading ------------------------------------------------------------------------------------------------------

    def page(self, span: Span, after: tuple[float, int] | None, most: int) -> list[TraceRow]:
        """In the order of time, those after the one of which that is the time and the number."""
        order = span.by
        time, number = after or (span.start, 0)
        rows = self._connection().execute(
            f"SELECT {_ROW} FROM traces WHERE account = ? AND region = ? AND {order} >= ? AND {order} <= ? "
            f"AND ({order} > ? OR id > ?) ORDER BY {order}, id LIMIT ?",
            (span.account, span.region, max(span.start, time), span.end, time, number, most),
        )
        return [_row(*row) for row in rows]

    def find(self, account: str, region: str, trace_id: str) -> TraceRow | None:
        rows = self._connection().execute(
            f"SELECT {_ROW} FROM traces WHERE account = ? AND region = ? AND trace_id = ?", (account, region, trace_id)
        )
        return next((_row(*row) for row in rows), None)

    def documents(self, number: int) -> list[str]:
        rows = self._connection().execute("SELECT document FROM trace_segments WHERE trace = ?", (number,))
        return [document for (document,) in rows]

    def _connection(self) -> apsw.Connection:
        if self._reader is None:
            self._reader = self._database.reader()
        return self._reader

    def close(self) -> None:
        """Before the database is closed."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _row(number: int, trace_id: str, made: int, began: float, size: int, revision: int, limited: int) -> TraceRow:
    return TraceRow(number, trace_id, made, began, size, revision, bool(limited))


def _append(connection: apsw.Connection, arrived: Arrived, number: int, now: float) -> int | None:
    """Bytes that its trace has more, perhaps less; None: it has no place there."""
    segment = arrived.segment
    place = (arrived.account, arrived.region, segment.trace_id)
    ends = segment.ended if segment.ended is not None else segment.begun
    began_at = made_at(segment, now)
    connection.execute(
        "INSERT INTO traces (id, account, region, trace_id, made_at, began, ended, updated, size, revision, limited) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0) ON CONFLICT (account, region, trace_id) DO NOTHING",
        (number, *place, began_at, segment.begun, ends, now),
    )
    ((trace, size, made, began, ended),) = connection.execute(
        "SELECT id, size, made_at, began, ended FROM traces WHERE account = ? AND region = ? AND trace_id = ?", place
    )
    known = connection.execute(
        "SELECT in_progress, size FROM trace_segments WHERE trace = ? AND segment = ?", (trace, segment.id)
    )
    was_in_progress, before = next(known, (1, 0))
    if segment.ended is None and not was_in_progress:
        return 0  # what comes late says less than what is there
    more = len(segment.text) - before
    if size + more > MOST_TRACE_BYTES:
        connection.execute("UPDATE traces SET limited = 1 WHERE id = ?", (trace,))
        return None
    connection.execute(
        "INSERT INTO trace_segments (trace, segment, in_progress, size, document) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (trace, segment) DO UPDATE SET in_progress = excluded.in_progress, size = excluded.size, "
        "document = excluded.document",
        (trace, segment.id, int(segment.ended is None), len(segment.text), segment.text.decode()),
    )
    connection.execute(
        "UPDATE traces SET made_at = ?, began = ?, ended = ?, updated = ?, size = size + ?, revision = revision + 1 WHERE id = ?",
        (min(made, began_at), min(began, segment.begun), max(ended, ends), now, more, trace),
    )
    return more
