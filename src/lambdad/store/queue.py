"""The durable queue of asynchronous events.

A row is an accepted event; it goes when the event is settled, in one transaction with what is to be delivered of it
(`deliveries.py`). Which events are being run is known only to this process: after a crash nothing is, and all that is due runs
again. So a lease is no row of its own, and accepting one is a single insert.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import apsw

from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries, Delivery

_COLUMNS = (
    "id, request_id, account, region, name, qualifier, payload, client_context, trace_id, "
    "accepted_at, due_at, errors, throttles, tenant_id"
)
_OF_FUNCTION = "account = ? AND region = ? AND name = ?"


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
    tenant_id: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Leased:
    """Events to be run, and when the function's next one is due that is not among them nor being run; None: there is none."""

    events: list[Event]
    next_due: float | None


class EventQueue:
    def __init__(self, database: Database, deliveries: Deliveries) -> None:
        self._database = database
        self._deliveries = deliveries
        self._numbers = itertools.count(1)
        self._leased: dict[FunctionKey, set[int]] = {}

    def load(self) -> None:
        """Numbers go on after the highest in the database."""
        ((highest,),) = self._database.read("SELECT max(id) FROM events")
        self._numbers = itertools.count((highest or 0) + 1)

    def functions(self) -> list[tuple[FunctionKey, float]]:
        """Those that have events, and when the first of each is due: once, at start."""
        rows = self._database.read(
            "SELECT account, region, name, min(due_at) FROM events GROUP BY account, region, name"
        )
        return [(FunctionKey(account, region, name), due) for account, region, name, due in rows]

    async def append(self, event: Event) -> Event:
        """Durable when it returns: numbered."""
        row = dataclasses.replace(event, id=next(self._numbers))
        await self._database.write(lambda connection: _insert(connection, row))
        return row

    def numbered(self, events: Sequence[Event]) -> list[Event]:
        """For `insert`."""
        return [dataclasses.replace(event, id=next(self._numbers)) for event in events]

    def insert(self, connection: apsw.Connection, event: Event) -> None:
        """Within somebody else's change."""
        _insert(connection, event)

    async def lease(self, key: FunctionKey, now: float, most: int, most_bytes: int) -> Leased:
        """Events of a function that are due and not being run, the longest due first; theirs until settled or rescheduled.

        At most so many, and payloads of so many bytes; but one, however large.
        """
        taken = frozenset(self._leased.get(key, ()))

        def change(connection: apsw.Connection) -> Leased:
            events = _due(connection, key, now, taken, most, most_bytes)
            return Leased(events, _next_due(connection, key, taken.union(event.id for event in events)))

        leased = await self._database.write(change)
        if leased.events:
            self._leased.setdefault(key, set()).update(event.id for event in leased.events)
        return leased

    def take(self, event: Event) -> None:
        """A lease of one that has just been appended, while no other lease of its function is under way."""
        self._leased.setdefault(event.key, set()).add(event.id)

    def give_back(self, event: Event) -> None:
        """It was not run: somebody else may have it."""
        leased = self._leased[event.key]
        leased.discard(event.id)
        if not leased:
            del self._leased[event.key]

    async def settle(
        self, event: Event, deliveries: Sequence[Delivery] = (), events: Sequence[Event] = ()
    ) -> list[Delivery]:
        """It is done with. In the same transaction: what is to be delivered of it, and new events that it becomes.

        The deliveries, numbered.
        """
        rows = self.numbered(events)
        numbered = self._deliveries.numbered(deliveries)

        def change(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM events WHERE id = ?", (event.id,))
            for delivery in numbered:
                self._deliveries.insert(connection, delivery)
            for row in rows:
                _insert(connection, row)

        try:
            await self._database.write(change)
        finally:
            self.give_back(event)  # also when the disk is full: then it runs again
        return numbered

    async def reschedule(self, event: Event, due_at: float, errors: int, throttles: int) -> None:
        bindings = (due_at, errors, throttles, event.id)
        statement = "UPDATE events SET due_at = ?, errors = ?, throttles = ? WHERE id = ?"
        try:
            await self._database.write(lambda connection: connection.execute(statement, bindings))
        finally:
            self.give_back(event)


def _due(
    connection: apsw.Connection, key: FunctionKey, now: float, taken: AbstractSet[int], most: int, most_bytes: int
) -> list[Event]:
    """Ids first: payloads are read only of what is taken."""
    numbers = connection.execute(
        f"SELECT id FROM events WHERE {_OF_FUNCTION} AND due_at <= ? ORDER BY due_at, id",
        (key.account, key.region, key.name, now),
    )
    free = (number for (number,) in numbers if number not in taken)
    events: list[Event] = []
    size = 0
    for number in list(itertools.islice(free, most)):
        (row,) = connection.execute(f"SELECT {_COLUMNS} FROM events WHERE id = ?", (number,))
        event = _event(row)
        size += len(event.payload)
        if events and size > most_bytes:
            break
        events.append(event)
    return events


def _next_due(connection: apsw.Connection, key: FunctionKey, taken: frozenset[int]) -> float | None:
    rows = connection.execute(
        f"SELECT id, due_at FROM events WHERE {_OF_FUNCTION} ORDER BY due_at, id LIMIT ?",
        (key.account, key.region, key.name, len(taken) + 1),
    )
    return next((float(due) for number, due in rows if number not in taken), None)


def _insert(connection: apsw.Connection, event: Event) -> None:
    key = event.key
    connection.execute(
        f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(event.id, event.request_id, key.account, key.region, key.name, event.qualifier, event.payload),
            *(event.client_context, event.trace_id, event.accepted_at, event.due_at, event.errors, event.throttles),
            event.tenant_id,
        ),
    )


def _event(row: tuple[object, ...]) -> Event:
    number, request_id, account, region, name, *rest = row
    own = ("qualifier", "payload", "client_context", "trace_id")
    fields = (*own, "accepted_at", "due_at", "errors", "throttles", "tenant_id")
    key = FunctionKey(str(account), str(region), str(name))
    return Event(id=number, request_id=request_id, key=key, **dict(zip(fields, rest, strict=True)))  # type: ignore[arg-type]
