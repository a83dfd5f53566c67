"""The durable queue of asynchronous events.

A row is an accepted event; it goes when the event is settled. Which events are being run is known only to this process: after
a crash nothing is, and all that is due runs again. So a lease is no row of its own, and accepting one is a single insert.
"""

import dataclasses
import itertools
from dataclasses import dataclass

import apsw

from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database

_COLUMNS = (
    "id, request_id, account, region, name, qualifier, payload, client_context, trace_id, "
    "accepted_at, due_at, errors, throttles"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Times in seconds since the epoch; `errors` and `throttles` count the attempts that ended so."""

    request_id: str
    key: FunctionKey
    qualifier: str | None
    payload: bytes
    client_context: str | None
    trace_id: str | None
    accepted_at: float
    due_at: float
    errors: int = 0
    throttles: int = 0
    id: int = 0


class EventQueue:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = itertools.count(1)
        self._leased: set[int] = set()

    def load(self) -> None:
        """Numbers go on after the highest in the database."""
        ((highest,),) = self._database.read("SELECT max(id) FROM events")
        self._numbers = itertools.count((highest or 0) + 1)

    async def append(self, event: Event) -> None:
        """Durable when it returns."""
        row = dataclasses.replace(event, id=next(self._numbers))
        await self._database.write(lambda connection: _insert(connection, row))

    async def lease(self, now: float, most: int) -> list[Event]:
        """Events that are due and not being run, the longest due first; they are leased until settled or rescheduled."""
        taken = set(self._leased)

        def change(connection: apsw.Connection) -> list[Event]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM events WHERE due_at <= ? ORDER BY due_at LIMIT ?", (now, most + len(taken))
            )
            return [_event(row) for row in rows if row[0] not in taken][:most]

        events = await self._database.write(change)
        self._leased.update(event.id for event in events)
        return events

    async def next_due(self) -> float | None:
        """When the next event that is not being run is due."""
        taken = set(self._leased)

        def change(connection: apsw.Connection) -> float | None:
            rows = connection.execute("SELECT id, due_at FROM events ORDER BY due_at LIMIT ?", (len(taken) + 1,))
            return next((float(due) for number, due in rows if number not in taken), None)

        return await self._database.write(change)

    async def settle(self, event: Event) -> None:
        """It is done with: succeeded, or given up."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM events WHERE id = ?", (event.id,))
        )
        self._leased.discard(event.id)

    async def reschedule(self, event: Event, due_at: float, errors: int, throttles: int) -> None:
        bindings = (due_at, errors, throttles, event.id)
        statement = "UPDATE events SET due_at = ?, errors = ?, throttles = ? WHERE id = ?"
        await self._database.write(lambda connection: connection.execute(statement, bindings))
        self._leased.discard(event.id)


def _insert(connection: apsw.Connection, event: Event) -> None:
    key = event.key
    connection.execute(
        f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(event.id, event.request_id, key.account, key.region, key.name, event.qualifier, event.payload),
            *(event.client_context, event.trace_id, event.accepted_at, event.due_at, event.errors, event.throttles),
        ),
    )


def _event(row: tuple[object, ...]) -> Event:
    number, request_id, account, region, name, *rest = row
    fields = ("qualifier", "payload", "client_context", "trace_id", "accepted_at", "due_at", "errors", "throttles")
    key = FunctionKey(str(account), str(region), str(name))
    return Event(id=number, request_id=request_id, key=key, **dict(zip(fields, rest, strict=True)))  # type: ignore[arg-type]
