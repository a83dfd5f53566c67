"""EventBridge's buses and rules in the database, and when scheduled rules have last fired."""

import dataclasses
from typing import Any

import apsw

from lambdad.resources.event_bus import BusKey, EventBus, Rule, RuleKey
from lambdad.store.database import Database
from lambdad.store.documents import Documents


class EventBuses(Documents[BusKey, EventBus]):
    table = "event_buses"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[BusKey, EventBus]:
        key = BusKey(account, region, name)
        return key, EventBus(key=key, **document)

    def _document_of(self, value: EventBus) -> Any:
        return _without_key(value)


class EventRules(Documents[RuleKey, Rule]):
    table = "event_rules"

    def of_bus(self, bus: BusKey) -> list[Rule]:
        """By name."""
        return [rule for rule in self.list(bus.account, bus.region) if rule.key.bus == bus]

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[RuleKey, Rule]:
        bus, _, rule = name.rpartition("/")
        key = RuleKey(BusKey(account, region, bus), rule)
        return key, Rule(key=key, **document)

    def _document_of(self, value: Rule) -> Any:
        return _without_key(value)


class RuleFirings:
    """One writer: `services/events/scheduled_rules.py`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[RuleKey, float]:
        """When each has last fired."""
        rows = self._database.read("SELECT account, region, name, fired_at FROM event_rule_firings")
        found = {}
        for account, region, name, fired_at in rows:
            bus, _, rule = name.rpartition("/")
            found[RuleKey(BusKey(account, region, bus), rule)] = float(fired_at)
        return found

    def insert(self, connection: apsw.Connection, key: RuleKey, fired_at: float) -> None:
        connection.execute(
            "INSERT INTO event_rule_firings (account, region, name, fired_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, region, name) DO UPDATE SET fired_at = excluded.fired_at",
            (key.account, key.region, key.name, fired_at),
        )

    async def forget(self, key: RuleKey) -> None:
        bindings = (key.account, key.region, key.name)
        statement = "DELETE FROM event_rule_firings WHERE account = ? AND region = ? AND name = ?"
        await self._database.write(lambda connection: connection.execute(statement, bindings))


def _without_key(value: Any) -> Any:
    document = dataclasses.asdict(value)
    del document["key"]
    return document
