"""Event source mappings in the database."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey
from lambdad.resources.function import FunctionKey
from lambdad.store.database import Database
from lambdad.store.documents import Documents


class EventSourceMappings(Documents[MappingKey, EventSourceMapping]):
    table = "event_source_mappings"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._creating = asyncio.Lock()

    async def create(
        self, mapping: EventSourceMapping, check: Callable[[EventSourceMapping, EventSourceMapping], None]
    ) -> None:
        """Durable when it returns. `check(other, mapping)` raises what must not be beside another."""
        async with self._creating:  # two at once must not both find no other
            for other in self.list(mapping.key.account, mapping.key.region):
                check(other, mapping)
            await self.apply(mapping.key, lambda before: mapping)

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[MappingKey, EventSourceMapping]:
        key = MappingKey(account, region, name)
        document["function"] = FunctionKey(account, region, document["function"])
        return key, EventSourceMapping(key=key, **document)

    def _document_of(self, value: EventSourceMapping) -> Any:
        document = dataclasses.asdict(value)
        del document["key"]
        document["function"] = value.function.name
        return document
