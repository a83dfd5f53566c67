"""Event source mappings in the database."""

import asyncio
import dataclasses
from collections.abc import Callable

import apsw
import orjson

from lambdad.errors import ResourceNotFoundException
from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey
from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.records import Records


class EventSourceMappings(Records[MappingKey, EventSourceMapping]):
    def __init__(self, database: Database) -> None:
        super().__init__(database, _store)
        self._creating = asyncio.Lock()

    def load(self) -> None:
        """Read all from the database, once at start."""
        rows = self._database.read("SELECT account, region, uuid, document FROM event_source_mappings")
        for account, region, uuid, document in rows:
            key = MappingKey(account, region, uuid)
            members = orjson.loads(document)
            members["function"] = FunctionKey(account, region, members["function"])
            self._records[key] = EventSourceMapping(key=key, **members)

    def list(self, account: str, region: str) -> list[EventSourceMapping]:
        """Of one account and region, by UUID."""
        found = [one for key, one in self._records.items() if (key.account, key.region) == (account, region)]
        return sorted(found, key=lambda mapping: mapping.key.uuid)

    async def create(
        self, mapping: EventSourceMapping, check: Callable[[EventSourceMapping, EventSourceMapping], None]
    ) -> None:
        """Durable when it returns. `check(other, mapping)` raises what must not be beside another."""
        async with self._creating:  # two at once must not both find no other
            for other in self.list(mapping.key.account, mapping.key.region):
                check(other, mapping)
            await self.apply(mapping.key, lambda before: mapping)

    async def update(
        self, key: MappingKey, change: Callable[[EventSourceMapping], EventSourceMapping]
    ) -> EventSourceMapping:
        """Durable when it returns. Raises ResourceNotFoundException."""

        def checked(before: EventSourceMapping | None) -> EventSourceMapping:
            if before is None:
                raise ResourceNotFoundException.requested_resource()
            return change(before)

        _, after = await self.apply(key, checked)
        assert after is not None
        return after


def _store(
    connection: apsw.Connection, key: MappingKey, before: EventSourceMapping | None, after: EventSourceMapping | None
) -> None:
    name = (key.account, key.region, key.uuid)
    if after is None:
        connection.execute("DELETE FROM event_source_mappings WHERE account = ? AND region = ? AND uuid = ?", name)
        return
    document = dataclasses.asdict(after)
    del document["key"]
    document["function"] = after.function.name
    connection.execute(
        "INSERT INTO event_source_mappings (account, region, uuid, document) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, region, uuid) DO UPDATE SET document = excluded.document",
        (*name, orjson.dumps(document).decode()),
    )
