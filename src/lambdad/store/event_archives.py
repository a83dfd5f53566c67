"""EventBridge's archives, the events in them, and replays, in the database."""

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import apsw

from lambdad.resources.event_bus import Archive, NamedKey, Replay
from lambdad.store.database import Database
from lambdad.store.documents import Documents

_PIECE = 1000
"""Events that are deleted in one change."""


class EventArchives(Documents[NamedKey, Archive]):
    table = "event_archives"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[NamedKey, Archive]:
        key = NamedKey(account, region, name)
        return key, Archive(key=key, **document)

    def _document_of(self, value: Archive) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document


class EventReplays(Documents[NamedKey, Replay]):
    table = "event_replays"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[NamedKey, Replay]:
        key = NamedKey(account, region, name)
        reached = document.pop("reached")
        return key, Replay(key=key, reached=tuple(reached) if reached is not None else None, **document)

    def _document_of(self, value: Replay) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    archive: int
    """Its number."""
    time: float
    """The event's own."""
    event: bytes
    """JSON."""
    id: int = 0


class ArchivedEvents:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = itertools.count(1)

    def load(self) -> None:
        """Numbers go on after the highest in the database."""
        ((highest,),) = self._database.read("SELECT max(id) FROM archived_events")
        self._numbers = itertools.count((highest or 0) + 1)

    def archives(self) -> list[int]:
        """Numbers of those that have events: once, at start."""
        return [number for (number,) in self._database.read("SELECT DISTINCT archive FROM archived_events")]

    def insert(self, connection: apsw.Connection, event: ArchivedEvent, now: float) -> None:
        connection.execute(
            "INSERT INTO archived_events (id, archive, time, archived_at, size, event) VALUES (?, ?, ?, ?, ?, ?)",
            (next(self._numbers), event.archive, event.time, now, len(event.event), event.event),
        )

    async def count(self, archive: int) -> tuple[int, int]:
        """Events, and their bytes."""
        statement = "SELECT count(*), coalesce(sum(size), 0) FROM archived_events WHERE archive = ?"

        def read(connection: apsw.Connection) -> tuple[int, int]:
            ((events, size),) = connection.execute(statement, (archive,))
            return events, size

        return await self._database.write(read)

    async def page(
        self, archive: int, first: float, last: float, after: tuple[float, int] | None, most: int
    ) -> list[ArchivedEvent]:
        """Those from `first` to `last`, the oldest first, that come after the one of that time and number."""
        time, number = after or (first, 0)
        statement = (
            "SELECT archive, time, event, id FROM archived_events WHERE archive = ? AND time <= ? "
            "AND (time > ? OR (time = ? AND id > ?)) ORDER BY time, id LIMIT ?"
        )
        bindings = (archive, last, time, time, number, most)
        return await self._database.write(
            lambda connection: [ArchivedEvent(*row) for row in connection.execute(statement, bindings)]
        )

    async def forget(self, archive: int, until: float | None = None) -> None:
        """All that it has, or what was archived until then: piece by piece, so that nobody else waits for long."""
        statement = (
            "DELETE FROM archived_events WHERE id IN (SELECT id FROM archived_events WHERE archive = ? "
            "AND (? IS NULL OR archived_at <= ?) LIMIT ?)"
        )

        def change(connection: apsw.Connection) -> int:
            connection.execute(statement, (archive, until, until, _PIECE))
            return connection.changes()

        while await self._database.write(change):
            pass
