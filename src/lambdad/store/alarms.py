"""Metric alarms in the database, with their history; what is done about a change is committed with it."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from lambdad.resources.alarm import Alarm, AlarmKey, AlarmState
from lambdad.store.database import Database
from lambdad.store.documents import Documents

_COLUMNS = "id, account, region, name, kind, occurred_at, summary, data"
HISTORY_KEPT = 30 * 86400.0
"""Seconds, as on AWS."""
_MOST_OF_ONE = 1000
"""Entries of one alarm: one that goes to and fro all day must not fill the disk."""


@dataclass(frozen=True, slots=True)
class HistoryItem:
    key: AlarmKey
    kind: str
    """ConfigurationUpdate | StateUpdate | Action."""
    occurred_at: float
    summary: str
    data: str
    """JSON."""
    id: int = 0


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """What becomes of an alarm: `alarm` None deletes it. `also` is done in the same transaction."""

    alarm: Alarm | None
    history: Sequence[HistoryItem] = ()
    also: Callable[[apsw.Connection], None] | None = None


class Alarms(Documents[AlarmKey, Alarm]):
    table = "metric_alarms"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._numbers = itertools.count(1)

    def load(self) -> None:
        super().load()
        ((highest,),) = self._database.read("SELECT max(id) FROM alarm_history")
        self._numbers = itertools.count((highest or 0) + 1)

    async def change(self, key: AlarmKey, decide: Callable[[Alarm | None], AlarmChange | None]) -> AlarmChange | None:
        """Durable when it returns; None: there is nothing to be changed. What `decide` raises is raised here."""
        decided: AlarmChange | None = None

        def changed(before: Alarm | None) -> Alarm | None:
            nonlocal decided
            decided = decide(before)
            if decided is None:
                return before
            history = tuple(dataclasses.replace(item, id=next(self._numbers)) for item in decided.history)
            decided = dataclasses.replace(decided, history=history)
            return decided.alarm

        def also(connection: apsw.Connection) -> None:
            assert decided is not None
            for item in decided.history:
                _insert(connection, item)
            if decided.also is not None:
                decided.also(connection)

        await self.apply(key, changed, also)
        return decided

    async def history(
        self, account: str, region: str, name: str | None, kind: str | None, start: float, end: float
    ) -> list[HistoryItem]:
        """In the order of time."""

        def read(connection: apsw.Connection) -> list[HistoryItem]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM alarm_history WHERE account = ? AND region = ? AND (? IS NULL OR name = ?) "
                "AND (? IS NULL OR kind = ?) AND occurred_at >= ? AND occurred_at <= ? ORDER BY occurred_at, id",
                (account, region, name, name, kind, kind, start, end),
            )
            return [
                HistoryItem(AlarmKey(account, region, name), kind, at, summary, data, number)
                for number, account, region, name, kind, at, summary, data in rows
            ]

        return await self._database.write(read)

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[AlarmKey, Alarm]:
        key = AlarmKey(account, region, name)
        document["state"] = AlarmState(**document["state"])
        return key, Alarm(key=key, **document)

    def _document_of(self, value: Alarm) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        return document


def _insert(connection: apsw.Connection, item: HistoryItem) -> None:
    key = item.key
    place = (key.account, key.region, key.name)
    connection.execute(
        f"INSERT INTO alarm_history ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (item.id, *place, item.kind, item.occurred_at, item.summary, item.data),
    )
    connection.execute(
        "DELETE FROM alarm_history WHERE account = ? AND region = ? AND name = ? AND (occurred_at < ? OR id <= "
        "coalesce((SELECT id FROM alarm_history WHERE account = ? AND region = ? AND name = ? "
        "ORDER BY id DESC LIMIT 1 OFFSET ?), 0))",
        (*place, item.occurred_at - HISTORY_KEPT, *place, _MOST_OF_ONE),
    )
