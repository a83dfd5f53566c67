"""Event source mappings in the database."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import apsw

from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey
from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.documents import Documents

Check = Callable[[EventSourceMapping, EventSourceMapping], None]
"""(another, the one): raises what must not be beside each other."""


class EventSourceMappings(Documents[MappingKey, EventSourceMapping]):
    table = "event_source_mappings"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._deciding = asyncio.Lock()
        """Two at once must not both find no other."""

    async def create(self, mapping: EventSourceMapping, check: Check) -> None:
        """Durable when it returns."""
        async with self._deciding:
            self._check_beside(mapping, check)
            await self.apply(mapping.key, lambda before: mapping)

    async def update_beside(
        self, key: MappingKey, change: Callable[[EventSourceMapping], EventSourceMapping], check: Check | None
    ) -> EventSourceMapping | None:
        """As `update`; what it becomes is checked like a new one, if there is a check."""
        if check is None:
            return await self.update(key, change)

        def checked(before: EventSourceMapping) -> EventSourceMapping:
            after = change(before)
            self._check_beside(after, check)
            return after

        async with self._deciding:
            return await self.update(key, checked)

    def _check_beside(self, mapping: EventSourceMapping, check: Check) -> None:
        for other in self.list(mapping.key.account, mapping.key.region):
            if other.key != mapping.key:
                check(other, mapping)

    def _write(
        self,
        connection: apsw.Connection,
        key: MappingKey,
        before: EventSourceMapping | None,
        after: EventSourceMapping | None,
    ) -> None:
        super()._write(connection, key, before, after)
        if after is None:
            connection.execute("DELETE FROM stream_checkpoints WHERE mapping = ?", (key.name,))

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[MappingKey, EventSourceMapping]:
        key = MappingKey(account, region, name)
        document["function"] = FunctionKey(account, region, document["function"])
        return key, EventSourceMapping(key=key, **document)

    def _document_of(self, value: EventSourceMapping) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        document["function"] = value.function.name
        return document
