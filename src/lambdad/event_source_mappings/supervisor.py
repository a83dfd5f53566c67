"""Brings every event source mapping from what it is to what is wished of it.

Nothing polls yet: a mapping is Enabled as soon as its wish is committed. AWS:
docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

import asyncio
import logging

from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey, is_settled, settled
from lambdad.store.event_source_mappings import EventSourceMappings

log = logging.getLogger(__name__)


class Supervisor:
    def __init__(self, mappings: EventSourceMappings) -> None:
        self._mappings = mappings
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """What an earlier server left on its way goes on."""
        self._mappings.subscribe(self._changed)
        for mapping in self._mappings.all():
            self._changed(mapping.key, None, mapping)

    def _changed(self, key: MappingKey, before: EventSourceMapping | None, after: EventSourceMapping | None) -> None:
        if after is None or is_settled(after):
            return
        task = asyncio.get_running_loop().create_task(self._settle(key))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _settle(self, key: MappingKey) -> None:
        await self._mappings.apply(key, lambda mapping: settled(mapping) if mapping is not None else None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an event source mapping did not settle; it will at the next start", exc_info=error)

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks))
