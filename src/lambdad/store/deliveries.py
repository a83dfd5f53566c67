"""What became of events, kept until their destination or dead-letter queue has it.

A row is written in the transaction that settles its event (`queue.py`), and goes when it is delivered or given up: at least
once, like everything asynchronous.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import apsw
import orjson

from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database

_COLUMNS = "id, kind, account, region, name, request_id, target, body, context, begun_at, due_at, attempts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Times in seconds since the epoch."""

    kind: str
    """destination | dead_letter | alarm | target (of a rule or schedule) | queue (any message) | bus (a service's event)."""
    key: FunctionKey
    """Whose event it was; or the alarm, or what sends it."""
    request_id: str
    target: str
    """ARN."""
    body: bytes
    """The destination's record, or the event itself."""
    context: Mapping[str, str]
    """What the target needs to know beside it (`invocation/destinations.py`, `invocation/undelivered.py`)."""
    begun_at: float
    due_at: float
    attempts: int = 0
    id: int = 0


class Deliveries:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = itertools.count(1)

    def load(self) -> None:
        """Numbers go on after the highest in the database."""
        ((highest,),) = self._database.read("SELECT max(id) FROM deliveries")
        self._numbers = itertools.count((highest or 0) + 1)

    def numbered(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        return [dataclasses.replace(delivery, id=next(self._numbers)) for delivery in deliveries]

    def insert(self, connection: apsw.Connection, delivery: Delivery) -> None:
        key = delivery.key
        connection.execute(
            f"INSERT INTO deliveries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(delivery.id, delivery.kind, key.account, key.region, key.name, delivery.request_id),
                *(delivery.target, delivery.body, orjson.dumps(delivery.context).decode()),
                *(delivery.begun_at, delivery.due_at, delivery.attempts),
            ),
        )

    async def append(self, delivery: Delivery) -> None:
        """Of nothing that is settled with it."""
        (numbered,) = self.numbered([delivery])
        await self._database.write(lambda connection: self.insert(connection, numbered))

    async def due(
        self, now: float, taken: frozenset[int], crowded: frozenset[str], most: int
    ) -> tuple[list[Delivery], float | None]:
        """Those due and neither in `taken` nor for a target in `crowded`, the longest due first; and when the next one after
        them is due, if there is one."""
        marks = ", ".join("?" * len(crowded))
        statement = f"SELECT id, due_at FROM deliveries WHERE target NOT IN ({marks}) ORDER BY due_at, id LIMIT ?"

        def change(connection: apsw.Connection) -> tuple[list[Delivery], float | None]:
            rows = connection.execute(statement, (*crowded, len(taken) + most + 1))
            free = [(number, float(due)) for number, due in rows if number not in taken]
            wanted = [number for number, due in free[:most] if due <= now]
            found = [_read(connection, number) for number in wanted]
            return found, free[len(wanted)][1] if len(free) > len(wanted) else None

        return await self._database.write(change)

    async def done(self, delivery: Delivery, instead: Delivery | None = None) -> None:
        """Delivered, or given up; `instead`: what is to be delivered from now on."""
        numbered = self.numbered([instead] if instead is not None else [])

        def change(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))
            for one in numbered:
                self.insert(connection, one)

        await self._database.write(change)

    async def postpone(self, delivery: Delivery, due_at: float) -> None:
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE deliveries SET due_at = ?, attempts = attempts + 1 WHERE id = ?", (due_at, delivery.id)
            )
        )


def _read(connection: apsw.Connection, number: int) -> Delivery:
    ((_, kind, account, region, name, request_id, target, body, context, begun_at, due_at, attempts),) = (
        connection.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE id = ?", (number,))
    )
    return Delivery(
        kind=kind,
        key=FunctionKey(account, region, name),
        request_id=request_id,
        target=target,
        body=body,
        context=orjson.loads(context),
        begun_at=begun_at,
        due_at=due_at,
        attempts=attempts,
        id=number,
    )
