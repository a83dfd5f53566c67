"""Resources of one kind: durable in the database, read from memory.

Memory is written only by a commit that succeeded, in the order of commits, so that a reader sees what a restart would find.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

import apsw

from lambdad.store.database import Database

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Also = Callable[[apsw.Connection], None]


class Records(Generic[K, V]):
    def __init__(self, database: Database, store: Callable[[apsw.Connection, K, "V | None", "V | None"], None]) -> None:
        """`store(connection, key, before, after)` writes what differs; None: there is none."""
        self._database = database
        self._store = store
        self._records: dict[K, V] = {}
        self._listeners: list[Callable[[K, V | None, V | None], None]] = []
        self._turns: dict[K, asyncio.Task[Any]] = {}

    def get(self, key: K) -> V | None:
        return self._records.get(key)

    def all(self) -> Iterable[V]:
        return list(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def subscribe(self, listener: Callable[[K, V | None, V | None], None]) -> None:
        """`listener(key, before, after)` is called on the event loop after each commit, in order."""
        self._listeners.append(listener)

    async def apply(
        self, key: K, change: Callable[[V | None], V | None], also: Also | None = None
    ) -> tuple[V | None, V | None]:
        """(before, after), durable when it returns. What `change` raises is raised here and leaves nothing changed.
        `also`: done in the same transaction, if there is a change at all.

        One change of a record at a time: each is decided on what the one before it has committed. Changes of different
        records share commits. A task of its own: a caller that goes away must not leave memory behind the disk, or let
        the next in too early.
        """
        turn = asyncio.get_running_loop().create_task(self._apply(key, change, also, self._turns.get(key)))
        self._turns[key] = turn
        turn.add_done_callback(lambda done: self._turn_over(key, done))
        return await asyncio.shield(turn)

    def _turn_over(self, key: K, turn: asyncio.Task[Any]) -> None:
        if self._turns.get(key) is turn:
            del self._turns[key]
        if not turn.cancelled():
            turn.exception()  # looked at: the caller may be gone

    async def _apply(
        self,
        key: K,
        change: Callable[[V | None], V | None],
        also: Also | None,
        earlier: asyncio.Task[Any] | None,
    ) -> tuple[V | None, V | None]:
        if earlier is not None:
            await asyncio.wait([earlier])
        before = self._records.get(key)
        after = change(before)
        if after != before:

            def write(connection: apsw.Connection) -> None:
                self._store(connection, key, before, after)
                if also is not None:
                    also(connection)

            await self._database.write(write)
            self._show(key, before, after)
        return before, after

    def _show(self, key: K, before: V | None, after: V | None) -> None:
        if after is None:
            self._records.pop(key, None)
        else:
            self._records[key] = after
        for listener in self._listeners:
            try:
                listener(key, before, after)
            except Exception:  # it is committed: the others must hear of it, too
                log.exception("a listener failed over a change of %s", key)
